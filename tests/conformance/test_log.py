"""What the log says, to the standard error: one line per event, as text or JSON.

Which levels it leaves out: tests/system/test_commands.py.
"""

import json
import re
import time

import pytest

from harness import packets
from harness.broker import transport
from harness.cases import case, unique
from harness.packets import Will

TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:?\d\d "
                       r"(debug|info|warning|error) \S.*")
HELD_BACK = re.compile(r" \((\d+) such lines held back before\)")


def break_a_rule(peer):
    peer.send("00 00")
    peer.expect_end() if peer.version < 5 else peer.expect_close(0x81)


def time_out(peer):
    peer.expect_close(0x8D)


# How a client leaves, and what the log says of it.
departures = pytest.mark.parametrize("leave, keep_alive, level, said", [
    case("", "DISCONNECT", lambda peer: peer.disconnect(), 60, "info", "left: said good-bye"),
    case("", "lost", lambda peer: peer.abort(), 0, "info",
         "left: connection lost: (closed by the peer|Connection reset by peer)"),
    case("", "broken rule", break_a_rule, 60, "info", "left: malformed packet"),
    case("", "its text", break_a_rule, 60, "warning", "broke a rule: malformed packet: "),
    case("", "keep alive", time_out, 1, "info", "left: keep alive timeout"),
])


def named(who, peer):
    """A pattern of the client, at its address as the broker sees it; a bridge has one of its own."""
    host, port = peer.socket.getsockname()[:2]
    at = r"127\.0\.0\.1:\d+" if transport() != "tcp" else re.escape(f"{host}:{port}")
    return re.escape(f"client {who} at ") + at


@departures
@pytest.mark.parametrize("version", [3, 4, 5])
def test_coming_and_going_are_told(start_broker, version, leave, keep_alive, level, said):
    broker = start_broker()
    client_id = unique()
    peer = broker.connect(client_id, version, keep_alive=keep_alive)
    name = named(client_id, peer)
    broker.wait_for_log(
        f" info {name} connected, protocol level {version}, keep alive {keep_alive} s\n")
    leave(peer)
    broker.wait_for_log(f" {level} {name} {said}")


def test_a_takeover_is_told(start_broker):
    broker = start_broker()
    client_id = unique()
    old = broker.connect(client_id)
    name = named(client_id, old)
    broker.connect(client_id)
    broker.wait_for_log(f" info {name} left: session taken over\n")


@pytest.mark.parametrize("packet, who, said", [
    case("", "too many", packets.connect("third"), "third", "server busy"),
    case("", "no such level", "10 0e 0004 4d515454 06 02 0000 00 0001 63", "(no id yet)",
         "unsupported protocol version"),
    case("", "authentication method", packets.connect("c", authentication_method="none"), "c",
         "bad authentication method"),
    case("", "will not allowed there", packets.connect("c", will=Will("$SYS/x")), "c",
         "not authorized"),
])
def test_a_refusal_is_told_with_the_reason(start_broker, packet, who, said):
    broker = start_broker(connections=2)
    broker.connect()
    broker.connect()
    peer = broker.dial()
    name = named(who, peer)
    peer.send(packet)
    peer.expect_close()
    broker.wait_for_log(f" warning {name} refused: {said}\n")


# Whoever could write these as they are could forge a line.
ODD_IDS = ['a"b', "a\\b", "a b", "{}%s", "\u00e9\u4e2d", "a\x7fb", "a\nb", "a\x1b[31mb"]


def tell_of_odd_ids(broker):
    """Which ids are accepted is another matter. Returns the log when all has been told."""
    for client_id in ODD_IDS:
        peer = broker.dial()
        peer.send(packets.connect(client_id))
        peer.drain(0.2)
        peer.abort()
    broker.connect("the last").disconnect()
    broker.wait_for_log("the last.*good-bye")
    broker.stop()
    return broker.log()


def test_each_line_of_text_is_one_event(start_broker):
    log = tell_of_odd_ids(start_broker(level="debug"))
    for line in log.removesuffix("\n").split("\n"):
        assert TEXT_LINE.fullmatch(line), line


def test_each_line_of_json_parses(start_broker):
    log = tell_of_odd_ids(start_broker(level="debug", format="json"))
    lines = [json.loads(line) for line in log.removesuffix("\n").split("\n")]
    for line in lines:
        assert {*line} == {"time", "level", "message"}
        assert TEXT_LINE.fullmatch("{time} {level} ".format(**line) + "x"), line
        assert line["message"]
    said = "\n".join(line["message"] for line in lines)
    for client_id in ODD_IDS[:5]:
        assert f"client {client_id} at 127.0.0.1" in said


@pytest.mark.long
def test_what_strangers_cause_is_held_back_and_the_rest_is_counted(start_broker):
    """A hundred wrong packets make some lines. Those that come later say how many are missing."""
    broker = start_broker()

    def count():
        lines = [line for line in broker.log().splitlines() if "broke a rule" in line]
        return len(lines), sum(int(number) for number in HELD_BACK.findall("\n".join(lines)))

    caused = 100
    for _ in range(caused):
        break_a_rule(broker.connect())
    written, told = count()
    assert 0 < written < caused and told == 0
    time.sleep(10.5)
    while sum(count()) < caused:
        break_a_rule(broker.connect())
        caused += 1
    assert count()[1] > 0
    for _ in range(5):  # nor is any of them told of twice
        break_a_rule(broker.connect())
        caused += 1
        assert sum(count()) <= caused
