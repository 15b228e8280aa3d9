//! Plans of descriptions, in an account that has nothing in it.

use std::sync::Arc;

use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::job::parse;

use super::*;

fn planned(description: &str, images: &SystemImages) -> Result<JobPlan, PlanError> {
    let job = parse(description.as_bytes())?;
    let planning = Planning { account: "AUTH_x", system_images: images };
    planning.only_own(&job)?;
    planning.plan(&job, &Matches::default())
}

fn of(devices: &str, more: &str) -> Result<JobPlan, PlanError> {
    let description = format!(
        r#"[{{"name": "n", "exec": {{"path": "swift://~/c/m.wasm", "args": "a 'b c'"}},
             "devices": [{devices}] {more}}}]"#
    );
    planned(&description, &SystemImages::default())
}

fn status(devices: &str, more: &str) -> u16 {
    of(devices, more).expect_err("it is refused").status().as_u16()
}

#[test]
fn a_session_wants_to_be_near_its_input() {
    let devices = r#"{"name": "stdout"}, {"name": "output", "path": "swift://./c/out"},
                     {"name": "input", "path": "swift://AUTH_x/c/in"}"#;
    let plan = of(devices, "").unwrap();
    let input = Path::object_of("AUTH_x", "c", "in").unwrap();
    let [session] = plan.sessions.as_slice() else { panic!("there is one session") };
    assert_eq!(session.attached, Some(input.clone()));
    assert_eq!(session.args, ["n", "a", "b c"]);
    assert_eq!(plan.reads(), [Path::object_of("AUTH_x", "c", "m.wasm").unwrap(), input]);
}

#[test]
fn sessions_of_a_group_have_names_of_their_own() {
    let plan = of(r#"{"name": "stdout"}"#, r#", "count": 2"#).unwrap();
    let args: Vec<&str> = plan.sessions.iter().map(|session| session.args[0].as_str()).collect();
    assert_eq!(args, ["n-1", "n-2"]);
}

#[test]
fn a_container_is_read_as_its_listing_and_never_written() {
    let plan = of(r#"{"name": "input", "path": "swift://~/c"}"#, "").unwrap();
    let container = Path::account_only("AUTH_x").unwrap().with_container("c").unwrap();
    assert_eq!(plan.sessions[0].devices[0].path, PlannedPath::Listing(container.clone()));
    assert_eq!(plan.listings().into_iter().collect::<Vec<_>>(), [container]);
    assert_eq!(status(r#"{"name": "output", "path": "swift://~/c"}"#, ""), 400);
}

#[test]
fn what_cannot_be_done_is_refused_by_its_field() {
    let input = r#"{"name": "input", "path": "swift://AUTH_y/c/o"}"#;
    assert_eq!(status(input, ""), 403);
    assert_eq!(status(r#"{"name": "input", "path": "swift://AUTH_y/c/*"}"#, ""), 403);
    assert_eq!(status(r#"{"name": "python2.7"}"#, ""), 400);
    assert_eq!(status(r#"{"name": "debug", "path": "tcp://h:1"}"#, ""), 400);
    let large = r#"{"name": "output", "path": "swift://~/c/o", "min_size": 67108865}"#;
    assert_eq!(status(large, ""), 400);
    let refusal = of(input, "").expect_err("it is refused");
    assert!(refusal.to_string().contains("node \"n\", field `devices.input.path`"), "{refusal}");
    let PlanError::Field { flaw, .. } = refusal else { panic!("{refusal} is about a field") };
    assert!(matches!(*flaw, FieldFlaw::OtherAccount { account, .. } if account == "AUTH_x"));
}

fn with_images(exec: &str, devices: &str) -> Result<SessionPlan, PlanError> {
    let tar = tar::Builder::new(Vec::new()).into_inner().unwrap();
    let image = Arc::new(Image::from_tar(&tar, ImageLimits::default()).unwrap());
    let names = ["python", "python2.7"];
    let images = names.map(|name| (name.to_owned(), Arc::clone(&image)));
    let images = SystemImages::new(images.into_iter().collect()).unwrap();
    let description =
        format!(r#"[{{"name": "n", "exec": {{"path": "{exec}"}}, "devices": [{devices}]}}]"#);
    Ok(planned(&description, &images)?.sessions.remove(0))
}

#[test]
fn system_images_are_devices_of_the_node_and_keep_their_order() {
    let devices = r#"{"name": "python2.7"}, {"name": "python"},
                     {"name": "image", "path": "swift://~/c/tar"}"#;
    let plan = with_images("file://python2.7:bin/python", devices).unwrap();
    let (image, path) = (Some("python2.7".to_owned()), "bin/python".to_owned());
    assert_eq!(plan.module, ModuleSource::InImage { image, path });
    assert_eq!(plan.system_images, ["python2.7", "python"]);
    let tar = Path::object_of("AUTH_x", "c", "tar").unwrap();
    assert_eq!(plan.images, [PlannedImage::Object(tar)]);
    let plan = with_images("python", r#"{"name": "python"}"#).unwrap();
    let path = "python".to_owned();
    assert_eq!(plan.module, ModuleSource::InImage { image: None, path });
}

#[test]
fn an_image_that_is_not_there_is_refused_by_node_field_and_those_that_are() {
    let refused = |exec: &str, devices: &str, why: &str| {
        let refusal = with_images(exec, devices).expect_err("it is refused");
        assert_eq!(refusal.status().as_u16(), 400);
        assert!(refusal.to_string().contains("node \"n\", field `"), "{refusal}");
        assert!(refusal.to_string().contains(why), "{refusal}");
    };
    let none = "there is no system image \"ruby\": there are python, python2.7";
    refused(
        "python",
        r#"{"name": "python"}, {"name": "ruby"}"#,
        &format!("`devices.ruby`: {none}"),
    );
    refused("file://ruby:r", r#"{"name": "python"}"#, &format!("`exec.path`: {none}"));
    refused("file://python:p", r#"{"name": "python2.7"}"#, "no device of the node: add it");
    refused("file://image:p", r#"{"name": "python"}"#, "no device of the node: add it");
    refused("p", r#"{"name": "stdout"}"#, "the node has no image device");
}

#[test]
fn an_object_that_several_sessions_read_is_read_once_and_code_is_no_data() {
    let devices = r#"{"name": "input", "path": "swift://~/c/in"}, {"name": "stdout"}"#;
    let plan = of(devices, r#", "count": 3"#).unwrap();
    let (module, input) = (
        Path::object_of("AUTH_x", "c", "m.wasm").unwrap(),
        Path::object_of("AUTH_x", "c", "in").unwrap(),
    );
    assert_eq!(plan.reads(), [module.clone(), input.clone()]);
    assert!(plan.is_code(&module) && !plan.is_code(&input));
    assert_eq!(plan.gangs.len(), 3, "sessions without pipes need not run together");
}

#[test]
fn a_device_without_a_path_is_the_requests_or_the_responses() {
    let plan = of(r#"{"name": "stdin"}, {"name": "stdout", "content_type": "text/html"}"#, "");
    let plan = plan.unwrap();
    let [stdin, stdout] = plan.sessions[0].devices.as_slice() else { panic!("there are two") };
    assert_eq!((&stdin.path, stdin.is_response()), (&PlannedPath::Client, false));
    assert!(stdout.is_response() && stdout.content_type.as_deref() == Some("text/html"));
    assert_eq!((stdin.read_object(), stdout.written_object()), (None, None));
}
