//! Posted jobs in each of their forms, whole, flawed, too long, too slow and broken off.
//!
//! Leaves out flaws of images and of descriptions as such, which the runtime's tests hold.

use std::cell::RefCell;

use proptest::prelude::*;
use stayput_host::contract::host_address;
use stayput_runtime::job::ExecPath;
use stayput_store::http::{self, Body, BodySender, Method, Response, Timeouts};

use super::*;
use crate::fixtures::{ACCOUNT, NamedStore, beside, object, tar_of};

const JOB: &str =
    r#"[{"name": "app", "exec": {"path": "swift://~/c/m"}, "devices": [{"name": "stdout"}]}]"#;
const READS_BODY: &str =
    r#"[{"name": "app", "exec": {"path": "swift://~/c/m"}, "devices": [{"name": "stdin"}]}]"#;

fn account() -> Path {
    Path::account_only(ACCOUNT).expect("it is a path")
}

fn posted(content_type: &str, bytes: &[u8]) -> Result<PostedJob, RequestError> {
    PostedJob::read(content_type, Bytes::copy_from_slice(bytes), None, &account())
}

fn why(posted: Result<PostedJob, RequestError>) -> (u16, String) {
    let error = posted.expect_err("it is refused");
    (error.status().as_u16(), error.to_string())
}

#[test]
fn the_content_type_decides_the_form_in_any_case_and_with_any_parameter() {
    for (content_type, form) in [
        ("application/json", Form::Description),
        ("Application/JSON; charset=utf-8", Form::Description),
        (" application/json ", Form::Description),
        ("application/x-tar", Form::Image),
        ("application/tar", Form::Image),
        ("application/x-gtar", Form::Image),
        ("application/x-ustar", Form::Image),
        ("application/gzip;a=b", Form::Image),
        ("APPLICATION/X-GZIP", Form::Image),
        ("application/x-tar-gz", Form::Image),
        ("application/x-compressed-tar", Form::Image),
        ("application/x-tgz", Form::Image),
        ("", Form::Script),
        ("text/x-python", Form::Script),
        ("application/jsonx", Form::Script),
        ("text/plain; application/json", Form::Script),
    ] {
        assert_eq!(Form::of(content_type), form, "{content_type:?}");
    }
}

#[test]
fn each_form_has_a_bound_of_its_own() {
    let bounds = [Form::Description, Form::Image, Form::Script].map(Form::bytes_max);
    assert_eq!(bounds, [64 << 10, 256 << 20, 16 << 20]);
}

#[test]
fn a_description_is_a_job_without_an_image() {
    let posted = posted("application/json", JOB.as_bytes()).expect("it is a job");
    assert_eq!(posted.job, job::parse(JOB.as_bytes()).expect("it is a description"));
    assert_eq!((posted.image, posted.body), (None, None));
}

#[test]
fn a_job_that_is_the_body_cannot_read_the_body_whatever_its_form() {
    let image = tar_of(&[("boot/system.map", READS_BODY.as_bytes())]);
    for (content_type, bytes) in
        [("application/json", Bytes::from(READS_BODY)), ("application/x-tar", image)]
    {
        let (status, why) = why(posted(content_type, &bytes));
        assert_eq!(status, 400, "{why}");
        assert!(why.contains("node \"app\"") && why.contains("devices[0]"), "{why}");
        let body = Bytes::from_static(b"data");
        let with_data = PostedJob::read(content_type, bytes, Some(body.clone()), &account());
        assert_eq!(with_data.expect("it has data to read").body, Some(body));
    }
}

fn image_of(members: &[(&str, &str)]) -> Bytes {
    let members: Vec<_> = members.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    tar_of(&members)
}

#[test]
fn an_image_gives_each_node_itself_as_the_first_device() {
    let two = r#"[{"name": "a", "exec": {"path": "bin/a"}, "devices": [{"name": "stdout"}]},
                  {"name": "b", "exec": {"path": "bin/b"}}]"#;
    let tar = image_of(&[("boot/system.map", two), ("bin/a", "x"), ("bin/b", "y")]);
    let posted = posted("application/x-tar", &tar).expect("it is a job");
    let devices = |node: usize| {
        let devices = posted.job.nodes[node].devices.iter();
        devices.map(|device| device.name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((devices(0), devices(1)), (vec!["image", "stdout"], vec!["image"]));
    assert_eq!(posted.image, Some(tar));
}

#[test]
fn the_map_of_the_system_goes_before_that_of_the_cluster() {
    let named = |name: &str| JOB.replace("app", name);
    let (system, cluster) = (named("system"), named("cluster"));
    let both = image_of(&[("boot/cluster.map", &cluster), ("boot/system.map", &system)]);
    let only = image_of(&[("boot/cluster.map", &cluster)]);
    for (tar, name) in [(both, "system"), (only, "cluster")] {
        let posted = posted("application/x-tar", &tar).expect("it is a job");
        assert_eq!(posted.job.nodes[0].name.as_str(), name);
    }
}

#[test]
fn a_flawed_map_is_named_and_no_other_one_taken() {
    let tar = image_of(&[("boot/system.map", "["), ("boot/cluster.map", JOB)]);
    let (status, text) = why(posted("application/x-tar", &tar));
    assert_eq!(status, 422);
    assert!(text.starts_with("boot/system.map: "), "{text}");
    let (status, text) = why(posted("application/x-tar", &image_of(&[("boot", "")])));
    assert_eq!(status, 400);
    assert_eq!(text, "the posted image has no job: put one at boot/system.map or boot/cluster.map");
}

#[test]
fn a_posted_image_can_have_no_other_image_device() {
    let image = r#"{"name": "image", "path": "swift://~/c/tar"}"#;
    let map = JOB.replace(r#"{"name": "stdout"}"#, image);
    let (status, text) = why(posted("application/x-tar", &image_of(&[("boot/system.map", &map)])));
    assert_eq!(status, 400);
    assert!(text.starts_with("node \"app\", field `devices`: has the device image"), "{text}");
}

/// Members that no image may have, with a job beside them.
fn hostile(path: &[u8], kind: tar::EntryType, size: u64, data: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    let mut block = data.to_vec();
    block.resize(data.len().div_ceil(512) * 512, 0);
    let job = image_of(&[("boot/system.map", JOB)]);
    [&header.as_bytes()[..], &block, &job].concat()
}

#[test]
fn a_hostile_image_is_refused_as_one_and_its_job_does_not_run() {
    use tar::EntryType;
    let cases = [
        hostile(b"../etc/passwd", EntryType::Regular, 1, b"x"),
        hostile(b"/../x", EntryType::Regular, 1, b"x"),
        hostile(b"a/../../x", EntryType::Regular, 1, b"x"),
        hostile(b"big", EntryType::Regular, 1 << 40, b"x"),
        hostile(b"device", EntryType::Char, 0, b""),
        hostile(b"fifo", EntryType::Fifo, 0, b""),
        image_of(&[("boot/system.map", JOB)])[..700].to_vec(),
        b"\x1f\x8b\x08\x00garbage".to_vec(),
        vec![1; 2_000],
    ];
    for (number, tar) in cases.iter().enumerate() {
        let (status, text) = why(posted("application/x-tar", tar));
        assert_eq!(status, 422, "case {number}: {text}");
        assert!(text.starts_with("the posted image: "), "case {number}: {text}");
    }
    let job = hostile(b"fine", EntryType::Regular, 1, b"x");
    assert!(posted("application/x-tar", &job).is_ok(), "the others are refused for what they are");
}

fn exec_of(script: &str) -> Result<PostedJob, (u16, String)> {
    posted("text/x-script", script.as_bytes()).map_err(|error| why(Err(error)))
}

#[test]
fn a_script_names_its_interpreter_in_each_of_three_ways() {
    let own = ExecPath::parse("swift://~/bin/sh").expect("it is a path");
    for (script, exec, args) in [
        ("#!/bin/sh\nx", own.clone(), vec!["/script"]),
        ("#! /bin/sh -x 'a b'\r\nx", own.clone(), vec!["-x", "a b", "/script"]),
        ("#!swift://~/bin/sh", own, vec!["/script"]),
        (
            "#! python bin/python -u\n",
            ExecPath::parse("file://python:bin/python").expect("it is a path"),
            vec!["-u", "/script"],
        ),
    ] {
        let posted = exec_of(script).expect("it is a script");
        let [node] = posted.job.nodes.as_slice() else { panic!("it is one node") };
        assert_eq!(
            (&node.exec.path, &node.exec.args),
            (&exec, &args.into_iter().map(String::from).collect()),
            "{script:?}"
        );
        assert_eq!(node.devices[0].name, "image");
    }
}

#[test]
fn a_script_lies_whole_and_executable_in_its_image() {
    let script = "#! /bin/sh\nprint 'Test'\n\0";
    let image = exec_of(script).expect("it is a script").image.expect("it is in one");
    let image = Image::from_tar(&image, ImageLimits::default()).expect("it is a tar");
    assert_eq!(image.file("script").as_deref(), Some(script.as_bytes()));
}

#[test]
fn a_script_that_is_posted_to_an_object_reads_it() {
    let read = |posted_to: &Path| {
        let script = Bytes::from_static(b"#! python bin/python\n");
        let posted = PostedJob::read("", script, None, posted_to).expect("it is a script");
        let devices = posted.job.nodes[0].devices.clone();
        devices
            .iter()
            .map(|device| (device.name.clone(), device.object().cloned()))
            .collect::<Vec<_>>()
    };
    let names = |posted_to: &Path| read(posted_to).into_iter().map(|it| it.0).collect::<Vec<_>>();
    assert_eq!(names(&account()), ["image", "stdout", "python"]);
    let container = object("o").to_container().expect("it has one");
    assert_eq!(names(&container), ["image", "stdout", "python"]);
    let devices = read(&object("a*b"));
    let (name, path) = devices.last().expect("there are some");
    assert_eq!(name, "stdin");
    let path = path.as_ref().expect("it reads the object");
    assert_eq!((path.container.as_str(), path.object.as_deref()), ("c", Some("a*b")));
}

#[test]
fn a_script_without_a_good_first_line_is_refused_with_what_to_write() {
    let long = format!("#!/bin/{}\n", "x".repeat(FIRST_LINE));
    for (script, status, part) in [
        ("print 'Test'", 415, "does not begin with `#!`"),
        ("", 415, "\"text/x-script\""),
        (" #!/bin/sh", 415, "neither application/json nor a tar's"),
        ("#!", 400, "names no interpreter"),
        ("#!   \nx", 400, "names no interpreter"),
        ("#!python", 400, "names the image \"python\" and no path in it"),
        ("#!/bin", 400, "names \"swift://~/bin\""),
        ("#!file://python", 400, "names no image"),
        ("#!ftp://x/y", 400, "names \"ftp://x/y\""),
        ("#!/bin/sh 'open", 400, "write `#! image path/to/interpreter`"),
        (&long, 400, "is longer than"),
    ] {
        let (found, text) = exec_of(script).expect_err(script);
        assert_eq!(found, status, "{script:?}: {text}");
        assert!(text.contains(part), "{script:?}: {text}");
    }
    let (status, text) = why(posted("", b"#!/bin/\xff\n"));
    assert_eq!((status, text.contains("is no text")), (400, true), "{text}");
}

/// Bytes of the longest first line of a script.
const FIRST_LINE: usize = stayput_runtime::image::executable::FIRST_LINE_BYTES_MAX;

#[test]
fn a_first_line_is_taken_up_to_its_bound() {
    let line = format!("/bin/{}", "x".repeat(FIRST_LINE - "/bin/".len()));
    assert!(exec_of(&format!("#!{line}\nrest")).is_ok());
    assert_eq!(exec_of(&format!("#!{line}x\nrest")).expect_err("a byte too long").0, 400);
}

proptest! {
    #[test]
    fn any_bytes_of_any_type_are_a_job_or_refused(
        content_type in prop::sample::select(vec!["application/json", "application/x-tar", ""]),
        begin in prop::sample::select(vec![&b""[..], b"#!", b"[{", b"\x1f\x8b", b"#! python "]),
        rest in prop::collection::vec(any::<u8>(), 0..1_100),
    ) {
        if let Err(error) = posted(content_type, &[begin, &rest].concat()) {
            prop_assert!([400, 413, 415, 422].contains(&error.status().as_u16()), "{}", error);
        }
    }

    #[test]
    fn a_changed_image_is_a_job_or_refused(at in 0_usize..2_048, to: u8) {
        let mut tar = image_of(&[("boot/system.map", JOB), ("bin/a", "x")]).to_vec();
        let at = at % tar.len();
        tar[at] = to;
        if let Err(error) = posted("application/x-tar", &tar) {
            prop_assert!([400, 422].contains(&error.status().as_u16()), "{}", error);
        }
    }
}

// Requests.

const PORT: u16 = 80;
const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(600) };

type Received = Result<(PostedJob, VerbatimJob), (u16, String)>;
/// Outcome at a reader, and its calls of the store.
type Found = Option<(Received, Vec<String>)>;

/// Outcome of a request that a reader of jobs gets, in a store of those objects.
fn received(
    store: impl Fn() -> NamedStore + 'static,
    request: impl Fn() -> hyper::Request<Body> + 'static,
) -> (Received, Vec<String>) {
    let found: Rc<RefCell<Found>> = Rc::default();
    let (finding, store) = (Rc::clone(&found), Rc::new(store));
    let serve = move |host: Host| {
        let (finding, store, of_reader) = (Rc::clone(&finding), Rc::clone(&store), host.clone());
        let handler = move |mut request: Request| {
            let (finding, store, host) = (Rc::clone(&finding), store(), of_reader.clone());
            // The reader goes on after a client that left, so that the test sees its outcome.
            let (done, ended) = tokio::sync::oneshot::channel();
            of_reader.spawn(async move {
                let posted_to = account();
                let reader = JobReader {
                    host: &host,
                    account: ACCOUNT,
                    posted_to: &posted_to,
                    store: &store,
                };
                let received = reader.receive(&mut request).await;
                let received = received.map_err(|it| (it.status().as_u16(), it.to_string()));
                *finding.borrow_mut() = Some((received, store.calls()));
                let _nobody_waits = done.send(());
            });
            async move {
                let _ended = ended.await;
                Response::new(Body::empty())
            }
        };
        http::serve(&host, PORT, handler).expect("the port is free");
    };
    let request = Rc::new(request);
    beside(vec![Box::new(serve)], move |host| {
        let request = request();
        async move {
            let answer = http::send(&host, host_address(0, PORT), request, LIMITS);
            let _answer = host.timeout(Duration::from_secs(30), answer).await;
            // Time for the reader to notice that its client left.
            host.sleep(Duration::from_millis(10)).await;
        }
    });
    found.take().expect("the request reached the reader")
}

fn request(content_type: &str, source: Option<&str>, body: Body) -> hyper::Request<Body> {
    let request = hyper::Request::builder().method(Method::POST).uri("/v1/AUTH_x");
    let request = match source {
        Some(source) => request.header("x-zerovm-source", source),
        None => request,
    };
    request.header("content-type", content_type).body(body).expect("it is a request")
}

fn full(bytes: impl Into<Bytes>) -> Body {
    Body::full(Purpose::Control, bytes)
}

#[test]
fn a_request_is_kept_word_for_word_beside_its_job() {
    let (received, calls) =
        received(NamedStore::default, || request("application/json; a=b", None, full(JOB)));
    let (posted, verbatim) = received.expect("it is a job");
    assert_eq!(posted.job, job::parse(JOB.as_bytes()).expect("it is a description"));
    assert_eq!(
        (verbatim.content_type.as_str(), verbatim.source, verbatim.body),
        ("application/json; a=b", None, Bytes::from(JOB))
    );
    assert_eq!(calls, Vec::<String>::new());
}

#[test]
fn a_description_is_taken_up_to_its_bound_and_no_longer() {
    let of = |bytes: usize| {
        let padded = format!("{JOB}{}", " ".repeat(bytes - JOB.len()));
        received(NamedStore::default, move || {
            request("application/json", None, full(padded.clone()))
        })
        .0
    };
    assert!(of(DESCRIPTION_BYTES_MAX).is_ok());
    let (status, text) = of(DESCRIPTION_BYTES_MAX + 1).expect_err("it is a byte too long");
    assert_eq!(status, 413);
    assert_eq!(text, "the job description: the body is longer than 65536 bytes");
}

/// A body that promises a hundred bytes, and has two.
fn unfinished() -> Body {
    let (sender, body): (BodySender, Body) = Body::stream(100);
    let sent = sender.send(Purpose::Control, Bytes::from_static(b"[{"));
    assert_eq!(futures_util::FutureExt::now_or_never(sent), Some(true));
    // Dropped, it would break the body off, and hyper then does not even send the head.
    std::mem::forget(sender);
    body
}

#[test]
fn a_client_that_leaves_in_the_middle_is_a_client_that_left() {
    let (received, _) =
        received(NamedStore::default, || request("application/json", None, unfinished()));
    let (status, text) = received.expect_err("it broke off");
    assert_eq!(status, 499, "{text}");
    assert!(text.starts_with("the job description: the body broke off"), "{text}");
}

#[test]
fn a_job_that_is_an_object_has_the_form_of_its_content_type_and_the_body_as_data() {
    let store = || NamedStore::default().with("AUTH_x/c/job", READS_BODY, "application/json");
    for source in ["swift://~/c/job", "swift://AUTH_x/c/job", "swift://./c/job"] {
        let (received, calls) =
            received(store, move || request("text/csv", Some(source), full("1,2\n")));
        let (posted, verbatim) = received.expect("it is a job");
        assert_eq!(posted.body, Some(Bytes::from("1,2\n")));
        assert_eq!(verbatim.source.as_deref(), Some(source));
        assert_eq!((verbatim.content_type.as_str(), verbatim.body), ("text/csv", "1,2\n".into()));
        assert_eq!(calls, ["get /AUTH_x/c/job for job-code up to 268435456"]);
    }
}

#[test]
fn an_object_of_another_account_is_asked_for_before_it_is_read() {
    let store = || NamedStore::default().with("AUTH_y/c/job", JOB, "application/json");
    let post = || request("text/csv", Some("swift://AUTH_y/c/job"), full(""));
    let (granted, calls) = received(store, post);
    assert!(granted.is_ok());
    assert_eq!(calls[0], "may Read /AUTH_y/c/job");
    let (denied, calls) = received(move || store().denying(403), post);
    assert_eq!(denied.expect_err("it is denied"), (403, "denied".to_owned()));
    assert_eq!(calls, ["may Read /AUTH_y/c/job"], "it is not read");
}

#[test]
fn a_source_that_names_no_one_object_is_refused_unread() {
    for (source, part) in [
        ("c/job", "must begin with `swift://`"),
        ("swift://~/c", "must name one object"),
        ("swift://~/c/", "must name one object"),
        ("swift://~/c/*", "must name one object"),
        ("swift://~/*/job", "must name one object"),
        ("swift://~/c/%zz", "two hexadecimal digits"),
        ("", "must begin with `swift://`"),
    ] {
        let (received, calls) = received(
            || NamedStore::default().with("AUTH_x/c/job", JOB, "application/json"),
            move || request("text/csv", Some(source), full("")),
        );
        let (status, text) = received.expect_err(source);
        assert_eq!(status, 400, "{source}: {text}");
        assert!(text.starts_with(&format!("X-Zerovm-Source {source:?} ")), "{text}");
        assert!(text.contains(part), "{source}: {text}");
        assert_eq!(calls, Vec::<String>::new(), "{source}");
    }
}

#[test]
fn an_object_that_is_too_long_for_its_form_or_missing_is_refused() {
    let long = || {
        let text = format!("{JOB}{}", " ".repeat(DESCRIPTION_BYTES_MAX));
        NamedStore::default().with("AUTH_x/c/job", &text, "application/json")
    };
    let post = || request("text/csv", Some("swift://~/c/job"), full(""));
    let (status, text) = received(long, post).0.expect_err("it is too long");
    assert_eq!(status, 413);
    assert_eq!(text, "the job description /AUTH_x/c/job has over 65536 bytes");
    let (status, _) = received(NamedStore::default, post).0.expect_err("it is not there");
    assert_eq!(status, 503, "the store's own answer stands");
}
