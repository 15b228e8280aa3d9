"""What the executable `python` of the image `python` does: `python [-bBEIsSu] [-c code | -m module | - | script] [word …]`."""

import sys

PLAIN = set("bBEIsSu")


def main(words):
    isolated = False
    while words and words[0][:1] == "-" and words[0] not in ("-", "-c", "-m"):
        flag = words.pop(0)
        if not PLAIN.issuperset(flag[1:]):
            sys.exit("python: the option %s is not for an interpreter that is up already: use /bin/python3.12" % flag)
        isolated = isolated or "I" in flag
    module = type(sys)("__main__")
    module.__builtins__ = sys.modules["builtins"]
    sys.modules["__main__"] = module
    what = words[0] if words else "-"
    if what in ("-c", "-m") and len(words) < 2:
        sys.exit("python: nothing follows %s" % what)
    if what == "-m":
        import runpy

        sys.argv = words[1:]
        if not isolated:
            sys.path.insert(0, "")
        runpy._run_module_as_main(words[1])
        return
    if what == "-c":
        source, name, sys.argv = words[1], "<string>", ["-c"] + words[2:]
    elif what == "-":
        source, name, sys.argv = sys.stdin.buffer.read(), "<stdin>", words or [""]
    else:
        name, sys.argv = what, words
        try:
            with open(name, "rb") as file:
                source = file.read()
        except OSError as error:
            sys.stderr.write("python: can't open file '%s': %s\n" % (name, error))
            sys.exit(2)
        module.__file__ = name
    if not isolated:
        sys.path.insert(0, name.rpartition("/")[0] if name[:1] != "<" else "")
    exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)


# What is only made when it is first needed is made before the image is taken.
with open("/first", "wb") as first:
    first.write(b"import os\n")
with open("/first", "rb") as first:
    exec(compile(first.read(), "/first", "exec"), {})
