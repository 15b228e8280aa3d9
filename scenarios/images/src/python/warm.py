"""Starts programs in an interpreter that is up already: the image of it is taken in the middle of `start`.

What an interpreter does before its program begins is the same for all programs, so it is done once, when the image is built; a
session goes on with the memory of that moment. Left out: the options of `python` that must be known earlier, and the variables
`PYTHON…`, which say how it should begin.
"""

import atexit
import gc
import os
import sys

# The room for the command line and the environment. The read of so many bytes is where sessions begin.
ROOM = 262147
PLACE = "/lib/stayput/"
# Programs may have modules of these names.
OWN = ("warm", "python3", "python2", "python2_library")


def start(main):
    """Runs `main` with the words of a session's command line, and ends as Python does."""
    for name in OWN:
        sys.modules.pop(name, None)
    before = set(sys.modules)
    # Where modules are found is the session's own matter, but for the library, which is in the interpreter.
    sys.path[:] = [folder for folder in sys.path if folder not in ("", PLACE.rstrip("/"))]
    for folder in list(sys.path_importer_cache):
        if not folder.endswith(".zip"):
            del sys.path_importer_cache[folder]
    gc.collect()
    gc.freeze()
    args, env = parts(os.read(0, ROOM))
    for variable in env:
        name, _, value = variable.partition("=")
        os.environ[name] = value
    sys.orig_argv = args
    code = 0
    try:
        main(args[1:])
    except SystemExit as wanted:
        code = wanted.code
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename.startswith(PLACE):
            trace = trace.tb_next
        flush(sys.stdout)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        del error, trace
        code = 1
    if code is not None and not isinstance(code, int):
        flush(sys.stdout)
        print(code, file=sys.stderr)
        code = 1
    end(int(code or 0), before)


def parts(data):
    """The words and the variables: counts and sizes of both, and for each a list of pointers, which are of no use, and the texts."""
    numbers = [int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8, 12)]
    at, lists = 16, []
    for count, size in (numbers[:2], numbers[2:]):
        at += 4 * count
        lists.append([os.fsdecode(text) for text in data[at : at + size].split(b"\0")[:count]])
        at += size
    return lists


def flush(stream):
    try:
        stream.flush()
    except (AttributeError, OSError, ValueError):
        pass


def end(code, before):
    """Ends the process. What the program holds is given up first, so that its files are written; the rest may stay as it is."""
    atexit._run_exitfuncs()
    flush(sys.stdout)
    own = [sys.modules[name] for name in list(sys.modules) if name not in before or name == "__main__"]
    for module in own:
        getattr(module, "__dict__", {}).clear()
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        flush(stream)
    os._exit(code & 0xFFFFFFFF)
