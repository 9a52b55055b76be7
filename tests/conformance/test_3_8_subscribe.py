"""Sections 3.8 and 3.9: SUBSCRIBE and SUBACK."""

import itertools

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.packets import PUBACK, PUBLISH, SUBACK


@normative("MQTT-4.13.1-1")
@pytest.mark.parametrize("packet", [
    case("MQTT-3.8.3-2", "no filter", "82 03 0001 00"),
    case("MQTT-2.2.2-1", "no properties", "82 02 0001"),
    case("", "no identifier", "82 00"),
    case("", "half a filter", "82 06 0001 00 0002 61"),
    case("", "no options", "82 06 0001 00 0001 61"),
    case("", "second filter without options", "82 0a 0001 00 0001 61 00 0001 62"),
    case("MQTT-3.8.3-5", "option bit 6", packets.subscribe(1, ("a", 0x40))),
    case("MQTT-3.8.3-5", "option bit 7", packets.subscribe(1, ("a", 0x80))),
    case("MQTT-3.8.3-5", "QoS 3", packets.subscribe(1, ("a", 3))),
    case("", "retain handling 3", packets.subscribe(1, ("a", 0x30))),
    case("MQTT-3.8.3-4", "no local on a shared subscription",
         packets.subscribe(1, ("$share/g/a", packets.options(no_local=True)))),
    case("", "subscription identifier 0",
         packets.subscribe(1, ("a", 0), subscription_identifier=0)),
    case("", "subscription identifier twice",
         packets.subscribe(1, ("a", 0), subscription_identifier=[1, 2])),
    case("", "subscription identifier of five bytes", "82 0c 0001 06 0b ffffffff7f 0001 61 00"),
    case("", "a property of PUBLISH", packets.subscribe(1, ("a", 0), topic_alias=1)),
    case("", "a reason string", packets.subscribe(1, ("a", 0), reason_string="why")),
])
def test_a_wrong_subscribe_ends_the_connection(broker, packet):
    peer = broker.connect()
    peer.send(packet)
    peer.expect_close(0x81, 0x82)


@normative("MQTT311-3.8.3-4", "MQTT311-4.8.0-1")
def test_upper_bits_of_a_requested_qos_are_refused_in_3_1_1(broker):
    for options in (3, 4, 8, 0x10, 0x20, 0x40, 0x80, 0xFF):
        peer = broker.connect(version=4)
        peer.send(packets.subscribe(1, ("a", options), version=4))
        assert peer.expect_close() is None


@normative("MQTT-3.8.4-1", "MQTT-3.8.4-2", "MQTT-3.8.4-6", "MQTT-3.8.4-7", "MQTT-3.9.3-1",
           "MQTT-3.9.3-2", "MQTT311-3.8.4-5", "MQTT311-3.9.3-2")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_suback_has_a_code_for_each_filter_in_their_order(broker, topic, version):
    peer = broker.connect(version=version)
    wanted = (2, 0, 1, 1, 0, 2, 2)
    peer.send(packets.subscribe(77, *((f"{topic}/{at}", qos) for at, qos in enumerate(wanted)),
                                version=version))
    got = peer.expect(SUBACK)
    assert (got.packet_id, got.reasons) == (77, wanted)


@normative("MQTT-3.8.4-5")
def test_several_filters_act_like_several_subscribes(broker, topic):
    """Each has its own options, gets its retained message, and the same filter again replaces."""
    publisher = broker.connect()
    for name in ("a", "b", "c"):
        publisher.publish(f"{topic}/{name}", b"kept", 2, retain=True)
    peer = broker.connect()
    peer.send(packets.subscribe(
        1,
        (topic + "/a", packets.options(qos=2)),
        (topic + "/b", packets.options(retain_handling=2)),
        (topic + "/c", packets.options(qos=2)),
        (topic + "/c", packets.options(qos=1))))
    answer, *messages = peer.drain()
    assert answer.type == SUBACK and answer.reasons == (2, 0, 2, 1)
    assert {got.topic for got in messages} == {topic + "/a", topic + "/c"}
    for got in messages:
        peer.acknowledge(got)
    for name, qos in (("a", 2), ("b", 0), ("c", 1)):
        publisher.publish(f"{topic}/{name}", b"live", 2)
        assert peer.message().qos == qos


@normative("MQTT-3.8.4-3", "MQTT311-3.8.4-3")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_the_same_filter_again_replaces_the_subscription(broker, topic, version):
    """One copy, at the new QoS, and what is retained again."""
    publisher, peer = broker.connect(), broker.connect(version=version)
    publisher.publish(topic, b"kept", 2, retain=True)
    for qos in (0, 2, 1):
        assert peer.subscribe(topic, qos=qos) == (qos,)
        got = peer.message()
        assert (got.payload, got.qos, got.retain) == (b"kept", qos, True)
        publisher.publish(topic, b"live", 2)
        got = peer.message()
        assert (got.payload, got.qos) == (b"live", qos)
        peer.expect_nothing()


@normative("MQTT-3.8.4-3")
def test_replacing_changes_options_and_identifier(broker, topic):
    peer = broker.connect()
    peer.subscribe(topic, no_local=True, subscription_identifier=1)
    peer.publish(topic, b"own")
    peer.subscribe(topic, retain_as_published=True, subscription_identifier=2)
    peer.publish(topic, b"own", retain=True)
    got = peer.message()
    assert got.retain and got.properties == {"subscription_identifier": [2]}
    peer.subscribe(topic, retain_handling=2)
    peer.publish(topic, b"own", retain=True)
    got = peer.message()
    assert not got.retain and got.properties == {}


@normative("MQTT-3.8.4-4")
def test_replacing_a_subscription_loses_no_message(broker, topic):
    """Both sides go on at once; retained copies come besides, and are told apart by their flag."""
    count = 400
    publisher, peer = broker.connect(), broker.connect()
    publisher.publish(topic, b"kept", 1, retain=True)
    peer.subscribe(topic, qos=1)
    for number in range(count):
        publisher.send(packets.publish(topic, b"%d" % number, 1, number + 1))
        peer.send(packets.subscribe(number + 1, (topic, 1)))
    live, kept, answers = [], 0, 0
    while len(live) < count or kept < count + 1 or answers < count:
        got = peer.receive()
        if got.type == SUBACK:
            answers += 1
            continue
        peer.acknowledge(got)
        if got.retain:
            kept += 1
        else:
            live.append(got.payload)
    assert live == [b"%d" % number for number in range(count)]
    for _ in range(count):
        publisher.expect(PUBACK)


@normative("MQTT-3.8.4-8", "MQTT-3.8.4-7")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_delivery_has_the_lower_of_the_two_qos(broker, topic, version):
    publisher, peer = broker.connect(version=version), broker.connect(version=version)
    for granted in (0, 1, 2):
        assert peer.subscribe(f"{topic}/{granted}", qos=granted) == (granted,)
    for published, granted in itertools.product((0, 1, 2), repeat=2):
        publisher.publish(f"{topic}/{granted}", b"x", published)
        assert peer.message().qos == min(published, granted)


@normative("MQTT-3.8.3-3")
def test_no_local_keeps_a_clients_own_messages_from_it(broker, topic):
    """By client identifier: after a resume, too, and the will."""
    client_id = unique()
    other = broker.connect()
    kept = {"session_expiry": 300, "will": packets.Will(topic, b"own will", qos=1)}
    peer = broker.connect(client_id, **kept)
    peer.subscribe(topic, qos=1, no_local=True)
    for _ in range(2):
        peer.publish(topic, b"own", 1)
        other.publish(topic, b"other's", 1)
        assert peer.message().payload == b"other's"
        peer.expect_nothing()
        peer.abort()
        peer = broker.connect(client_id, clean=False, **kept)
        assert peer.connack.session_present
    peer.expect_nothing()


def test_no_local_stops_no_retained_message(broker, topic):
    """The option is about forwarding; a subscriber gets what is retained, even if its own."""
    peer = broker.connect()
    peer.publish(topic, b"own", retain=True)
    peer.subscribe(topic, no_local=True)
    assert peer.message().payload == b"own"


@normative("MQTT-3.8.4-1")
def test_what_is_published_after_suback_is_delivered(broker, topic):
    """By whatever connection, on whatever core: SUBACK means what it says."""
    publishers = [broker.connect() for _ in range(8)]
    peer = broker.connect()
    for turn in range(50):
        name = f"{topic}/{turn}"
        peer.subscribe(name if turn % 2 else name + "/#")
        publishers[turn % 8].send(packets.publish(name, b"%d" % turn))
        assert peer.message().payload == b"%d" % turn


def test_a_second_subscriber_is_served_while_the_first_is_announced(broker, topic):
    """Each of them after its own SUBACK."""
    publisher = broker.connect()
    peers = [broker.connect() for _ in range(6)]
    for turn in range(30):
        name = f"{topic}/{turn}"
        for peer in peers:
            peer.send(packets.subscribe(turn + 1, (name, 0)))
        for peer in peers:
            peer.expect(SUBACK)
        publisher.publish(name, b"%d" % turn)
        for peer in peers:
            assert peer.expect(PUBLISH).payload == b"%d" % turn
