"""Section 3.3: PUBLISH both ways, its flags, properties and topic aliases."""

import itertools
import time

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.packets import PUBACK, PUBLISH, PUBREC

# --- The message as it was sent -------------------------------------------------------------------


@normative("MQTT-3.3.1-2", "MQTT-4.3.1-1", "MQTT-2.2.1-2", "MQTT-3.3.1-12", "MQTT-3.3.2-3")
@pytest.mark.parametrize("from_version, to_version", itertools.product([3, 4, 5], repeat=2))
def test_a_message_arrives_as_it_was_sent(broker, topic, from_version, to_version):
    """Byte for byte, from any version to any, at each QoS, whatever the payload looks like."""
    publisher = broker.connect(version=from_version)
    subscriber = broker.connect(version=to_version)
    subscriber.subscribe(topic, qos=2)
    payloads = [b"", b"\0", b"\0\1", b"\0\0\0\1", b"\xff" * 7, b"\x82\0", bytes(range(256)) * 9]
    for qos, payload in itertools.product((0, 1, 2), payloads):
        publisher.publish(topic, payload, qos)
        got = subscriber.message()
        assert got.raw == packets.publish(topic, payload, qos, got.packet_id, version=to_version)


@normative("MQTT-3.3.4-1", "MQTT-4.3.2-4", "MQTT-4.3.3-8")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_publish_is_answered_by_its_qos(broker, topic, version):
    """Nothing, PUBACK, PUBREC; with subscribers and without."""
    peer, subscriber = broker.connect(version=version), broker.connect()
    for _ in range(2):
        peer.publish(topic, qos=0)
        peer.expect_nothing()
        for qos, answer in ((1, PUBACK), (2, PUBREC)):
            peer.send(packets.publish(topic, b"x", qos, qos, version=version))
            got = peer.expect(answer)
            assert got.packet_id == qos and got.reason in (0, 0x10)
        subscriber.subscribe(topic)


@normative("MQTT-3.3.1-3", "MQTT-4.3.2-2", "MQTT-4.3.3-2")
@pytest.mark.parametrize("qos", [1, 2])
def test_dup_of_the_publisher_is_not_forwarded(broker, topic, qos):
    peer, subscriber = broker.connect(), broker.connect()
    subscriber.subscribe(topic, qos=2)
    peer.publish(topic, b"x", qos, dup=True)
    got = subscriber.message()
    assert got.qos == qos and not got.dup


@normative("MQTT-4.13.1-1")
@pytest.mark.parametrize("packet, reasons", [
    case("MQTT-3.3.1-2", "DUP at QoS 0", packets.publish("a", dup=True), (0x81,)),
    case("MQTT-3.3.1-4", "QoS 3", "36 06 0001 61 0001 00", (0x81,)),
    case("MQTT-3.3.2-1", "no topic", "30 00", (0x81,)),
    case("MQTT-3.3.2-1", "half a topic", "30 03 0002 61", (0x81,)),
    case("MQTT-2.2.2-1", "no properties", "30 03 0001 61", (0x81,)),
    case("MQTT-3.3.4-6", "subscription identifier",
         packets.publish("a", subscription_identifier=1), (0x82,)),
    case("", "payload format 2", packets.publish("a", payload_format=2), (0x81, 0x82)),
    case("", "payload format twice", packets.publish("a", payload_format=[1, 1]), (0x82,)),
    case("", "expiry twice", packets.publish("a", message_expiry=[1, 1]), (0x82,)),
    case("", "content type twice", packets.publish("a", content_type=["a", "a"]), (0x82,)),
    case("", "response topic twice", packets.publish("a", response_topic=["a", "a"]), (0x82,)),
    case("", "correlation data twice", packets.publish("a", correlation_data=[b"", b""]), (0x82,)),
    case("", "alias twice", packets.publish("a", topic_alias=[1, 1]), (0x82,)),
    case("", "a property of CONNECT", packets.publish("a", session_expiry=1), (0x81, 0x82)),
    case("", "a property that does not exist", "30 06 0001 61 02 04 01", (0x81, 0x82)),
    case("MQTT-3.3.2-14", "response topic with +", packets.publish("a", response_topic="a/+"),
         (0x81, 0x82, 0x90)),
    case("MQTT-3.3.2-14", "response topic with #", packets.publish("a", response_topic="#"),
         (0x81, 0x82, 0x90)),
    case("MQTT-4.7.3-1", "empty topic without alias", packets.publish(""), (0x82, 0x90)),
])
def test_a_wrong_publish_ends_the_connection(broker, packet, reasons):
    peer = broker.connect()
    peer.send(packet)
    peer.expect_close(*reasons)


@normative("MQTT-3.3.2-2", "MQTT-4.7.0-1")
@pytest.mark.parametrize("name", ["#", "+", "a/#", "a/+/b", "+a", "a#", "/+", "$share/g/#"])
@pytest.mark.parametrize("version", [4, 5])
def test_a_topic_name_has_no_wildcard(broker, version, name):
    peer = broker.connect(version=version)
    peer.send(packets.publish(name, b"x", version=version))
    peer.expect_close(0x90, 0x82)


# --- Properties -----------------------------------------------------------------------------------


@normative("MQTT-3.3.2-3")
@pytest.mark.parametrize("properties", [
    case("MQTT-3.3.2-4", "payload format 0", {"payload_format": 0}),
    case("MQTT-3.3.2-4", "payload format 1", {"payload_format": 1}),
    case("MQTT-3.3.2-15", "response topic", {"response_topic": "response/to/é"}),
    case("MQTT-3.3.2-16", "correlation data", {"correlation_data": b"\0\xff\xfe"}),
    case("MQTT-3.3.2-16", "empty correlation data", {"correlation_data": b""}),
    case("MQTT-3.3.2-16", "long correlation data", {"correlation_data": b"\x80" * 65535}),
    case("MQTT-3.3.2-20", "content type", {"content_type": "application/x; a=\"b\""}),
    case("MQTT-3.3.2-20", "empty content type", {"content_type": ""}),
    case("MQTT-3.3.2-17 MQTT-3.3.2-18", "user properties",
         {"user_property": [("b", "1"), ("a", "2"), ("b", "0"), ("", ""), ("b", "1"), ("", "")]}),
    case("MQTT-3.3.2-17 MQTT-3.3.2-18", "many user properties",
         {"user_property": [(f"{n * 7919 % 500}", "v" * (n % 3)) for n in range(500)]}),
    case("", "all together", {
        "payload_format": 1, "response_topic": "r", "correlation_data": b"c", "content_type": "t",
        "user_property": [("z", "1"), ("a", "2")]}),
])
def test_properties_are_forwarded_unchanged(broker, topic, properties):
    """Live, from a queue, and from what is retained."""
    client_id = unique()
    absent = broker.connect(client_id, session_expiry=300)
    absent.subscribe(topic, qos=1)
    absent.disconnect()
    live = broker.connect()
    live.subscribe(topic)
    broker.connect().publish(topic, b"x", 1, retain=True, **properties)
    later = broker.connect()
    later.subscribe(topic)
    for subscriber in (live, later, broker.connect(client_id, clean=False)):
        assert subscriber.message().properties == properties


def test_a_version_without_properties_gets_the_message_without(broker, topic):
    old = broker.connect(version=4)
    old.subscribe(topic)
    broker.connect().publish(topic, b"x", content_type="t", user_property=("k", "v"))
    old.expect(packets.publish(topic, b"x", version=4))


# --- Message expiry -------------------------------------------------------------------------------


@normative("MQTT-3.3.2-5", "MQTT-3.3.2-6")
def test_waiting_counts_against_the_expiry(broker, topic):
    """In a queue, and retained; all wait together. What has expired is not delivered."""
    client_id = unique()
    absent = broker.connect(client_id, session_expiry=300)
    absent.subscribe(topic + "/queued", qos=1)
    absent.disconnect()
    publisher = broker.connect()
    for kind, retain in (("queued", False), ("retained", True)):
        publisher.publish(f"{topic}/{kind}", b"short", 1, retain=retain, message_expiry=1)
    publisher.publish(topic + "/other", b"long", 1, retain=True, message_expiry=100)
    publisher.publish(topic + "/queued", b"long", 1, message_expiry=100)
    publisher.publish(topic + "/queued", b"for ever", 1)
    time.sleep(2.5)

    queued = broker.connect(client_id, clean=False)
    long, for_ever = queued.messages(2)
    assert long.payload == b"long" and 80 <= long.properties["message_expiry"] <= 98
    assert for_ever.payload == b"for ever" and for_ever.properties == {}
    queued.expect_nothing()

    later = broker.connect()
    later.subscribe(topic + "/#")
    got = later.message()
    assert got.payload == b"long" and 80 <= got.properties["message_expiry"] <= 98
    later.expect_nothing()


@normative("MQTT-3.3.2-6")
def test_a_message_that_did_not_wait_keeps_its_expiry(broker, topic):
    peer = broker.connect()
    peer.subscribe(topic)
    for interval in (1000, 0xFFFFFFFF):
        peer.publish(topic, message_expiry=interval)
        assert interval - 3 <= peer.message().properties["message_expiry"] <= interval


@normative("MQTT-3.3.2-5")
def test_a_message_expires_behind_a_full_window(broker, topic):
    """The client is connected, but its Receive Maximum holds the message back."""
    publisher, peer = broker.connect(), broker.connect(receive_maximum=1)
    peer.subscribe(topic, qos=1)
    publisher.publish(topic, b"held", 1)
    publisher.publish(topic, b"short", 1, message_expiry=1)
    publisher.publish(topic, b"last", 1)
    held = peer.expect(PUBLISH)
    time.sleep(2.5)
    peer.acknowledge(held)
    assert peer.message().payload == b"last"


# --- Topic aliases --------------------------------------------------------------------------------


@normative("MQTT-3.3.2-12")
def test_every_alias_up_to_the_announced_maximum_is_accepted(broker, topic):
    """Each is set, used, set to another topic and used again."""
    peer = broker.connect()
    peer.subscribe(topic + "/#")
    aliases = range(1, peer.connack.properties["topic_alias_maximum"] + 1)
    for turn in ("first", "second"):
        for alias in aliases:
            peer.publish(f"{topic}/{turn}/{alias}", b"set", topic_alias=alias)
            got = peer.message()
            assert (got.topic, got.properties) == (f"{topic}/{turn}/{alias}", {})
        for alias in reversed(aliases):
            for qos in (0, 1, 2):
                peer.publish("", b"use", qos, topic_alias=alias)
                got = peer.take(PUBLISH)
                assert (got.topic, got.payload) == (f"{topic}/{turn}/{alias}", b"use")


@normative("MQTT-3.3.2-8")
def test_topic_alias_0_is_refused(broker):
    peer = broker.connect()
    peer.send(packets.publish("a", topic_alias=0))
    peer.expect_close(0x94)


@normative("MQTT-3.3.2-9", "MQTT-3.2.2-17")
def test_an_alias_above_the_maximum_is_refused(broker):
    peer = broker.connect()
    peer.send(packets.publish("a", topic_alias=peer.connack.properties["topic_alias_maximum"] + 1))
    peer.expect_close(0x94)


@normative("MQTT-3.3.2-7")
def test_topic_aliases_end_with_the_connection(broker, topic):
    """Even where the session goes on."""
    client_id = unique()
    peer = broker.connect(client_id, session_expiry=300)
    peer.publish(topic, topic_alias=1)
    peer.disconnect()
    peer = broker.connect(client_id, clean=False)
    peer.send(packets.publish("", topic_alias=1))
    peer.expect_close(0x82, 0x94)


@normative("MQTT-3.3.2-7")
def test_topic_aliases_belong_to_their_connection(broker, topic):
    peer, other = broker.connect(), broker.connect()
    peer.publish(topic, topic_alias=1)
    other.send(packets.publish("", topic_alias=1))
    other.expect_close(0x82, 0x94)


# --- Overlapping subscriptions --------------------------------------------------------------------


@normative("MQTT-3.3.4-2")
@pytest.mark.parametrize("version", [
    pytest.param(3),
    pytest.param(4, marks=normative("MQTT311-3.3.5-1")),
    pytest.param(5),
])
def test_overlapping_filters_deliver_once_at_the_highest_qos(broker, topic, version):
    """One copy, as this broker does it."""
    publisher, peer = broker.connect(), broker.connect(version=version)
    for filter, qos in (("/x", 0), ("/#", 2), ("/+", 1)):
        peer.subscribe(topic + filter, qos=qos)
    for published in (0, 1, 2):
        publisher.publish(topic + "/x", b"once", published)
        assert peer.message().qos == published
        peer.expect_nothing(0.1)


@normative("MQTT-3.3.4-3", "MQTT-3.3.4-4", "MQTT-3.3.4-5")
def test_a_delivery_carries_the_identifiers_of_all_its_subscriptions(broker, topic):
    """Of one copy all, of several each its own: whichever it is, none is lost or invented."""
    publisher, peer = broker.connect(), broker.connect()
    for filter, identifier in (("/x", 1), ("/#", 268435455), ("/+", 1000), ("/y", 7)):
        peer.subscribe(topic + filter, subscription_identifier=identifier)
    publisher.publish(topic + "/x")
    copies = [got for got in peer.drain() if got.type == PUBLISH]
    identifiers = [id for got in copies for id in got.properties["subscription_identifier"]]
    assert sorted(identifiers) == [1, 1000, 268435455]
    assert len(copies) == 1


@normative("MQTT-3.3.4-3")
def test_only_subscriptions_with_an_identifier_give_one(broker, topic):
    publisher, peer, other = broker.connect(), broker.connect(), broker.connect()
    peer.subscribe(topic + "/#", subscription_identifier=5)
    peer.subscribe(topic)
    other.subscribe(topic)
    publisher.publish(topic)
    assert peer.message().properties == {"subscription_identifier": [5]}
    assert other.message().properties == {}
    peer.unsubscribe(topic + "/#")
    publisher.publish(topic)
    assert peer.message().properties == {}


@normative("MQTT-3.3.4-3")
def test_retained_and_queued_messages_carry_the_identifier_too(broker, topic):
    client_id = unique()
    publisher = broker.connect()
    publisher.publish(topic, b"retained", retain=True)
    peer = broker.connect(client_id, session_expiry=300)
    peer.subscribe(topic, qos=1, subscription_identifier=9)
    assert peer.message().properties == {"subscription_identifier": [9]}
    peer.disconnect()
    publisher.publish(topic, b"queued", 1)
    got = broker.connect(client_id, clean=False).message()
    assert got.properties == {"subscription_identifier": [9]}


def test_retain_as_published_of_overlapping_filters_holds_if_any_asks(broker, topic):
    peer = broker.connect()
    peer.subscribe(topic)
    peer.subscribe(topic + "/#", retain_as_published=True)
    broker.connect().publish(topic, b"x", retain=True)
    assert peer.message().retain


def test_no_local_of_overlapping_filters_holds_if_all_ask(broker, topic):
    peer = broker.connect()
    peer.subscribe(topic + "/x", no_local=True)
    peer.subscribe(topic + "/#", no_local=True)
    peer.publish(topic + "/x", b"own")
    peer.expect_nothing()
    peer.subscribe(topic + "/+")
    peer.publish(topic + "/x", b"own")
    assert peer.message().payload == b"own"
