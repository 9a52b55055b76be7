"""Sections 3.1.2.5 and 3.1.3.2: wills."""

import time

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.packets import PUBLISH, Will


def watch(broker, topic, **fields):
    watcher = broker.connect()
    watcher.subscribe(topic, **fields)
    return watcher


@normative("MQTT-3.1.2-7", "MQTT-3.1.2-8")
@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_lost_client_leaves_its_will(broker, topic, version, qos):
    watcher = watch(broker, topic, qos=2)
    broker.connect(version=version, will=Will(topic, b"\0 gone", qos)).abort()
    got = watcher.message()
    assert (got.payload, got.qos, got.retain) == (b"\0 gone", qos, False)


@normative("MQTT-3.1.2-8")
@pytest.mark.parametrize("last", [
    case("", "DISCONNECT 0x04", packets.disconnect(0x04)),
    case("MQTT-3.14.2-1", "DISCONNECT with a reason that does not exist", packets.disconnect(0x05)),
    case("MQTT-3.14.1-1", "DISCONNECT with wrong flags", "e1 00"),
    case("", "DISCONNECT with an error", packets.disconnect(0x82)),
    case("", "a malformed packet", "00 00"),
    case("", "a protocol error", packets.connect("c")),
])
def test_any_end_but_disconnect_0_leaves_the_will(broker, topic, last):
    watcher = watch(broker, topic)
    peer = broker.connect(will=Will(topic))
    peer.send(last)
    assert watcher.message().payload == b"will"


@normative("MQTT-3.14.4-3", "MQTT-3.1.2-8", "MQTT-3.1.2-10")
@pytest.mark.parametrize("version, last", [
    case("", "shortest", 5, "e0 00"),
    case("", "with its reason", 5, "e0 01 00"),
    case("", "with properties", 5, "e0 02 00 00"),
    case("MQTT311-3.14.4-3", "MQTT 3.1.1", 4, "e0 00"),
    case("", "MQTT 3.1", 3, "e0 00"),
])
def test_disconnect_0_drops_the_will(broker, topic, version, last):
    """For good: nothing comes when the client is lost later on."""
    client_id = unique()
    watcher = watch(broker, topic)
    kept = {"session_expiry": 300} if version == 5 else {}
    peer = broker.connect(client_id, version, clean=False, will=Will(topic), **kept)
    peer.send(last)
    peer.expect_end()
    broker.connect(client_id, version, clean=False, **kept).abort()
    watcher.expect_nothing()


@normative("MQTT-3.1.2-10")
def test_a_will_is_sent_once(broker, topic):
    client_id = unique()
    watcher = watch(broker, topic)
    broker.connect(client_id, session_expiry=300, will=Will(topic)).abort()
    watcher.message()
    broker.connect(client_id, clean=False, session_expiry=300).abort()
    broker.connect(client_id, clean=False).abort()
    watcher.expect_nothing()


@normative("MQTT-3.1.2-14", "MQTT-3.1.2-15")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_will_retain_decides_whether_the_will_is_retained(broker, topic, version):
    live = watch(broker, topic + "/#")
    broker.connect(version=version, will=Will(topic + "/kept", retain=True)).abort()
    broker.connect(version=version, will=Will(topic + "/lost")).abort()
    assert {got.topic for got in live.messages(2)} == {topic + "/kept", topic + "/lost"}
    later = watch(broker, topic + "/#")
    got = later.message()
    assert got.topic == topic + "/kept" and got.retain
    later.expect_nothing()


@normative("MQTT-3.1.3-10", "MQTT-3.1.3-1")
def test_a_will_keeps_its_properties(broker, topic):
    properties = {"payload_format": 1, "content_type": "text/plain", "response_topic": "r/t",
                  "correlation_data": b"\0\xff",
                  "user_property": [("b", "1"), ("a", "2"), ("b", "0")]}
    watcher = watch(broker, topic)
    broker.connect(will=Will(topic, properties=properties)).abort()
    assert watcher.message().properties == properties


@normative("MQTT-3.1.2-8", "MQTT-3.1.3-9", "MQTT-3.1.2-23")
def test_a_will_waits_for_its_delay_or_the_end_of_its_session(broker, topic):
    """All lines wait together. A will is due in the window (earliest, latest), or never."""
    kept = {"session_expiry": 300}
    delayed = {"will_delay": 4}

    def reconnect(clean):
        return lambda id: broker.connect(id, clean=clean, **kept)

    lines = [  # name, CONNECT, will properties, what the client does next, when it is due
        ("no delay", kept, {}, None, (0, 3)),
        ("delay", kept, delayed, None, (3.5, 20)),
        ("delay, session without expiry", {}, delayed, None, (0, 3)),
        ("session ends before", {"session_expiry": 4}, {"will_delay": 60}, None, (3.5, 20)),
        ("reconnect within the delay", kept, delayed, reconnect(clean=False), None),
        ("clean start within the delay", kept, {"will_delay": 60}, reconnect(clean=True), (0, 3)),
    ]
    watcher = watch(broker, topic + "/#")
    ids = [unique() for _ in lines]
    for number, (id, (_, fields, properties, *_)) in enumerate(zip(ids, lines)):
        broker.connect(id, will=Will(f"{topic}/{number}", properties=properties), **fields)
    start = time.monotonic()
    for peer in broker.peers[1:]:
        peer.abort()
    for id, (_, _, _, then, _) in zip(ids, lines):
        if then:
            then(id)

    arrived = {}
    while len(arrived) < sum(due is not None for *_, due in lines):
        got = watcher.message()
        arrived[int(got.topic.split("/")[-1])] = time.monotonic() - start
    watcher.expect_nothing(1)
    for number, (what, _, _, _, due) in enumerate(lines):
        assert (number in arrived) == (due is not None), what
        assert due is None or due[0] <= arrived[number] <= due[1], (what, arrived[number])


@normative("MQTT-3.1.3-9", "MQTT-3.1.2-10")
def test_a_reconnect_replaces_a_delayed_will(broker, topic):
    """The will of the newer connection is the one that counts."""
    client_id = unique()
    watcher = watch(broker, topic)

    def connect(payload):
        return broker.connect(client_id, clean=False, session_expiry=300,
                              will=Will(topic, payload, properties={"will_delay": 1}))

    connect(b"old").abort()
    connect(b"new").abort()
    assert watcher.message().payload == b"new"
    watcher.expect_nothing(1.5)


def test_a_will_expires_counted_from_its_publication(broker, topic):
    """Not from CONNECT: a client that held it for longer than that leaves it whole."""
    client_id = unique()
    absent = broker.connect(client_id, session_expiry=300)
    absent.subscribe(topic, qos=1)
    absent.disconnect()
    holder = broker.connect(will=Will(topic, qos=1, properties={"message_expiry": 3}))
    time.sleep(3.5)
    watcher = watch(broker, topic)
    holder.abort()
    watcher.message()
    got = broker.connect(client_id, clean=False).message()
    assert got.payload == b"will" and 1 <= got.properties["message_expiry"] <= 3


def test_a_will_reaches_shared_and_own_subscriptions_like_any_message(broker, topic):
    """A subscription of the same session is one of them while the session lasts."""
    client_id = unique()
    member = watch(broker, f"$share/g/{topic}")
    peer = broker.connect(client_id, session_expiry=300, will=Will(topic, qos=1))
    peer.subscribe(topic, qos=1)
    peer.abort()
    assert member.message().payload == b"will"
    assert broker.connect(client_id, clean=False).message().payload == b"will"


@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_stop_publishes_all_wills_before_it_sends_anybody_away(start_broker, topic, version):
    """To those who came first, last and in between, and with DISCONNECT 0x8B after the wills."""
    broker = start_broker()
    watchers, wills = [watch(broker, topic, qos=2)], set()
    for number in range(6):
        wills.add(b"%d" % number)
        broker.connect(version=version, will=Will(topic, b"%d" % number, number % 3))
        watchers.append(watch(broker, topic, qos=2))
    broker.tell_to_stop()
    for watcher in watchers:
        assert {watcher.expect(PUBLISH).payload for _ in wills} == wills
        watcher.expect_close(0x8B)
