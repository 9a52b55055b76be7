"""Chapter 2: fixed header, packet identifiers, the length of properties."""

import pytest

from harness import packets
from harness.cases import case, normative
from harness.packets import PUBACK, PUBCOMP, PUBLISH, PUBREC

# Each packet of a client whose flags are fixed: its first byte, and a sound rest.
FIXED_FLAGS = [
    case("", "PUBACK", 0x40, "02 0001"),
    case("", "PUBREC", 0x50, "02 0001"),
    case("MQTT-3.6.1-1", "PUBREL", 0x62, "02 0001"),
    case("", "PUBCOMP", 0x70, "02 0001"),
    case("MQTT-3.8.1-1", "SUBSCRIBE", 0x82, "07 0001 00 0001 61 00"),
    case("MQTT-3.10.1-1", "UNSUBSCRIBE", 0xA2, "06 0001 00 0001 61"),
    case("", "PINGREQ", 0xC0, "00"),
    case("MQTT-3.14.1-1", "DISCONNECT", 0xE0, "00"),
    case("MQTT-3.15.1-1", "AUTH", 0xF0, "02 00 00"),
]


def other_flags(first_byte):
    return [first_byte & 0xF0 | flags for flags in range(16) if flags != first_byte & 0x0F]


@normative("MQTT-2.1.3-1", "MQTT-4.13.1-1", "MQTT-4.13.2-1")
@pytest.mark.parametrize("first_byte, rest", FIXED_FLAGS)
def test_fixed_flags_have_their_value(broker, first_byte, rest):
    for wrong in other_flags(first_byte):
        peer = broker.connect()
        peer.send(packets.u8(wrong), rest)
        peer.expect_close(0x81)


@normative("MQTT-2.1.3-1")
def test_fixed_flags_of_connect_have_their_value(broker):
    for wrong in other_flags(0x10):
        peer = broker.dial()
        peer.send(packets.u8(wrong), packets.connect("c")[1:])
        peer.expect_close()


@normative("MQTT311-2.2.2-2", "MQTT311-4.8.0-1")
@pytest.mark.parametrize("first_byte, rest", [
    case("", "PUBACK", 0x40, "02 0001"),
    case("", "PUBREC", 0x50, "02 0001"),
    case("", "PUBREL", 0x62, "02 0001"),
    case("", "PUBCOMP", 0x70, "02 0001"),
    case("", "SUBSCRIBE", 0x82, "06 0001 0001 61 00"),
    case("", "UNSUBSCRIBE", 0xA2, "05 0001 0001 61"),
    case("", "PINGREQ", 0xC0, "00"),
    case("", "DISCONNECT", 0xE0, "00"),
])
def test_fixed_flags_have_their_value_in_3_1_1(broker, first_byte, rest):
    for wrong in other_flags(first_byte):
        peer = broker.connect(version=4)
        peer.send(packets.u8(wrong), rest)
        assert peer.expect_close() is None


@normative("MQTT-2.2.1-2")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_qos_0_carries_no_packet_identifier(broker, topic, version):
    """Nor does a message published with one and delivered at QoS 0."""
    peer = broker.connect(version=version)
    peer.subscribe(topic, qos=0)
    for qos in (0, 1, 2):
        peer.publish(topic, b"payload", qos=qos)
        assert peer.take(PUBLISH).raw == packets.publish(topic, b"payload", version=version)


@normative("MQTT-2.2.1-3")
@pytest.mark.parametrize("packet", [
    case("", "PUBLISH at QoS 1", packets.publish("a", qos=1, packet_id=0)),
    case("", "PUBLISH at QoS 2", packets.publish("a", qos=2, packet_id=0)),
    case("", "SUBSCRIBE", packets.subscribe(0, ("a", 0))),
    case("", "UNSUBSCRIBE", packets.unsubscribe(0, "a")),
    case("", "PUBACK", packets.puback(0)),
    case("", "PUBREC", packets.pubrec(0)),
    case("", "PUBREL", packets.pubrel(0)),
    case("", "PUBCOMP", packets.pubcomp(0)),
])
def test_packet_identifier_0_is_refused(broker, packet):
    peer = broker.connect()
    peer.send(packet)
    peer.expect_close(0x81, 0x82)


@normative("MQTT-2.2.1-4", "MQTT-4.3.2-1", "MQTT-4.3.3-1")
def test_deliveries_in_flight_have_different_identifiers(broker, topic):
    """Here and in every other test the rules refuse 0 and identifiers that are in use."""
    publisher, subscriber = broker.connect(), broker.connect(receive_maximum=50)
    subscriber.subscribe(topic, qos=2)
    for number in range(60):
        publisher.publish(topic, b"%d" % number, qos=1 + number % 2)
    held = [subscriber.expect(PUBLISH) for _ in range(50)]
    assert len({got.packet_id for got in held}) == 50
    for got in held:
        subscriber.acknowledge(got)
    assert [got.payload for got in subscriber.messages(10)] == [b"%d" % n for n in range(50, 60)]


@normative("MQTT-2.2.1-4", "MQTT-4.3.2-1", "MQTT-4.3.3-1")
def test_identifiers_wrap_around_those_still_in_use(broker, topic):
    """More messages than there are identifiers go by while three wait for their acknowledgement."""
    publisher, subscriber = broker.connect(), broker.connect(receive_maximum=100)
    subscriber.subscribe(topic, qos=2)
    for qos in (1, 2, 1):
        publisher.publish(topic, qos=qos)
    held = {subscriber.expect(PUBLISH).packet_id for _ in range(3)}

    batch, seen = 90, set()
    requests = b"".join(packets.publish(topic, qos=1, packet_id=n + 1) for n in range(batch))
    for _ in range(65536 // batch + 1):
        publisher.send(requests)
        got = {subscriber.expect(PUBLISH).packet_id for _ in range(batch)}
        assert len(got) == batch and not got & held
        seen |= got
        subscriber.send(*map(packets.puback, got))
        for _ in range(batch):
            publisher.expect(PUBACK)
    assert len(seen) > 60000  # it did go round


@normative("MQTT-2.2.1-5", "MQTT-4.3.2-4", "MQTT-4.3.3-8", "MQTT-4.3.3-11")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_acknowledgements_carry_the_identifier_of_their_publish(broker, topic, version):
    ids = (1, 65535, 77)
    peer = broker.connect(version=version)
    peer.subscribe(topic)
    peer.send(*(packets.publish(topic, qos=2, packet_id=id, version=version) for id in ids))
    assert [peer.take(PUBREC).packet_id for _ in ids] == [*ids]
    peer.send(*map(packets.pubrel, reversed(ids)))
    assert [peer.take(PUBCOMP).packet_id for _ in ids] == [*reversed(ids)]
    peer.send(*(packets.publish(topic, qos=1, packet_id=id, version=version) for id in ids))
    assert [peer.take(PUBACK).packet_id for _ in ids] == [*ids]


@normative("MQTT-2.2.1-6", "MQTT-3.8.4-2", "MQTT-3.10.4-5")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_suback_and_unsuback_carry_the_identifier_of_their_request(broker, topic, version):
    peer = broker.connect(version=version)
    for packet_id in (1, 65535, 77):
        peer.subscribe(topic, packet_id=packet_id)  # compares it
        peer.unsubscribe(topic, packet_id=packet_id)
        peer.unsubscribe(topic, packet_id=packet_id)


@normative("MQTT-2.2.2-1")
def test_a_packet_without_properties_says_so(broker, topic):
    """Both ways: the broker's packets end where they should, and a client's without is refused."""
    peer = broker.connect()
    peer.send(packets.subscribe(5, (topic, 0)))
    peer.expect(bytes.fromhex("90 04 0005 00 00"))
    peer.send(packets.publish(topic))
    peer.expect(packets.publish(topic))
    peer.send(packets.unsubscribe(6, topic))
    peer.expect(bytes.fromhex("b0 04 0006 00 00"))

    peer = broker.dial()
    peer.send("10 0a", packets.string("MQTT"), "05 02 0000")  # ends before the properties
    peer.expect_close(0x81)


@normative("MQTT-4.2.0-1")
def test_packets_may_come_in_any_pieces(broker, topic):
    """A stream has no frames: one byte at a time, and many packets at once, read the same."""
    peer = broker.dial()
    stream = (packets.connect("") + packets.subscribe(1, (topic, packets.options(qos=1)))
              + packets.publish(topic, b"x" * 200, qos=1, packet_id=2) + packets.pingreq())
    for byte in stream:
        peer.send(packets.u8(byte))
    peer.rules.sent(stream)
    answers = [packets.CONNACK, packets.SUBACK, PUBLISH, PUBACK, packets.PINGRESP]
    assert sorted(got.type for got in peer.drain()) == sorted(answers)

    peer = broker.dial()
    peer.send(stream)
    assert sorted(got.type for got in peer.drain()) == sorted(answers)
