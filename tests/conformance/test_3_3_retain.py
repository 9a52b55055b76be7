"""Sections 3.3.1.3 and 3.8.3.1: retained messages and the options that concern them."""

import random

import pytest

from harness.cases import normative, unique
from harness.packets import PUBLISH

VERSIONS = [3, 4, 5]


def retained(broker, filter, version=5, **fields):
    """What a new subscriber gets, as {topic: payload}."""
    peer = broker.connect(version=version)
    peer.subscribe(filter, **fields)
    got = peer.drain()
    assert all(packet.type == PUBLISH and packet.retain for packet in got)
    assert len({packet.topic for packet in got}) == len(got)
    return {packet.topic: packet.payload for packet in got}


@normative("MQTT-3.3.1-5", "MQTT311-3.3.1-5", "MQTT311-3.3.1-6")
@pytest.mark.parametrize("version", VERSIONS)
def test_the_last_retained_message_of_each_topic_is_kept(broker, topic, version):
    publisher = broker.connect(version=version)
    for qos in (0, 1, 2):
        for payload in (b"old", b"new"):
            publisher.publish(f"{topic}/{qos}", payload, qos, retain=True)
    expected = {f"{topic}/{qos}": b"new" for qos in (0, 1, 2)}
    assert retained(broker, topic + "/#", version) == expected
    assert retained(broker, topic + "/1", version) == {topic + "/1": b"new"}
    assert retained(broker, topic + "/+", version) == expected


@normative("MQTT311-3.3.1-7", "MQTT-3.3.1-5")
def test_a_retained_message_of_qos_0_replaces_one_of_higher_qos(broker, topic):
    publisher = broker.connect(version=4)
    publisher.publish(topic, b"old", 2, retain=True)
    publisher.publish(topic, b"new", 0, retain=True)
    assert retained(broker, topic, 4) == {topic: b"new"}


@normative("MQTT-3.3.1-6", "MQTT-3.3.1-7", "MQTT311-3.3.1-10", "MQTT311-3.3.1-11")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_an_empty_retained_message_removes_and_is_not_kept(broker, topic, version, qos):
    """But those who are there get it as any other message."""
    publisher, live = broker.connect(version=version), broker.connect(version=version)
    live.subscribe(topic)
    publisher.publish(topic, b"kept", qos, retain=True)
    publisher.publish(topic, b"", qos, retain=True)
    assert [(got.payload, got.retain) for got in live.messages(2)] == [(b"kept", False),
                                                                     (b"", False)]
    assert retained(broker, topic, version) == {}


@normative("MQTT-3.3.1-8", "MQTT311-3.3.1-12")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_message_without_retain_neither_stores_nor_removes(broker, topic, version):
    publisher = broker.connect(version=version)
    publisher.publish(topic + "/none", b"passing", 1)
    publisher.publish(topic + "/some", b"kept", 1, retain=True)
    publisher.publish(topic + "/some", b"passing", 1)
    publisher.publish(topic + "/some", b"", 1)
    assert retained(broker, topic + "/#", version) == {topic + "/some": b"kept"}


@normative("MQTT-3.3.1-9")
@pytest.mark.parametrize("version", VERSIONS)
def test_retain_handling_0_sends_at_each_subscribe(broker, topic, version):
    broker.connect().publish(topic, b"kept", retain=True)
    peer = broker.connect(version=version)
    for _ in range(2):
        peer.subscribe(topic)
        got = peer.message()
        assert got.payload == b"kept" and got.retain
        peer.expect_nothing()


@normative("MQTT-3.3.1-10")
def test_retain_handling_1_sends_if_the_subscription_is_new(broker, topic):
    broker.connect().publish(topic, b"kept", retain=True)
    client_id = unique()
    peer = broker.connect(client_id, session_expiry=300)
    peer.subscribe(topic, retain_handling=1)
    assert peer.message().payload == b"kept"
    peer.subscribe(topic, qos=1, retain_handling=1)
    peer.expect_nothing()
    peer.disconnect()
    peer = broker.connect(client_id, clean=False)
    peer.subscribe(topic, retain_handling=1)
    peer.expect_nothing()
    peer.unsubscribe(topic)
    peer.subscribe(topic, retain_handling=1)
    assert peer.message().payload == b"kept"


@normative("MQTT-3.3.1-11")
def test_retain_handling_2_never_sends(broker, topic):
    broker.connect().publish(topic, b"kept", retain=True)
    peer = broker.connect()
    for _ in range(2):
        peer.subscribe(topic, retain_handling=2)
        peer.expect_nothing()


@normative("MQTT-3.3.1-12", "MQTT-3.3.1-13", "MQTT311-3.3.1-9")
def test_retain_as_published_decides_over_the_flag_of_live_messages(broker, topic):
    publisher, plain, as_published, old = (broker.connect(), broker.connect(), broker.connect(),
                                           broker.connect(version=4))
    plain.subscribe(topic)
    as_published.subscribe(topic, retain_as_published=True)
    old.subscribe(topic)
    for flag in (True, False):
        publisher.publish(topic, b"live", 1, retain=flag)
        assert not plain.message().retain
        assert not old.message().retain
        assert as_published.message().retain == flag


@normative("MQTT-3.3.1-9")
def test_what_is_sent_on_subscribe_has_retain_set_whatever_the_options(broker, topic):
    broker.connect().publish(topic, b"kept", retain=True)
    for flag in (True, False):
        assert retained(broker, topic, retain_as_published=flag) == {topic: b"kept"}


@normative("MQTT-3.8.4-8")
@pytest.mark.parametrize("published", [0, 1, 2])
@pytest.mark.parametrize("granted", [0, 1, 2])
def test_a_retained_message_has_the_lower_qos(broker, topic, published, granted):
    broker.connect().publish(topic, b"kept", published, retain=True)
    peer = broker.connect()
    peer.subscribe(topic, qos=granted)
    assert peer.message().qos == min(published, granted)


def test_a_shared_subscription_gets_no_retained_messages(broker, topic):
    """Section 4.8.2."""
    broker.connect().publish(topic, b"kept", retain=True)
    peer = broker.connect()
    peer.subscribe(f"$share/g/{topic}")
    peer.expect_nothing()


def test_many_retained_messages_arrive_in_full(broker, topic):
    """More than a queue holds and a window lets through: the replay is no queue."""
    count = 3000
    publisher = broker.connect(version=4)
    for number in range(count):
        publisher.publish(f"{topic}/{number}", b"%d" % number, number % 2, retain=True)
    publisher.ping()
    peer = broker.connect(receive_maximum=3)
    peer.subscribe(topic + "/+", qos=1)
    got = {packet.topic: packet.payload for packet in peer.messages(count)}
    assert got == {f"{topic}/{number}": b"%d" % number for number in range(count)}
    peer.expect_nothing()


@pytest.mark.parametrize("receive_maximum", [1, 10])
@pytest.mark.parametrize("seed", range(3))
def test_topics_that_change_during_a_replay_end_as_they_are(broker, topic, seed, receive_maximum):
    """A slow reader is sent what is retained while others publish to those topics, clear them and
    add new ones. The last it hears of each topic is how it stands; what did not change comes once.
    """
    chance = random.Random(seed)
    publisher, reader = broker.connect(), broker.connect(receive_maximum=receive_maximum)
    state = {f"{topic}/{number:03}": b"first" for number in range(200)}
    for name, payload in state.items():
        publisher.publish(name, payload, 1, retain=True)
    untouched = {*state}
    got = []

    def read(count):
        for _ in range(count):
            packet = reader.take(PUBLISH)
            reader.acknowledge(packet)
            got.append((packet.topic, packet.payload, packet.retain))

    def change(at):
        name = f"{topic}/{chance.randrange(250):03}"  # some of them are new
        payload = chance.choice((b"", b"change %d" % at))
        assert publisher.publish(name, payload, chance.choice((1, 2)), retain=True) < 0x80
        state[name] = payload
        untouched.discard(name)

    reader.subscribe(topic + "/+", qos=1)
    for at in range(60):
        read(3)
        change(at)
    last = {}
    while last != state:
        read(1)
        last = {name: payload for name, payload, _ in got}
    for packet in reader.drain():
        reader.acknowledge(packet)
        got.append((packet.topic, packet.payload, packet.retain))
    assert {name: payload for name, payload, _ in got} == state
    for name in untouched:
        assert [copy for copy in got if copy[0] == name] == [(name, b"first", True)]
    assert all(payload for _, payload, is_retained in got if is_retained)
