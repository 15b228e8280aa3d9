//! System images of a scenario: jobs run what is in them, under both policies, and no bytes move
//! for them.

use crate::support::{Variant, root};

/// Counts the lines with "banana" by a script whose interpreter is the line counter, of the image
/// or of the object's own tar.
const JOB: &str = r#"'''[{
    "name": "scripted",
    "exec": {"path": "file://tools:bin/count"},
    "devices": [{"name": "tools"}, {"name": "stdout"}, {"name": "input", "path": "{object}"}]
}]'''"#;

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, path, *bytes).expect("memory takes everything");
    }
    tar.into_inner().expect("memory takes everything")
}

/// The small scenario with [`JOB`] and an image of these members.
fn with_image(members: &[(&str, &[u8])], more: &[(&str, &str)]) -> Variant {
    let banana = format!("\"{}scenarios/jobs/banana.json\"", root());
    let section = "[[fault]]\nat = \"50ms\"";
    let images = format!("[images]\ntools = \"tools.tar\"\n\n{section}");
    let changes = [&[(banana.as_str(), JOB), (section, &images)], more].concat();
    let variant = Variant::new(&changes);
    variant.put("tools.tar", &tar(members));
    variant
}

fn linecount() -> Vec<u8> {
    std::fs::read(format!("{}runtime/guests/linecount.wasm", root())).expect("it is committed")
}

#[test]
fn a_script_of_a_system_image_is_run_by_its_interpreter_for_both_policies() {
    let linecount = linecount();
    let script = b"#!/lib/linecount banana\n".as_slice();
    let members = [("lib/linecount", linecount.as_slice()), ("bin/count", script)];
    let said = with_image(&members, &[]).run(&["--json", "-"]);
    assert_eq!(said.code, 0, "{said:?}");
    let json = said.json();
    for policy in json["policies"].as_array().expect("a list") {
        assert_eq!(policy["jobs"]["ok"], 8, "{said:?}");
        let code = &policy["bytes"]["by_purpose"]["job-code"];
        assert!(code == 0, "no code is moved: {policy}");
    }
}

#[test]
fn an_image_that_cannot_be_used_is_refused_by_its_key() {
    let variant = with_image(&[], &[("tools.tar", "none.tar")]);
    let said = variant.run(&[]);
    assert_eq!(said.code, 2, "{said:?}");
    for part in ["images.tools: cannot use", "none.tar", "name a tar that can be read"] {
        assert!(said.stderr.contains(part), "{}", said.stderr);
    }
    let said = with_image(&[], &[("tools = ", "\"python2.7\" = ")]);
    std::fs::remove_file(said.path("tools.tar")).expect("it was put there");
    let said = said.run(&[]);
    assert!(said.stderr.contains("build it: stayput image python"), "{}", said.stderr);
    let variant = with_image(&[], &[]);
    variant.put("tools.tar", &[7; 2000]);
    assert!(variant.run(&[]).stderr.contains("no valid tar"));
}

#[test]
fn a_job_that_wants_what_is_not_in_the_images_fails_with_what_is_there() {
    let variant = with_image(&[("bin/other", b"")], &[("failed = 0\n", "")]);
    let said = variant.run(&["--no-faults"]);
    assert!(said.stdout.contains("there is no file bin/count in the image tools"), "{said:?}");
}
