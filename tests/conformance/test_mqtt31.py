"""What differs in MQTT 3.1 (level 3, "MQIsdp")."""

import pytest

from harness import packets
from harness.cases import unique
from harness.packets import PUBACK, SUBACK


@pytest.mark.parametrize("clean", [True, False])
def test_an_empty_client_identifier_is_refused(broker, clean):
    peer = broker.dial(version=3)
    peer.send(packets.connect("", version=3, clean=clean))
    peer.expect(bytes.fromhex("20 02 00 02"))
    peer.expect_end()


def test_a_client_identifier_of_more_than_23_bytes_is_refused(broker):
    broker.connect((unique() + "x" * 23)[:23], version=3)
    peer = broker.dial(version=3)
    peer.send(packets.connect((unique() + "x" * 24)[:24], version=3))
    peer.expect(bytes.fromhex("20 02 00 02"))
    peer.expect_end()


def test_connack_does_not_tell_of_the_session(broker, topic):
    """There was no bit for it yet: the byte is 0, but the session is resumed."""
    client_id = unique()
    peer = broker.connect(client_id, version=3, clean=False)
    peer.subscribe(topic, qos=1)
    peer.disconnect()
    broker.connect().publish(topic, b"queued", 1)
    peer = broker.connect(client_id, version=3, clean=False)
    assert peer.connack.raw == bytes.fromhex("20 02 00 00")
    assert peer.message().payload == b"queued"


def test_what_the_flags_announce_may_be_missing(broker):
    """User name and password are optional although their flags are set: the length decides."""
    head = packets.string("MQIsdp") + bytes.fromhex("03 c2 003c")
    for login in (b"", packets.string("user"), packets.string("user") + packets.string("pass")):
        peer = broker.dial(version=3)
        peer.send(packets.packet(0x10, head, packets.string(unique()), login))
        peer.expect(bytes.fromhex("20 02 00 00"))


def test_an_unauthorized_publish_is_acknowledged_or_closes(broker):
    peer = broker.connect(version=3)
    peer.send(packets.publish("$SYS/forged", b"x", 1, 9, version=3))
    assert [got.type for got in peer.drain()] in ([PUBACK], [])


def test_a_subscribe_is_answered_with_granted_qos(broker, topic):
    peer = broker.connect(version=3)
    peer.send(packets.subscribe(1, (topic, 2), (topic + "/x", 1), version=3))
    assert peer.expect(SUBACK).reasons == (2, 1)


def test_wills_and_retained_messages_are_those_of_later_versions(broker, topic):
    watcher = broker.connect(version=3)
    watcher.subscribe(topic)
    broker.connect(version=3, will=packets.Will(topic, b"gone", qos=1, retain=True)).abort()
    assert watcher.message().payload == b"gone"
    later = broker.connect(version=3)
    later.subscribe(topic)
    assert later.message().retain
