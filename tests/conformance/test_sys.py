"""$SYS: the broker's own figures. That no leading wildcard matches them: test_4_7_topics.py."""

import re

import pytest

from harness import packets
from harness.broker import Broker, external_port, transport
from harness.cases import case, unique
from harness.figures import QUIC_FIGURES, figure_becomes
from harness.packets import PUBLISH, Will

LOADS = [f"load/{what}/{minutes}min" for minutes in (1, 5, 15)
         for what in ("messages/received", "publish/received", "publish/sent",
                      "bytes/received", "bytes/sent")]
# Beyond Mosquitto's: what the broker has counted.
COUNTERS = [f"counters/{name}" for name in (
    "bytes_received", "bytes_sent", "packets_received", "publish_received", "publish_sent",
    "connects_accepted", "connects_refused", "protocol_errors", "dropped_queue_full",
    "dropped_outbox_full", "dropped_too_large", "dropped_expired", "dropped_no_member",
    "retained_refused", "sessions_evicted", "handshakes_evicted", "accept_pauses", "takeovers",
    "credit_pauses", "denied", "memory_pauses", "dropped_memory", "ended_for_memory", "turns_cut_reads",
    "turns_cut_reports", "turns_cut_accepts", "turns_cut_timers", "turns_cut_replays",
    "turns_cut_fan_outs", "store_commits", "store_timeouts", "channels_opened")]
FIGURES = [  # below $SYS/broker/
    "version", "uptime",
    "clients/connected", "clients/active", "clients/disconnected", "clients/inactive",
    "clients/total", "clients/maximum",
    "subscriptions/count", "shared_subscriptions/count", "retained messages/count",
    "messages/received", "bytes/received", "bytes/sent",
    "publish/messages/received", "publish/messages/sent", "publish/messages/dropped",
    *LOADS, *COUNTERS, *(QUIC_FIGURES if transport() == "quic" else ()),
]


def shape(figure):
    """What its payload looks like."""
    if figure == "version":
        return rb"starling version \d+\.\d+\.\d+\S*"
    if figure == "uptime":
        return rb"\d+ seconds"
    return rb"\d+\.\d\d" if figure.startswith("load/") else rb"\d+"


def read_all(broker):
    """What a new subscriber is told, as {figure: payload}."""
    peer = broker.connect()
    peer.subscribe("$SYS/#")
    got = {}
    while not {*FIGURES} <= {*got}:
        packet = peer.message()
        got[packet.topic.removeprefix("$SYS/broker/")] = packet.payload
    peer.abort()
    return got


def test_every_figure_is_there_and_no_other(broker):
    """Retained, and of its shape."""
    got = read_all(broker)
    assert {*got} == {*FIGURES}
    for figure, payload in got.items():
        assert re.fullmatch(shape(figure), payload), (figure, payload)


@pytest.fixture(scope="module")
def counted_broker():
    """A broker with known clients, subscriptions and messages; the client that tells of a figure
    is one more."""
    if external_port():
        pytest.skip("needs a broker of its own")
    with Broker(interval_s=1, retained_messages=1000) as broker:
        absent = broker.connect(unique(), session_expiry=300)
        absent.subscribe("absent/+")
        absent.disconnect()
        broker.connect().disconnect()
        peers = [broker.connect() for _ in range(3)]
        peers[0].subscribe("a", "b/#", "$share/g/c", qos=1)
        peers[1].subscribe("$share/g/c", "$share/h/c")
        for number in range(20):
            assert peers[2].publish("a", b"%d" % number, 1, retain=True) == 0
        peers[2].publish("nobody", b"x" * 10_000, retain=True)
        peers[0].messages(20)
        yield broker


@pytest.mark.parametrize("figure, value", [
    case("", figure, figure, value) for figure, value in {
        "clients/connected": 4,
        "clients/active": 4,
        "clients/disconnected": 1,
        "clients/inactive": 1,
        "clients/total": 5,
        "subscriptions/count": 7,
        "shared_subscriptions/count": 3,
        "publish/messages/received": 21,
        "publish/messages/dropped": 0,
        "retained messages/count": 2 + len(FIGURES),
    }.items()
])
def test_a_figure_is_exact(counted_broker, figure, value):
    figure_becomes(counted_broker, figure, value)


@pytest.mark.parametrize("figure, least", [
    case("", figure, figure, least) for figure, least in {
        "clients/maximum": 4,
        "messages/received": 4 + 2 + 21 + 20,
        "bytes/received": 10_000,
        "bytes/sent": 20 * 10,
        "publish/messages/sent": 20,
        **dict.fromkeys(LOADS, 0.01),
    }.items()
])
def test_a_figure_grows_with_what_it_counts(counted_broker, figure, least):
    figure_becomes(counted_broker, figure, lambda value: float(value) >= least)


def test_a_load_of_one_minute_follows_faster_than_one_of_fifteen(counted_broker):
    figures = read_all(counted_broker)
    for what in ("messages/received", "bytes/received"):
        loads = [float(figures[f"load/{what}/{minutes}min"]) for minutes in (1, 5, 15)]
        assert loads == sorted(loads, reverse=True)


@pytest.mark.parametrize("interval_s", [1, 2])
def test_the_figures_come_once_an_interval(start_broker, interval_s):
    """By the broker's own clock."""
    peer = start_broker(interval_s=interval_s).connect()
    peer.subscribe("$SYS/broker/uptime")
    uptimes = [int(got.payload.split()[0]) for got in peer.messages(4)]
    assert uptimes[-1] - uptimes[0] >= 3 * interval_s - 1  # seconds are cut off


def test_an_interval_of_0_turns_the_figures_off(start_broker):
    peer = start_broker(interval_s=0).connect()
    assert peer.subscribe("$SYS/#") == (0,)
    peer.expect_nothing(1.5)


@pytest.mark.parametrize("name", ["$SYS", "$SYS/broker/version", "$SYS/broker/mine", "$SYS/"])
@pytest.mark.parametrize("version", [4, 5])
def test_clients_may_not_publish_there(broker, version, name):
    """0x87 in version 5; nobody gets it, and nothing is kept. Nor may a will go there."""
    peer, watcher = broker.connect(version=version), broker.connect()
    watcher.subscribe("$SYS", "$SYS/#")
    for qos in (0, 1, 2):
        assert peer.publish(name, b"forged", qos, retain=True) == (0x87 if qos and version == 5
                                                                   else 0)
    doomed = broker.dial(version)
    doomed.send(packets.connect(unique(), version, will=Will(name, b"forged")))
    assert doomed.expect_close(0x87).reason == (0x87 if version == 5 else 5)
    watcher.ping()
    later = broker.connect()
    later.subscribe("$SYS", "$SYS/#")
    got = [*watcher.drain(0.2), *later.drain(0.2)]
    assert {packet.type for packet in got} == {PUBLISH}
    assert b"forged" not in {packet.payload for packet in got}
