"""The Containerfile, without a container: what it names is there, and what it copies is enough."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from documents import ROOT
from programs import run, starling

INSTRUCTIONS = [line.split(" ", 1) for line in re.sub(
    r"\\\n\s*", "", (ROOT / "deploy/Containerfile").read_text()).splitlines()
    if re.match(r"[A-Z]+ ", line)]


def instructions(name):
    return [words for key, words in INSTRUCTIONS if key == name]


def copied():
    """What comes from the tree: [(paths, where to)]."""
    lines = [shlex.split(words) for words in instructions("COPY") if not words.startswith("--from")]
    return [(line[:-1], line[-1]) for line in lines]


def run_time_packages():
    (line,) = [words for words in instructions("RUN") if "apt-get install" in words]
    words = shlex.split(line.partition("apt-get install")[2].partition("&&")[0])
    return [word for word in words if not word.startswith("-")]


def build_packages():
    """Those that `scripts/setup` installs without a flag."""
    text = (ROOT / "scripts/setup").read_text()
    return re.search(r"^packages=\((.*?)^\)", text, re.MULTILINE | re.DOTALL)[1].split()


@pytest.fixture
def debian():
    """The release that the image is of, with its lists of packages."""
    release = Path("/etc/os-release").read_text()
    if "ID=debian" not in release or 'VERSION_ID="12"' not in release:
        pytest.skip("only Debian 12 knows what Debian 12 has")
    if subprocess.run(["apt-cache", "show", "apt"], capture_output=True, check=False).returncode:
        pytest.skip("no lists of packages: apt-get update fetches them")


def test_the_image_is_of_the_release_that_the_readme_names():
    images = {words.split()[0].removesuffix("-slim") for words in instructions("FROM")}
    assert images == {"debian:12"}
    assert "Debian 12" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("packages", [build_packages, run_time_packages])
def test_every_package_exists(debian, packages):
    names = packages()
    known = run("apt-cache", "--no-all-versions", "show", *names)[0]
    assert {*re.findall(r"^Package: (.*)", known, re.MULTILINE)} == {*names}


def test_the_packages_hold_every_library_that_the_program_loads(debian):
    """With what the image has already: apt, and what these depend on."""
    there = run("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests",
                "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances",
                "apt", *run_time_packages())[0]
    loaded = re.findall(r"=> (/\S+)", run("ldd", starling())[0])
    assert loaded
    assert {owner(path) for path in loaded} <= {*re.findall(r"^\w\S*", there, re.MULTILINE)}


def owner(path):
    """The package of a file; Debian remembers /lib and /usr/lib apart."""
    path = os.path.realpath(path)
    names = {path, path.removeprefix("/usr")}
    found = subprocess.run(["dpkg-query", "--search", *names], capture_output=True, text=True,
                           check=False).stdout
    return found.partition(":")[0]


def test_what_is_copied_is_enough_to_build_and_install(tmp_path):
    """Configures what the image would build, puts the program where it would be, and installs."""
    source = tmp_path / "src"
    for paths, to in copied():
        for path in paths:
            copy(ROOT / path, source / to / ("" if (ROOT / path).is_dir() else Path(path).name))
    (line,) = [words for words in instructions("RUN") if "cmake --preset" in words]
    configure, build, install = (shlex.split(part) for part in line.split(" && "))
    assert build == ["cmake", "--build", "--preset", "release", "--target", "starling"]
    run_in(source, configure)
    copy(Path(starling()), source / "build/release/starling")
    destination, *install = install
    assert destination == "DESTDIR=/out"
    run_in(source, install, DESTDIR=str(tmp_path / "out"))
    copy_from, to = next(words.split()[1:] for words in instructions("COPY") if "--from" in words)
    assert (copy_from, to) == ("/out", "/")
    run(tmp_path / "out/usr/bin/starling", "--version")


def copy(path, to):
    if path.is_dir():
        shutil.copytree(path, to, dirs_exist_ok=True)
    else:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)


def run_in(folder, words, **environment):
    done = subprocess.run(words, cwd=folder, env={**os.environ, **environment}, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_serves_at_the_exposed_ports(network, watch, tmp_path, monkeypatch):
    """Of every address, as nobody outside reaches a container's loopback."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (entry,), (command,) = instructions("ENTRYPOINT"), instructions("CMD")
    program, *words = json.loads(entry) + json.loads(command)
    assert program == "starling"
    broker = watch(*network.words(starling(), *words))
    broker.through(r"\d+ cores?$")
    bound = {(protocol, port) for protocol, host, port in network.bound() if host == "0.0.0.0"}
    assert bound <= exposed() and ("tcp", 1883) in bound


def exposed():
    (words,) = instructions("EXPOSE")
    pairs = (word.partition("/")[::2] for word in words.split())
    return {(protocol or "tcp", int(port)) for port, protocol in pairs}
