"""The README's tour, as it is written: on the real ports, in a network of its own."""

import re
import signal

import pytest

from documents import ROOT, commands, section
from programs import starling

# Each command of the tour, what it prints, and its exit status. One without a status runs until
# Ctrl-C.
TOUR = {
    "build/release/starling sub -t 'greeting/#' -v": ("greeting/world hello", None),
    "build/release/starling pub -t greeting/world -m hello": ("", 0),
    "build/release/starling pub -t room/temperature -m 21.5 -r": ("", 0),
    "build/release/starling sub -t 'room/+' -v -C 1": (r"room/temperature 21\.5", 0),
    "build/release/starling sub -i door -c -q 1 -t 'door/#' -E": ("", 0),
    "build/release/starling pub -q 1 -t door/front -m open": ("", 0),
    "build/release/starling sub -i door -c -q 1 -t 'door/#' -v -C 1": ("door/front open", 0),
    "build/release/starling sub -t '$SYS/broker/#' -v -W 1":
        (r"(\$SYS/broker/[^ ]+ .*\n)+Timed out", 27),
}


@pytest.fixture
def shell(network, watch, tmp_path, monkeypatch):
    """Types a line where `build/release` holds the program to test, in the network where it serves
    as `scripts/run` starts it."""
    build = tmp_path / "build/release"
    build.mkdir(parents=True)
    (build / "starling").symlink_to(ROOT / starling())
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def type_line(line):
        return watch(*network.words("bash", "-c", f"exec {line}"))

    type_line("build/release/starling serve").through(r"\d+ cores?$")
    return type_line


def test_the_tour_is_the_one_that_is_tried():
    assert commands(section("README.md", "One minute")) == [*TOUR]


def test_the_tour_prints_what_it_promises(shell):
    listening = None
    for line, (wanted, status) in TOUR.items():
        program = shell(line)
        if status is None:
            listening, hears = program, wanted
            continue
        said = "\n".join(program.end(status))
        assert re.fullmatch(wanted, said), f"{line}: {said}"
        if listening:
            while not listening.has_said_more():  # people type more slowly than it subscribes
                shell(line).end()
            listening.process.send_signal(signal.SIGINT)
            assert {*listening.end()} == {hears}
            listening = None


def test_the_help_that_it_names_is_there(shell):
    for words in re.findall(r"`((?:pub|sub) --help|check-config)`",
                            section("README.md", "One minute")):
        assert shell(f"build/release/starling {words}").end()


def test_the_way_to_let_other_machines_in_is_accepted(shell, network):
    (line,) = [line for line in commands(section("README.md", "Two commands"))
               if line.startswith("scripts/run --")]
    flags = line.removeprefix("scripts/run ")
    assert shell(f"build/release/starling check-config {flags}").end()
