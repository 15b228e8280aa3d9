//! The Python images: what programs of Python 2 and of Python 3 print, and how they end.
//!
//! Leaves out the cluster, which `published` has.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use stayput_runtime::device::{DeviceKind, DeviceMode, DeviceSpec};
use stayput_runtime::engine::Engine;
use stayput_runtime::image::executable::{NamedImage, USER_IMAGE, find};
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::local::{self, LocalRun};
use stayput_runtime::session::SessionSpec;

/// Programs of Python 2, each with what it prints.
const PROGRAMS: &[(&str, &str)] = &[
    ("print 7/2, -7/2, 7.0/2, 7//2\nx = 9\nx /= 2\nprint x", "3 -4 3.5 3\n4\n"),
    ("from __future__ import division\nprint(7/2)", "3.5\n"),
    ("print(7/2)\nprint (1, 2)", "3\n(1, 2)\n"),
    ("print ('%s') % 'a'\nprint\nprint 1,\nprint 2\nprint 'x\\n',\nprint 3,", "a\n\n1 2\nx\n3\n"),
    ("from __future__ import print_function\nprint(1, 2, sep='-')", "1-2\n"),
    ("import sys\nprint >>sys.stdout, 'there'", "there\n"),
    (
        "d = {'a': 1, 'b': 2}\nk = d.keys()\nk.sort()\nprint k, d.has_key('a'), sorted(d.iteritems())",
        "['a', 'b'] True [('a', 1), ('b', 2)]\n",
    ),
    ("d = {1: 2, 3: 4}\nfor k in d.keys(): del d[k]\nprint len(d)", "0\n"),
    (
        "print range(3), map(lambda a: a + 1, [1]), filter(None, [0, 1]), zip('a', 'b')",
        "[0, 1, 2] [2] [1] [('a', 'b')]\n",
    ),
    (
        "print reduce(lambda a, b: a + b, xrange(4)), map(None, [1, 2], [3])",
        "6 [(1, 3), (2, None)]\n",
    ),
    (
        "print 0777, 10L, `5`, 1 <> 2, u'x', unichr(65), long(3), isinstance('', basestring)",
        "511 10 5 True x A 3 True\n",
    ),
    (
        "# -*- coding: utf-8 -*-\nprint len('é'), len(u'é'), 'é'.decode('utf-8') == u'é'\nprint 'é'",
        "2 1 True\né\n",
    ),
    (
        "try:\n    raise ValueError, 'bad'\nexcept ValueError, e:\n    print 'caught', e",
        "caught bad\n",
    ),
    (
        "exec 'y = 1/2'\nprint y\nspace = {}\nexec 'z = 5/2' in space\nprint space['z'], eval('7/2')",
        "0\n2 3\n",
    ),
    ("def f((a, b), c): return a + b + c\nprint f((1, 2), 3), [i for i in 1, 2]", "6 [1, 2]\n"),
    (
        "l = [3, 1, 2]\nl.sort(lambda a, b: cmp(b, a))\nprint l, sorted(l, cmp=lambda a, b: cmp(a, b))",
        "[3, 2, 1] [1, 2, 3]\n",
    ),
    (
        "class A:\n    def __init__(self, n): self.n = n\n    def __cmp__(self, o): return cmp(self.n, o.n)\n\
      \x20   def __nonzero__(self): return False\nprint A(1) < A(2), A(1) == A(1), bool(A(3)), hash(A(1)) != None",
        "True True False True\n",
    ),
    (
        "class I(object):\n    i = 0\n    def __iter__(self): return self\n    def next(self):\n        self.i += 1\n\
      \x20       if self.i > 2: raise StopIteration\n        return self.i\nprint list(I()), I().next()",
        "[1, 2] 1\n",
    ),
    (
        "class M(type):\n    def __new__(c, n, b, d):\n        d['x'] = 5\n        return type.__new__(c, n, b, d)\n\
      class B(object):\n    __metaclass__ = M\nprint B.x",
        "5\n",
    ),
    (
        "import string, StringIO, cPickle\nfrom itertools import izip\nprint string.join(['a', 'b'], '-'), StringIO.StringIO('a').read()\n\
      print cPickle.loads(cPickle.dumps([1])), list(izip([1], [2])), string.letters[:2]",
        "a-b a\n[1] [(1, 2)] ab\n",
    ),
    (
        "import helper\nprint helper.half(3), __name__, helper.__name__",
        "helper is loaded\n1 __main__ helper\n",
    ),
    (
        "import sys\nprint sys.argv, sys.maxint > 0, __file__",
        "['program.py', 'a', 'b c'] True program.py\n",
    ),
    (
        "f = open('/tmp.bin', 'wb')\nf.write('\\xff\\x00\\r\\n')\nf.close()\nprint repr(open('/tmp.bin').read())",
        "'ÿ\\x00\\r\\n'\n",
    ),
];

fn image(name: &str) -> Result<NamedImage, String> {
    let file =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../target/images/{name}.tar"));
    let tar = std::fs::read(&file)
        .map_err(|error| format!("{}: {error}: run `stayput image python`", file.display()))?;
    let image = Image::from_tar(&tar, ImageLimits::default()).map_err(|error| error.to_string())?;
    Ok(NamedImage { name: name.to_owned(), image: Arc::new(image) })
}

/// An image of one user's files.
fn user_image(files: &[(&str, &str)]) -> NamedImage {
    let mut tar = Vec::new();
    for (name, content) in files {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend_from_slice(&header);
        tar.extend_from_slice(content.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let image = Image::from_tar(&tar, ImageLimits::default()).expect("it is a tar");
    NamedImage { name: USER_IMAGE.to_owned(), image: Arc::new(image) }
}

/// Runs programs with one compiled interpreter.
struct Python {
    module: stayput_runtime::engine::Module,
    image: NamedImage,
}

impl Python {
    fn new(name: &str) -> Self {
        let image = image(name).unwrap_or_else(|why| panic!("{why}"));
        let found = find(std::slice::from_ref(&image), Some(name), "python").expect("it is there");
        let module = Engine::default().compile(&found.module.bytes).expect("it is a module");
        Self { module, image }
    }

    fn run(&self, program: &str) -> LocalRun {
        let helper = "def half(n):\n    return n / 2\nprint 'helper is loaded'\n";
        let user = user_image(&[
            ("program.py", program),
            ("helper.py", helper),
            ("warm.py", "x = 'my own'\n"),
        ]);
        let images = [user, self.image.clone()];
        let found = find(&images, Some(&self.image.name), "python").expect("it is there");
        let words = ["own name", "program.py", "a", "b c"].map(str::to_owned).to_vec();
        let device = |name: &str, kind| DeviceSpec {
            name: name.to_owned(),
            kind,
            mode: DeviceMode::Pipe,
            size: 0,
        };
        let spec = SessionSpec {
            module: self.module.clone(),
            args: found.command_line(words),
            env: vec![("FRUIT".to_owned(), "banana".to_owned())],
            devices: vec![
                device("stdin", DeviceKind::SequentialRead),
                device("stdout", DeviceKind::SequentialWrite),
                device("stderr", DeviceKind::SequentialWrite),
            ],
            images: images.iter().map(|named| Arc::clone(&named.image)).collect(),
            limits: SessionLimits::default(),
            entropy: [0; 32],
        };
        let input = Bytes::from_static(b"one\ntwo\n");
        local::run(spec, BTreeMap::from([("stdin".to_owned(), input)]))
    }
}

fn output(run: &LocalRun, device: &str) -> String {
    String::from_utf8_lossy(&run.outputs[device]).into_owned()
}

#[test]
#[ignore = "needs the Python images: stayput image python"]
fn programs_of_python_2_print_what_they_printed() {
    let python = Python::new("python2.7");
    for (program, wanted) in PROGRAMS {
        let run = python.run(program);
        let latin = run.outputs["stdout"].iter().map(|byte| char::from(*byte)).collect::<String>();
        let said = String::from_utf8(run.outputs["stdout"].to_vec()).unwrap_or(latin);
        assert_eq!(said, *wanted, "{program}\n{}", output(&run, "stderr"));
        assert_eq!(run.outcome.end.exit_code(), Some(0), "{program}");
    }
}

#[test]
#[ignore = "needs the Python images: stayput image python"]
fn programs_of_python_2_end_as_they_did() {
    let python = Python::new("python2.7");
    for (program, code, said) in [
        ("import sys\nprint 'x'\nsys.exit(3)", 3, ""),
        ("import sys\nsys.exit('why')", 1, "why\n"),
        (
            "def f():\n    print 'x'\n    raise KeyError, 'a'\nf()",
            1,
            "File \"program.py\", line 3, in f\n    raise KeyError, 'a'",
        ),
        ("print 1\nif:\n", 1, "File \"program.py\", line 2\n    if:"),
        (
            "print {}['x']",
            1,
            "Traceback (most recent call last):\n  File \"program.py\", line 1, in <module>",
        ),
    ] {
        let run = python.run(program);
        assert_eq!(run.outcome.end.exit_code(), Some(code), "{program}");
        assert!(output(&run, "stderr").contains(said), "{program}: {}", output(&run, "stderr"));
        assert!(!output(&run, "stderr").contains("python2"), "{}", output(&run, "stderr"));
    }
    let run = python.run("import sys\nprint raw_input(), sys.stdin.read(),");
    assert_eq!(output(&run, "stdout"), "one two\n");
}

#[test]
#[ignore = "needs the Python images: stayput image python"]
fn python_3_runs_scripts_within_the_limits_of_a_session() {
    let python = Python::new("python");
    let run =
        python.run("import sys, json\nprint(sys.version_info[:2], 7/2, json.dumps(sys.argv))");
    assert_eq!(output(&run, "stdout"), "(3, 12) 3.5 [\"program.py\", \"a\", \"b c\"]\n");
    assert_eq!(run.outcome.end.exit_code(), Some(0));
    let run = python.run(
        "import os, sys\nprint(os.environ['FRUIT'])\nopen('/dev/stderr', 'w').write('not closed')\n\
         late = open('/dev/stdout', 'w')\nlate.write('late')\nsys.exit(3)",
    );
    assert_eq!(output(&run, "stdout"), "banana\nlate");
    assert_eq!(output(&run, "stderr"), "not closed");
    assert_eq!(run.outcome.end.exit_code(), Some(3));
    assert_eq!(output(&python.run("import warm\nprint(warm.x)"), "stdout"), "my own\n");
    let run = python.run("def f():\n    return 1 / 0\nf()");
    assert!(
        output(&run, "stderr")
            .starts_with("Traceback (most recent call last):\n  File \"program.py\", line 3")
    );
    assert_eq!(run.outcome.end.exit_code(), Some(1));
    // A loop of a million turns: an interpreter that paid for all its opcodes at each would be out
    // of fuel.
    let run = python.run("n = 0\nfor i in range(1_000_000):\n    n += i\nprint(n)");
    assert_eq!(output(&run, "stdout"), "499999500000\n");
}
