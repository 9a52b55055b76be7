"""Who can connect: where the broker listens when nobody has told it, what it says of that, and that
what it advises opens it. In a network of its own, as the ports are the real ones."""

import re
import tomllib

import pytest

from harness.cases import case
from programs import run, starling

OPEN = "everybody who reaches a listener may connect"
CLOSED = "only this machine can"
LOOPBACK = {"127.0.0.1", "::1"}


@pytest.fixture
def serve(network, watch, tmp_path, monkeypatch):
    """Starts a broker there instead of the last one; returns what it says until it is ready."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    brokers = []

    def start(*words):
        if brokers:
            brokers[-1].kill()
        brokers.append(watch(*network.words(starling(), "serve", *words)))
        return "\n".join(brokers[-1].through(r"\d+ cores?$"))

    return start


def configured(*words):
    """The addresses that check-config prints: {(protocol, host, port)}."""
    settings = tomllib.loads(run(starling(), "check-config", *words)[0])
    return {parse(address) for address in settings["listen"]}


def parse(address):
    scheme, host, port = re.fullmatch(r"(?:(\w+)://)?\[?(.*?)\]?:(\d+)", address).groups()
    return "udp" if scheme == "quic" else "tcp", host or "::", int(port)


def can_connect(network, host):
    """Whether somebody listens at this address of the machine."""
    return network.run("bash", "-c", f"exec 3<>/dev/tcp/{host}/1883").returncode == 0


# --- By default -----------------------------------------------------------------------------------


def test_it_listens_where_check_config_says_and_nowhere_else(network, serve):
    serve()
    assert network.bound() == configured()
    assert ("tcp", "127.0.0.1", 1883) in network.bound()


def test_only_this_machine_reaches_it_and_it_says_so(network, serve):
    said = serve()
    assert {host for _, host, _ in network.bound()} <= LOOPBACK
    assert CLOSED in said and OPEN not in said
    assert can_connect(network, "127.0.0.1") and not can_connect(network, "127.0.0.2")


def test_without_ipv6_it_listens_at_what_is_left(network, serve):
    network.turn_ipv6_off()
    said = serve()
    assert network.bound() == {one for one in configured() if one[1] != "::1"}
    assert "no IPv6" in said


# --- Opened ---------------------------------------------------------------------------------------


def advised_flags(said, _):
    flags = re.findall(r"--listen [^\s;]+", the_line(said))
    return [word for flag in flags for word in flag.split()]


def advised_file(said, folder):
    file = folder / "starling.toml"
    file.write_text(re.search(r"listen = \[.*\]", the_line(said))[0] + "\n")
    return ["--config", file]


def the_line(said):
    return next(line for line in said.splitlines() if CLOSED in line)


@pytest.mark.parametrize("advised", [case("", "flags", advised_flags),
                                     case("", "a line of the file", advised_file)])
def test_what_the_line_advises_opens_it(network, serve, tmp_path, advised):
    words = advised(serve(), tmp_path)
    assert words
    said = serve(*words)
    assert network.bound() == configured(*words)
    assert not {host for _, host, _ in network.bound()} & LOOPBACK
    assert OPEN in said and CLOSED not in said
    assert can_connect(network, "127.0.0.2")


@pytest.mark.parametrize("address, warns", [
    case("", "loopback", "127.0.0.1:0", False), case("", "loopback of IPv6", "[::1]:0", False),
    case("", "every address of IPv4", "0.0.0.0:0", True), case("", "every address", ":0", True),
    case("", "another", "127.0.0.2:0", False)])
def test_who_names_an_address_is_warned_if_others_reach_it(serve, address, warns):
    said = serve("--listen", address)
    assert (OPEN in said, CLOSED in said) == (warns, False)
