"""Sections 3.4 to 3.7: PUBACK, PUBREC, PUBREL, PUBCOMP."""

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.packets import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL

LISTED = {
    PUBACK: {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    PUBREC: {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    PUBREL: {0x00, 0x92},
    PUBCOMP: {0x00, 0x92},
}
TYPES = [
    case("MQTT-3.4.2-1", "PUBACK", PUBACK),
    case("MQTT-3.5.2-1", "PUBREC", PUBREC),
    case("MQTT-3.6.2-1", "PUBREL", PUBREL),
    case("MQTT-3.7.2-1", "PUBCOMP", PUBCOMP),
]


@pytest.mark.parametrize("type", TYPES)
def test_a_reason_code_that_is_not_listed_is_an_error(broker, type):
    for reason in sorted({*range(256)} - LISTED[type]):
        peer = broker.connect()
        peer.send(packets.ack(type, 1, reason))
        peer.expect_close(0x81, 0x82)


@pytest.mark.parametrize("type", TYPES)
def test_a_listed_reason_code_is_taken(broker, type):
    """With an unknown identifier, which is no reason to close; and in all three forms."""
    peer = broker.connect()
    for reason in LISTED[type]:
        peer.send(packets.ack(type, 1, reason))
        peer.send(packets.ack(type, 1, reason, reason_string="why", user_property=("k", "v")))
        peer.send(packets.packet(type << 4 | (2 if type == PUBREL else 0), packets.u16(1),
                                 packets.u8(reason), packets.u8(0)))
    peer.ping()


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("body", [
    case("", "no identifier", ""),
    case("", "half an identifier", "00"),
    case("", "properties beyond the packet", "0001 00 05"),
    case("", "bytes after the properties", "0001 00 00 00"),
    case("", "reason string twice", "0001 00 06 1f0000 1f0000"),
    case("", "a property of PUBLISH", "0001 00 03 23 0001"),
    case("", "a property that does not exist", "0001 00 02 7f 00"),
])
def test_a_malformed_acknowledgement_ends_the_connection(broker, type, body):
    peer = broker.connect()
    peer.send(packets.packet(type << 4 | (2 if type == PUBREL else 0), bytes.fromhex(body)))
    peer.expect_close(0x81, 0x82)


@normative("MQTT-3.4.2-1", "MQTT-3.5.2-1", "MQTT-3.7.2-1", "MQTT-4.3.3-11", "MQTT-3.6.2-1")
def test_the_broker_answers_with_listed_reason_codes(broker, topic):
    """Without a subscriber it may say 0x10; for unknown identifiers it says 0x92."""
    peer = broker.connect()
    for qos in (1, 2):
        assert peer.publish(topic, b"x", qos) in (0, 0x10)
    peer.send(packets.pubrel(99))
    got = peer.expect(PUBCOMP)
    assert (got.packet_id, got.reason) == (99, 0x92)
    peer.send(packets.pubrec(98))
    got = peer.expect(PUBREL)
    assert (got.packet_id, got.reason) == (98, 0x92)


def test_before_version_5_unknown_identifiers_are_answered_all_the_same(broker):
    """Who lost its state must be able to finish."""
    peer = broker.connect(version=4)
    peer.send(packets.pubrel(99))
    assert peer.expect(PUBCOMP).packet_id == 99
    peer.send(packets.puback(98), packets.pubcomp(97))
    peer.ping()


def test_an_acknowledgement_of_the_wrong_kind_does_not_acknowledge(broker, topic):
    """The delivery stays in flight, whether the broker closes or goes on."""
    client_id = unique()
    publisher = broker.connect()
    peer = broker.connect(client_id, session_expiry=300)
    peer.subscribe(topic, qos=2)
    publisher.publish(topic, b"two", 2)
    peer.send(packets.puback(peer.expect(PUBLISH).packet_id))
    peer.drain()
    peer.abort()
    peer = broker.connect(client_id, clean=False)
    got = peer.expect(PUBLISH)
    assert got.payload == b"two" and got.dup
