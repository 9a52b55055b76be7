"""Sections 3.1.2.4, 3.1.2.11.2 and 4.1: sessions, and how long they live."""

import time

import pytest

from harness import packets
from harness.cases import normative, unique
from harness.packets import CONNACK, PUBLISH


def leave_a_message(broker, client_id, topic, version=5):
    """Leaves a session behind with a subscription and one queued message."""
    fields = {"session_expiry": 300} if version == 5 else {}
    peer = broker.connect(client_id, version, clean=False, **fields)
    peer.subscribe(topic, qos=1)
    peer.disconnect()
    broker.connect(version=version).publish(topic, b"queued", qos=1)


@normative("MQTT-3.1.2-5", "MQTT-3.1.4-4", "MQTT-3.2.2-3", "MQTT-3.2.0-1", "MQTT-4.5.0-1")
def test_clean_start_0_resumes_the_session(broker, topic):
    """CONNACK comes before what was queued, and the subscription still stands."""
    client_id = unique()
    leave_a_message(broker, client_id, topic)
    peer = broker.connect(client_id, clean=False)
    assert peer.connack.session_present
    assert peer.message().payload == b"queued"
    broker.connect().publish(topic, b"live", qos=1)
    assert peer.message().payload == b"live"


@normative("MQTT-3.1.2-4", "MQTT-3.1.4-4", "MQTT-3.2.2-2")
def test_clean_start_1_discards_the_session(broker, topic):
    client_id = unique()
    leave_a_message(broker, client_id, topic)
    peer = broker.connect(client_id, clean=True, session_expiry=300)
    assert not peer.connack.session_present
    broker.connect().publish(topic, b"live", qos=1)
    peer.expect_nothing()
    peer.disconnect()
    again = broker.connect(client_id, clean=False)  # and nothing of the old one is left
    assert again.connack.session_present
    again.expect_nothing()


@normative("MQTT-3.1.2-6", "MQTT-3.2.2-3")
def test_clean_start_0_makes_a_session_where_there_is_none(broker, topic):
    client_id = unique()
    peer = broker.connect(client_id, clean=False, session_expiry=300)
    assert not peer.connack.session_present
    assert peer.subscribe(topic, qos=1) == (1,)
    peer.disconnect()
    assert broker.connect(client_id, clean=False).connack.session_present


@normative("MQTT-3.2.2-6")
def test_a_refusal_has_no_session_present(broker, topic):
    client_id = unique()
    leave_a_message(broker, client_id, topic)
    peer = broker.dial()
    peer.send(packets.connect(client_id, clean=False, authentication_method="no such"))
    last = peer.expect_close(0x8C)
    assert not last.session_present
    assert broker.connect(client_id, clean=False).connack.session_present


@normative("MQTT-3.1.2-23", "MQTT-4.1.0-2")
def test_the_expiry_interval_decides_what_is_left_of_a_session(broker, topic):
    """All wait together. Each line: CONNECT, how it leaves, what is left three seconds later."""
    lines = [
        ("no expiry interval", {}, lambda peer: peer.disconnect(), False),
        ("0", {"session_expiry": 0}, lambda peer: peer.abort(), False),
        ("1 s, DISCONNECT", {"session_expiry": 1}, lambda peer: peer.disconnect(), False),
        ("1 s, lost", {"session_expiry": 1}, lambda peer: peer.abort(), False),
        ("300 s, DISCONNECT", {"session_expiry": 300}, lambda peer: peer.disconnect(), True),
        ("300 s, lost", {"session_expiry": 300}, lambda peer: peer.abort(), True),
        ("DISCONNECT lowers", {"session_expiry": 300},
         lambda peer: peer.disconnect(session_expiry=1), False),
        ("DISCONNECT raises", {"session_expiry": 1},
         lambda peer: peer.disconnect(session_expiry=300), True),
        ("DISCONNECT ends", {"session_expiry": 300},
         lambda peer: peer.disconnect(session_expiry=0), False),
    ]
    ids = [unique() for _ in lines]
    for id, (_, fields, leave, _) in zip(ids, lines):
        peer = broker.connect(id, **fields)
        peer.subscribe(topic, qos=1)
        leave(peer)
    broker.connect().publish(topic, b"queued", qos=1)
    time.sleep(3)
    for id, (what, _, _, is_left) in zip(ids, lines):
        peer = broker.connect(id, clean=False)
        assert peer.connack.session_present == is_left, what
        assert [got.payload for got in peer.drain(0.1)] == [b"queued"] * is_left, what


@normative("MQTT-3.1.2-23")
def test_a_session_counts_its_expiry_from_each_disconnect(broker):
    """Having resumed it, the client may be gone for the whole interval again."""
    client_id = unique()
    broker.connect(client_id, session_expiry=5).disconnect()
    for _ in range(2):
        time.sleep(3)
        peer = broker.connect(client_id, clean=False, session_expiry=5)
        assert peer.connack.session_present
        peer.disconnect()


@normative("MQTT-4.1.0-1")
def test_a_session_lives_while_its_client_is_connected(broker, topic):
    """However long that is, and whatever the expiry interval."""
    resumed_id = unique()
    broker.connect(resumed_id, session_expiry=1).disconnect()
    peers = [broker.connect(), broker.connect(session_expiry=0), broker.connect(session_expiry=1),
             broker.connect(resumed_id, clean=False, session_expiry=1)]
    for peer in peers:
        peer.subscribe(topic, qos=1)
    time.sleep(3)
    broker.connect().publish(topic, b"still there", qos=1)
    for peer in peers:
        assert peer.message().payload == b"still there"


def test_disconnect_may_not_raise_the_expiry_from_0(broker):
    """Section 3.14.2.2.2: a protocol error."""
    peer = broker.connect()
    peer.send(packets.disconnect(session_expiry=10))
    peer.expect_close(0x82)


@normative("MQTT-3.2.0-1", "MQTT-4.5.0-1", "MQTT-3.1.2-5")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_an_absent_client_gets_all_that_matched_meanwhile(broker, topic, version):
    """Of QoS 1 and 2, in order, after CONNACK, and each of two sessions its own."""
    expiry = {"session_expiry": 300} if version == 5 else {}
    ids = [unique(), unique()]
    for id in ids:
        peer = broker.connect(id, version, clean=False, **expiry)
        peer.subscribe(topic, qos=2)
        peer.disconnect()
    publisher = broker.connect(version=version)
    for number in range(200):
        publisher.publish(topic, b"%d" % number, qos=1 + number % 2)
    for id in ids:
        peer = broker.dial(version)
        peer.send(packets.connect(id, version, clean=False, **expiry))
        peer.connack = peer.expect(CONNACK)
        got = []
        while len(got) < 200:
            got.append(peer.take(PUBLISH))
            peer.acknowledge(got[-1])
        assert [packet.payload for packet in got] == [b"%d" % number for number in range(200)]
        peer.expect_nothing()
