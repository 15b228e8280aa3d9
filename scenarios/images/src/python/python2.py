"""Runs programs of Python 2 on Python 3: what the executable `python` of the image `python2.7` does.

A program whose grammar is Python 3's as well is only compiled. Any other one, and one that prints in a way which means something else
there, goes through fissix first, with its fixers of grammar, which keep the lines. What the same grammar means in
Python 2 is kept on the syntax tree and by the names that the program finds: division of integers, lists of `keys` and `range`, methods and
modules of old names, classes with `__cmp__`. Text is Latin-1, one character a byte, so that a program reads, cuts and writes
bytes as it did.

Left out: ordering of values of different types, implicit relative imports, variables that leave a list comprehension, `ur` before
a text, and modules that insist on `bytes` (a `bytearray` gives them).
"""

import sys
import _ast
import _io
import builtins
import re
from _frozen_importlib_external import FileFinder, SourceFileLoader, SourcelessFileLoader

import python2_library
from fissix.pgen2.parse import ParseError
from fissix.refactor import RefactoringTool

ONLY_AST = _ast.PyCF_ONLY_AST
METHODS = {
    "keys", "values", "items", "iterkeys", "itervalues", "iteritems", "viewkeys", "viewvalues", "viewitems",
    "has_key", "next", "sort", "encode", "decode", "xreadlines",
}


def main(words):
    """Runs the program that the command line names, as `python` does."""
    while words and words[0][:1] == "-" and words[0] not in ("-", "-c"):
        flag = words.pop(0)
        if flag.strip("-uBEOsSt"):
            sys.exit("python: the option %s is not supported: give a script, -c or -" % flag)
    for stream, errors in ((sys.stdin, "strict"), (sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        if stream is not None:
            stream.reconfigure(encoding="latin-1", errors=errors, newline="\n")
    if words and words[0] == "-c":
        source, name, sys.argv = words[1].encode(), "<string>", ["-c"] + words[2:]
    elif words and words[0] != "-":
        name, sys.argv = words[0], words
        try:
            with _io.open(name, "rb") as file:
                source = file.read()
        except OSError as error:
            sys.stderr.write("python: can't open file '%s': %s\n" % (name, error))
            sys.exit(2)
    else:
        source, name, sys.argv = sys.stdin.buffer.read(), "<stdin>", words or [""]
    sys.path.insert(0, name.rpartition("/")[0] if name[:1] != "<" else "")
    module = type(sys)("__main__")
    module.__builtins__ = names
    if name[:1] != "<":
        module.__file__ = name
    sys.modules["__main__"] = module
    try:
        exec(translated(source, name), module.__dict__)
    finally:
        python2_library.end_line(sys.stdout)


def translated(source, name, mode="exec"):
    """The code of a source of Python 2, which is bytes or text."""
    if isinstance(source, str):
        source = source.encode("latin-1" if max(source, default="") < "\u0100" else "utf-8")
    try:
        tree = compile(source, name, mode, ONLY_AST, dont_inherit=True)
        plain = prints_alike(tree)
    except SyntaxError:
        plain = False
    if not plain:
        tree = compile(by_fixers(source, name), name, mode, ONLY_AST, dont_inherit=True)
    Meaning(tree).apply(tree)
    return compile(tree, name, mode, dont_inherit=True)


def futures(tree):
    """The names that the program imports from `__future__`."""
    found = set()
    for node in tree.body if isinstance(tree, _ast.Module) else ():
        if isinstance(node, _ast.ImportFrom) and node.module == "__future__":
            found.update(alias.name for alias in node.names)
    return found


def prints_alike(tree):
    """Whether each `print` is a statement of one expression in parentheses, which prints the same in both languages."""
    if not isinstance(tree, _ast.Module) or "print_function" in futures(tree):
        return True
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, _ast.Expr) and isinstance(node.value, _ast.Call):
            call = node.value
            if isinstance(call.func, _ast.Name) and call.func.id == "print":
                if len(call.args) != 1 or call.keywords or isinstance(call.args[0], (_ast.Starred, _ast.GeneratorExp)):
                    return False
                todo.append(call.args[0])
                continue
        if isinstance(node, _ast.Name) and node.id == "print":
            return False
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                todo.extend(item for item in value if isinstance(item, _ast.AST))
            elif isinstance(value, _ast.AST):
                todo.append(value)
    return True


def by_fixers(source, name):
    """The source in the grammar of Python 3."""
    if isinstance(source, bytes):
        head = b"\n".join(source.split(b"\n")[:2])
        cookie = re.search(rb"coding[:=]\s*([-\w.]+)", head)
        source = source.decode(cookie.group(1).decode() if cookie else "utf-8-sig")
    try:
        return str(FIXERS.refactor_string(source.rstrip() + "\n", name))
    except (ParseError, ValueError) as error:
        value, place = getattr(error, "value", None), getattr(error, "context", None)
        if not isinstance(place, tuple):
            raise
        line, column = place[1]
        text = source.split("\n")[line - 1 : line]
        why = "invalid syntax" if value is None else "invalid syntax near %r" % value
        raise SyntaxError(why, (name, line, column + 1, text[0] if text else "")) from None


class Meaning:
    """Makes a tree mean in Python 3 what it means in Python 2."""

    def __init__(self, tree):
        imported = futures(tree)
        self.true_division = "division" in imported
        self.print_statement = "print_function" not in imported
        self.unicode_literals = "unicode_literals" in imported

    def apply(self, root):
        todo = [root]
        while todo:
            node = todo.pop()
            for field in node._fields:
                value = getattr(node, field, None)
                if isinstance(value, list):
                    value[:] = [self.change(item) if isinstance(item, _ast.AST) else item for item in value]
                    todo.extend(item for item in value if isinstance(item, _ast.AST))
                elif isinstance(value, _ast.AST):
                    value = self.change(value)
                    setattr(node, field, value)
                    todo.append(value)

    def change(self, node):
        """The node, or what takes its place; its children's turn comes later."""
        kind = type(node)
        if kind is _ast.Constant:
            self.literal(node)
        elif kind is _ast.Name and node.id == "print" and self.print_statement:
            node.id = "__py2_print__"
        elif kind is _ast.BinOp and type(node.op) is _ast.Div and not self.true_division:
            return call(node, "__py2_div__", node.left, node.right)
        elif kind is _ast.AugAssign and type(node.op) is _ast.Div and not self.true_division:
            node.value = call(node.value, "__py2_divisor__", node.value)
        elif kind is _ast.Call and type(node.func) is _ast.Attribute and node.func.attr in METHODS:
            name = at(node, _ast.Constant(node.func.attr, "u"))
            changed = call(node, "__py2_method__", node.func.value, name, *node.args)
            changed.keywords = node.keywords
            return changed
        elif kind is _ast.ClassDef:
            node.decorator_list.append(at(node, _ast.Name("__py2_class__", _ast.Load())))
            for item in node.body:
                if isinstance(item, _ast.Assign) and getattr(item.targets[0], "id", "") == "__metaclass__":
                    node.keywords.append(at(node, _ast.keyword("metaclass", item.value)))
        return node

    def literal(self, node):
        value = node.value
        if type(value) is bytes:
            node.value = value.decode("latin-1")
        elif type(value) is str and node.kind != "u" and not self.unicode_literals and not value.isascii():
            try:
                node.value = value.encode("utf-8").decode("latin-1")
            except UnicodeEncodeError:
                pass


def at(place, node):
    node.lineno, node.col_offset = place.lineno, place.col_offset
    node.end_lineno, node.end_col_offset = place.end_lineno, place.end_col_offset
    return node


def call(place, name, *args):
    return at(place, _ast.Call(at(place, _ast.Name(name, _ast.Load())), list(args), []))


class Loader(SourceFileLoader):
    """Has a program's own modules translated as well."""

    def source_to_code(self, data, path):
        return translated(data, path)

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)

    def exec_module(self, module):
        module.__builtins__ = names
        super().exec_module(module)


# The names that a program of Python 2 finds without an import.
names = type(sys)("__builtin__")
names.__dict__.update(builtins.__dict__)
names.__name__ = "__builtin__"

python2_library.fill(names, translated)
sys.meta_path.insert(0, python2_library.Renamed(names))
sys.path_hooks.insert(1, FileFinder.path_hook((Loader, [".py"]), (SourcelessFileLoader, [".pyc"])))

GRAMMAR = ("print", "exec", "except", "raise", "throw", "ne", "repr", "numliterals", "tuple_params", "paren")
FIXERS = RefactoringTool(["fissix.fixes.fix_" + name for name in GRAMMAR])

# What is only made when it is first needed is made before the image is taken.
exec(translated(b"x = 1,\nfor i in x:\n    print >>None, i / 1,\n", "<first>"), {"__builtins__": names, "__py2_print__": lambda *_, **__: None})
