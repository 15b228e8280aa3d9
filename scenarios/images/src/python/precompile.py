"""Compiles /fissix.whl and the modules below /source to /dev/output: a tar of .pyc files that are imported without their sources, and of
fissix's grammars.

It runs once, when the image is built, in the interpreter that will load them.
"""

import io
import marshal
import os
import sys
import tarfile
import zipfile
from importlib.util import MAGIC_NUMBER

SOURCE, PLACE = "/source", "lib/stayput"

with zipfile.ZipFile("/fissix.whl") as wheel:
    wheel.extractall(SOURCE)
sys.path.insert(0, SOURCE)
# Its own says where to keep grammars, for which it loads much; here they lie beside it.
with open(SOURCE + "/fissix/__init__.py", "w") as file:
    file.write('"""The translator of fissix, without its commands."""\n')
from fissix.pgen2 import driver, pgen


def compiled(path, name):
    with open(path, "rb") as file:
        code = compile(file.read(), "/" + name, "exec", dont_inherit=True)
    # No flags, no time and no size: nobody compares it with a source.
    return MAGIC_NUMBER + bytes(12) + marshal.dumps(code)


def grammar(path):
    pickle = "/grammar.pickle"
    pgen.generate_grammar(path).dump(pickle)
    with open(pickle, "rb") as file:
        return file.read()


members = {}
for folder, folders, files in os.walk(SOURCE):
    if folder == SOURCE + "/fissix" and "tests" in folders:
        folders.remove("tests")
    for file in files:
        path = folder + "/" + file
        name = PLACE + path[len(SOURCE) :]
        if file.endswith(".py"):
            members[name + "c"] = compiled(path, name)
        elif file == "LICENSE":
            with open(path, "rb") as license:
                members["share/doc/fissix/LICENSE"] = license.read()
        elif file.endswith("Grammar.txt"):
            members[folder.replace(SOURCE, PLACE) + "/" + driver._generate_pickle_name(file)] = grammar(path)

with tarfile.open("/dev/output", "w", format=tarfile.USTAR_FORMAT) as tar:
    for name, content in sorted(members.items()):
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
