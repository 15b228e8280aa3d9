"""The names of Python 2: built in functions, methods on values, and modules that have another name in Python 3."""

import sys
import _functools
import _io
import builtins
import itertools
import os
import string
from _frozen_importlib import ModuleSpec

VIEWS = (type({}.keys()), type({}.values()), type({}.items()))
MODULES = {
    "cPickle": "pickle", "copy_reg": "copyreg", "Queue": "queue", "ConfigParser": "configparser", "urlparse": "urllib.parse",
    "urllib2": "urllib.request", "httplib": "http.client", "HTMLParser": "html.parser", "htmlentitydefs": "html.entities",
    "StringIO": "io", "cStringIO": "io", "UserDict": "collections", "UserList": "collections", "UserString": "collections",
    "repr": "reprlib", "dummy_thread": "_dummy_thread", "thread": "_thread", "commands": "subprocess", "SocketServer": "socketserver",
}


class Renamed:
    """Finds modules under the names that they had."""

    def __init__(self, names):
        sys.modules["__builtin__"] = names

    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name in MODULES else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        found = vars(__import__(MODULES[module.__name__], fromlist=["*"]))
        module.__dict__.update({key: value for key, value in found.items() if key[:2] != "__"})


def fill(names, translator):
    """Puts what Python 2 has, and Python 3 has not or means otherwise, among the names of programs; `translator` makes code of sources."""
    global translated
    translated = translator
    text = {"unicode": str, "basestring": str, "long": int, "unichr": chr, "intern": sys.intern, "reduce": _functools.reduce}
    own = [cmp, apply, coerce, execfile, reload, raw_input, eval_, exec_, input_, open_, range_, map_, filter_, zip_, sorted_, round_]
    names.__dict__.update(text)
    names.__dict__.update({function.__name__.rstrip("_"): function for function in own})
    names.file, names.xrange, names.StandardError = open_, builtins.range, Exception
    names.__py2_div__, names.__py2_divisor__ = divide, Divisor
    names.__py2_print__ = print_
    names.__py2_method__, names.__py2_class__ = method, of_class
    sys.maxint, sys.exc_clear, sys.setdefaultencoding = sys.maxsize, lambda: None, lambda name: None
    for old, new in (("imap", map), ("ifilter", filter), ("izip", zip), ("izip_longest", itertools.zip_longest)):
        setattr(itertools, old, new)
    os.getcwdu = os.getcwd
    string.letters, string.lowercase, string.uppercase = string.ascii_letters, string.ascii_lowercase, string.ascii_uppercase
    string.maketrans, string.join = str.maketrans, lambda words, by=" ": by.join(words)
    for name in ("split", "replace", "strip", "lower", "upper", "find", "atoi", "atof"):
        setattr(string, name, {"atoi": int, "atof": float}.get(name) or getattr(str, name))


def divide(a, b):
    """`a / b` without `from __future__ import division`."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    for method, one, other in (("__div__", a, b), ("__rdiv__", b, a)):
        own = getattr(type(one), method, None)
        if own is not None and (result := own(one, other)) is not NotImplemented:
            return result
    return a / b


class Divisor:
    """What is divided by in `a /= b`, so that `a` is evaluated once."""

    def __init__(self, value):
        self.value = value

    def __rtruediv__(self, a):
        return divide(a, self.value)


def method(value, name, *args, **more):
    """Calls a method that has another name or another result in Python 3."""
    if name in ("keys", "values", "items"):
        result = getattr(value, name)(*args, **more)
        return list(result) if type(result) in VIEWS else result
    if type(value) is str and name == "encode":
        return value.encode(*(args or ("ascii",)), **more).decode("latin-1")
    if type(value) is str and name == "decode":
        return value.encode("latin-1").decode(*(args or ("ascii",)), **more)
    if isinstance(value, list) and name == "sort":
        return value.sort(**by_key(*args, **more))
    own = getattr(value, name, None)
    if own is not None:
        return own(*args, **more)
    if name == "next":
        return next(value)
    if name == "has_key":
        return args[0] in value
    if name == "xreadlines":
        return iter(value)
    old = {"iter": iter, "view": lambda it: it}.get(name[:4])
    if old is None or not hasattr(value, name[4:]):
        return getattr(value, name)
    return old(getattr(value, name[4:])())


def of_class(cls):
    """Gives a class the special methods of Python 3 that stand for those which it has."""
    own = cls.__dict__
    for old, new in (("next", "__next__"), ("__nonzero__", "__bool__"), ("__div__", "__truediv__"), ("__rdiv__", "__rtruediv__")):
        if old in own and new not in own:
            setattr(cls, new, own[old])
    if "__cmp__" in own:
        signs = {"__lt__": (-1,), "__le__": (-1, 0), "__eq__": (0,), "__ne__": (-1, 1), "__gt__": (1,), "__ge__": (0, 1)}
        for name, wanted in signs.items():
            if name not in own:
                setattr(cls, name, lambda a, b, wanted=wanted: cmp(a.__cmp__(b), 0) in wanted)
    if own.get("__hash__", True) is None and ("__eq__" in own):
        cls.__hash__ = object.__hash__
    return cls


def print_(*values, end="\n", file=None):
    """The statement: after one that ends with a comma the next begins with a blank, if it goes on in the same line."""
    file = sys.stdout if file is None else file
    goes_on = getattr(file, "softspace", False)
    if end == "\n" and not goes_on:
        return builtins.print(*values, file=file)
    text = " ".join([value if type(value) is str else str(value) for value in values])
    file.write((" " if goes_on and values else "") + text + ("\n" if end == "\n" else ""))
    file.softspace = end != "\n" and text[-1:] not in ("\n", "\t")


def end_line(file):
    """What Python 2 does when a program ends after a comma."""
    if getattr(file, "softspace", False):
        file.write("\n")


def cmp(a, b):
    return (a > b) - (a < b)


def by_key(cmp=None, key=None, reverse=False):
    if cmp is not None:
        compare = _functools.cmp_to_key(cmp)
        key = compare if key is None else lambda value, key=key: compare(key(value))
    return {"key": key, "reverse": reverse}


def sorted_(values, *args, **more):
    return builtins.sorted(values, **by_key(*args, **more))


def range_(*bounds):
    return list(builtins.range(*bounds))


def map_(function, *lists):
    if function is None and len(lists) == 1:
        return list(lists[0])
    rows = itertools.zip_longest(*lists) if len(lists) > 1 else zip(*lists)
    return list(rows) if function is None else [function(*row) for row in rows]


def filter_(function, values):
    kept = builtins.filter(function, values)
    return "".join(kept) if isinstance(values, str) else tuple(kept) if isinstance(values, tuple) else list(kept)


def zip_(*lists):
    return list(builtins.zip(*lists))


def round_(number, digits=0):
    shift = 10.0 ** digits
    whole = int(abs(number) * shift + 0.5) / shift
    return -whole if number < 0 else whole


def apply(function, args=(), more={}):
    return function(*args, **more)


def coerce(a, b):
    return (a + (b - b), b + (a - a))


def reload(module):
    import importlib

    return module if module is sys else importlib.reload(module)


def open_(name, mode="r", buffering=-1):
    """Opens a file of bytes, which are Latin-1 text."""
    newline = None if "U" in mode else "\n"
    plain = mode.replace("U", "").replace("b", "").replace("t", "")
    plain = plain if plain[:1] in ("r", "w", "a") else "r" + plain
    return _io.open(name, plain, 1 if buffering == 0 else buffering, "latin-1", None, newline)


def raw_input(prompt=""):
    return builtins.input(prompt)


def input_(prompt=""):
    frame = sys._getframe(1)
    return eval_(builtins.input(prompt), frame.f_globals, frame.f_locals)


def eval_(source, space=None, own=None):
    if space is None:
        frame = sys._getframe(1)
        space, own = frame.f_globals, frame.f_locals
    space.setdefault("__builtins__", sys.modules["__builtin__"])
    code = translated(source.strip(), "<string>", "eval") if isinstance(source, str) else source
    return builtins.eval(code, space, space if own is None else own)


def exec_(source, space=None, own=None):
    if space is None:
        frame = sys._getframe(1)
        space, own = frame.f_globals, frame.f_locals
    space.setdefault("__builtins__", sys.modules["__builtin__"])
    code = translated(source, "<string>") if isinstance(source, str) else source
    builtins.exec(code, space, space if own is None else own)


def execfile(name, space=None, own=None):
    if space is None:
        frame = sys._getframe(1)
        space, own = frame.f_globals, frame.f_locals
    with _io.open(name, "rb") as file:
        code = translated(file.read(), name)
    builtins.exec(code, space, space if own is None else own)
