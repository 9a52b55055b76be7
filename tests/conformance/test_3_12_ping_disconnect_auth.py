"""Sections 3.12 to 3.15: PINGREQ, DISCONNECT and AUTH."""

import pytest

from harness import packets
from harness.cases import case, normative
from harness.packets import PINGRESP, Will

# What a client may say in DISCONNECT.
LISTED = {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, *range(0x93, 0x9A)}


@normative("MQTT-3.12.4-1")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_pingreq_is_answered(broker, version):
    peer = broker.connect(version=version)
    for count in (1, 1, 500):
        peer.send(packets.pingreq() * count)
        for _ in range(count):
            assert peer.expect(PINGRESP).raw == bytes.fromhex("d0 00")


def test_a_pingreq_has_no_body(broker):
    peer = broker.connect()
    peer.send("c0 01 00")
    peer.expect_close(0x81)


@normative("MQTT-3.14.4-1", "MQTT-3.14.4-2", "MQTT-3.14.2-2", "MQTT-4.13.2-1", "MQTT-3.14.2-1")
def test_after_a_disconnect_from_the_broker_nothing_follows(broker, topic):
    """Whatever else the segment asks for, and whatever is on its way to the client."""
    publisher, peer = broker.connect(), broker.connect()
    peer.subscribe(topic)
    publisher.send(*(packets.publish(topic, b"x") for _ in range(200)))
    peer.send(packets.connect("c"), packets.pingreq(), packets.subscribe(1, ("a", 0)),
              packets.publish(topic, b"x", 1, 1))
    rest = [got for got in peer.drain() if got.type != packets.PUBLISH]
    assert len(rest) == 1 and rest[0].type == packets.DISCONNECT and rest[0].reason == 0x82
    assert rest[0].properties.keys() <= {"reason_string", "user_property"}
    peer.expect_end()


def test_what_follows_a_disconnect_from_a_client_is_ignored(broker, topic):
    watcher, peer = broker.connect(), broker.connect()
    watcher.subscribe(topic)
    peer.send(packets.publish(topic, b"first"), packets.disconnect(),
              packets.publish(topic, b"late"), packets.pingreq())
    peer.expect_end()
    assert watcher.message().payload == b"first"
    watcher.expect_nothing()


@normative("MQTT-3.14.2-1")
def test_listed_reason_codes_end_the_connection_without_an_answer(broker):
    for reason in LISTED:
        peer = broker.connect()
        peer.send(packets.disconnect(reason, reason_string="why", user_property=("k", "v")))
        peer.expect_end()


@normative("MQTT-3.14.2-1")
def test_a_reason_code_that_is_not_listed_is_an_error(broker, topic):
    watcher = broker.connect()
    watcher.subscribe(topic)
    others = sorted({*range(256)} - LISTED - {0x8C})  # of which the specification says both
    for reason in others:
        peer = broker.connect(will=Will(topic))
        peer.send(packets.disconnect(reason))
        peer.expect_close(0x81, 0x82)
    assert len(watcher.messages(len(others))) == len(others)


@normative("MQTT-3.14.2-1", "MQTT-4.13.1-1")
@pytest.mark.parametrize("packet", [
    case("", "properties beyond the packet", "e0 02 00 05"),
    case("", "bytes after the properties", "e0 03 00 00 00"),
    case("", "session expiry twice", packets.disconnect(0, session_expiry=[1, 1])),
    case("", "reason string twice", packets.disconnect(0, reason_string=["", ""])),
    case("", "a property of PUBLISH", packets.disconnect(0, topic_alias=1)),
])
def test_a_malformed_disconnect_is_an_error(broker, packet):
    peer = broker.connect(session_expiry=1)
    peer.send(packet)
    peer.expect_close(0x81, 0x82)


def test_a_disconnect_with_a_body_is_an_error_before_version_5(broker):
    peer = broker.connect(version=4)
    peer.send("e0 01 00")
    peer.expect_close()


@normative("MQTT-4.12.0-6", "MQTT-3.15.2-1")
@pytest.mark.parametrize("packet", [
    case("", "shortest", "f0 00"),
    case("", "success", packets.auth(0x00, authentication_method="m")),
    case("", "continue", packets.auth(0x18, authentication_method="m")),
    case("", "authenticate again", packets.auth(0x19, authentication_method="m")),
    case("", "a code that is not listed", packets.auth(0x01, authentication_method="m")),
    case("", "an error code", packets.auth(0x80, authentication_method="m")),
    case("", "without a method", packets.auth(0x19)),
    case("", "malformed", "f0 03 19 05 00"),
    case("MQTT-3.15.1-1", "wrong flags", "f1 00"),
])
def test_auth_is_an_error_where_no_method_was_named(broker, packet):
    peer = broker.connect()
    assert "authentication_method" not in peer.connack.properties
    peer.send(packet)
    peer.expect_close(0x81, 0x82)


def test_auth_does_not_exist_before_version_5(broker):
    peer = broker.connect(version=4)
    peer.send("f0 00")
    peer.expect_close()
