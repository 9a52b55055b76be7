#!/usr/bin/python3
"""Checks that the tree under src/ is the house its architecture describes.

usage: tidy.py BUILD

Fails on an include that points upward or sideways between layers, on a cycle between units (a unit
is x.h with x.cc), and on a header that does not compile alone. Reports the longest functions and
files, and fails none for its length. BUILD is a build folder; there it keeps which headers passed.
"""

import hashlib
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# Lowest first, as in CMakeLists.txt. An include points to its own layer or to a line above that.
LAYERS = [
    ["base"],
    ["mqtt"],
    ["reactor"],
    ["transport"],
    ["broker", "client"],
    ["auth", "storage", "cluster", "bridge"],
    ["admin", "config", "load"],
    ["app"],
]
LEVEL = {layer: level for level, line in enumerate(LAYERS) for layer in line}

# What a layer may take of another, where that is less than all of it.
ONLY = {("broker", "transport"): ["transport/stream.h"]}

COMPILE = ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++", "-"]


def main(build):
    files = {str(path.relative_to(SRC)): path.read_text() for path in sorted(SRC.rglob("*"))
             if path.suffix in (".h", ".cc")}
    for template in SRC.rglob("*.h.in"):  # the build makes x.h of x.h.in
        files[str(template.relative_to(SRC).with_suffix(""))] = template.read_text()
    includes = {name: includes_of(text) for name, text in files.items()}

    faults = [*wrong_includes(includes), *cycles(includes)]
    faults += not_alone(files, includes, Path(build))
    report_sizes(files)
    for fault in faults:
        print(fault)
    print(f"tidy: {len(files)} files, {len(faults)} faults")
    return 1 if faults else 0


def includes_of(text):
    """Returns [(line, path)] of the includes in quotes."""
    return [(number, found[1]) for number, line in enumerate(text.splitlines(), 1)
            if (found := re.match(r'\s*#\s*include\s*"([^"]+)"', line))]


# --- Layers ---------------------------------------------------------------------------------------


def wrong_includes(includes):
    for name, found in includes.items():
        for line, target in found:
            if why := include_fault(name, target, includes):
                yield f"src/{name}:{line}: includes {target}: {why}"


def include_fault(name, target, files):
    layer, other = name.split("/")[0], target.split("/")[0]
    if layer not in LEVEL:
        return f"src/{layer} is not a layer"
    if other == "tests":
        return None if name.endswith("_test.cc") else "only a test may"
    if target not in files:
        return "no such file; paths start at src/"
    if layer == other:
        return None
    if LEVEL[other] > LEVEL[layer]:
        return f"{other} is above {layer}"
    if LEVEL[other] == LEVEL[layer]:
        return f"{other} and {layer} are neighbours, and never meet"
    if target not in ONLY.get((layer, other), [target]):
        return f"{layer} takes only {', '.join(ONLY[layer, other])} of {other}"
    return None


# --- Cycles ---------------------------------------------------------------------------------------


def cycles(includes):
    """Yields one cycle between units, if there is any: with it gone, the next will show."""
    units = {}
    for name, found in includes.items():
        if not name.endswith("_test.cc"):
            used = {unit(target) for _, target in found}
            units.setdefault(unit(name), set()).update(used - {unit(name)})
    try:
        TopologicalSorter(units).prepare()
    except CycleError as error:
        yield "cycle: " + " <- ".join(error.args[1])


def unit(name):
    return name.rsplit(".", 1)[0]


# --- Headers that compile alone -------------------------------------------------------------------


def not_alone(files, includes, build):
    """Yields the headers that do not compile alone, or not twice."""
    folder = build / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    compiler = subprocess.run(["g++", "--version"], capture_output=True, text=True).stdout

    def check(header):
        passed = folder / digest(header, files, includes, compiler)
        if passed.exists():
            return None
        run = subprocess.run([*COMPILE, f"-I{SRC}", f"-I{build}/generated"], text=True,
                             input=f'#include "{header}"\n' * 2, capture_output=True)
        if run.returncode == 0:
            passed.touch()
            return None
        return f"src/{header}: does not compile alone:\n{run.stderr}"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        headers = [name for name in files if name.endswith(".h")]
        yield from filter(None, pool.map(check, headers))


def digest(header, files, includes, compiler):
    """Names what the header was compiled from: its own text and all that it includes of ours."""
    reached, waiting = set(), [header]
    while waiting:
        name = waiting.pop()
        if name in files and name not in reached:
            reached.add(name)
            waiting += [target for _, target in includes[name]]
    parts = [compiler, *COMPILE, header, *(name + files[name] for name in sorted(reached))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


# --- Sizes ----------------------------------------------------------------------------------------


def report_sizes(files):
    lengths = {f"src/{name}": text.count("\n") for name, text in files.items()}
    functions = {f"src/{name}:{line} {head}": length for name, text in files.items()
                 if not name.endswith("_test.cc") for line, head, length in functions_of(text)}
    for what, sizes in (("functions", functions), ("files", lengths)):
        print(f"longest {what}, in lines:")
        for name, length in sorted(sizes.items(), key=lambda item: -item[1])[:8]:
            print(f"{length:6} {name}")


NOT_A_FUNCTION = re.compile(r"(if|else|for|while|switch|do|try|catch|namespace|enum)\b|.*[=,(]$")


def functions_of(text):
    """Yields (line, name, length) of the functions with a body. It goes by braces: near enough."""
    text = blank_literals(text)
    open_braces, start = [], 0
    for found in re.finditer(r"[{};]", text):
        at = found.start()
        if found[0] == "{":
            head = " ".join(text[start:at].split())
            within = any(is_function for _, is_function, _ in open_braces)
            is_function = "(" in head and not within and not NOT_A_FUNCTION.match(head)
            open_braces.append((at - len(text[start:at].lstrip()), is_function, head))
        elif found[0] == "}" and open_braces:
            begin, is_function, head = open_braces.pop()
            if is_function:
                name = re.search(r"([\w:~]+|operator\S+) ?\(", head)
                line = text.count("\n", 0, begin) + 1
                yield line, name[1] if name else head, text.count("\n", begin, at) + 1
        start = at + 1


def blank_literals(text):
    """Replaces comments, preprocessor lines and what stands in quotes, keeping the lines."""
    return LITERAL.sub(lambda found: "\n" * found[0].count("\n"), text)


LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])' | ^[ \t]*\#(?:\\\n|[^\n])*""",
    re.S | re.M | re.X)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1], "CMakeCache.txt").exists():
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
