"""Sections 3.10 and 3.11: UNSUBSCRIBE and UNSUBACK."""

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.packets import PUBLISH, UNSUBACK


@normative("MQTT-4.13.1-1")
@pytest.mark.parametrize("packet", [
    case("MQTT-3.10.3-2", "no filter", "a2 03 0001 00"),
    case("MQTT-2.2.2-1", "no properties", "a2 02 0001"),
    case("", "no identifier", "a2 00"),
    case("", "half a filter", "a2 06 0001 00 0002 61"),
    case("", "a subscription identifier",
         packets.unsubscribe(1, "a", subscription_identifier=1)),
    case("", "a property of PUBLISH", packets.unsubscribe(1, "a", topic_alias=1)),
])
def test_a_wrong_unsubscribe_ends_the_connection(broker, packet):
    peer = broker.connect()
    peer.send(packet)
    peer.expect_close(0x81, 0x82)


@normative("MQTT-3.10.4-4", "MQTT-3.10.4-5", "MQTT-3.10.4-6", "MQTT-3.11.3-1", "MQTT-3.11.3-2")
def test_unsuback_has_a_code_for_each_filter_in_their_order(broker, topic):
    peer = broker.connect()
    peer.subscribe(topic + "/a", topic + "/c")
    peer.send(packets.unsubscribe(77, topic + "/a", topic + "/b", topic + "/c", topic + "/a"))
    got = peer.expect(UNSUBACK)
    assert (got.packet_id, got.reasons) == (77, (0, 0x11, 0, 0x11))


@normative("MQTT-3.10.4-5", "MQTT-3.10.4-4")
def test_unsubscribing_from_what_was_never_subscribed_is_answered(broker, topic):
    assert broker.connect().unsubscribe(topic) == (0x11,)


@normative("MQTT311-3.10.4-5")
@pytest.mark.parametrize("version", [3, 4])
def test_unsuback_before_version_5_always_comes_and_has_no_codes(broker, topic, version):
    peer = broker.connect(version=version)
    peer.subscribe(topic)
    for filters in ((topic,), (topic,), ("a", "b", "c")):
        peer.send(packets.unsubscribe(0x1234, *filters, version=version))
        peer.expect(bytes.fromhex("b0 02 1234"))


@normative("MQTT-3.10.4-1", "MQTT-4.7.3-4")
def test_filters_are_removed_if_equal_not_if_matching(broker, topic):
    peer = broker.connect()
    peer.subscribe(topic + "/b")
    for other in ("/+", "/#", "/B", "/b/", "/b/#", "/b\ufeff", "//b"):
        assert peer.unsubscribe(topic + other) == (0x11,)
    assert peer.unsubscribe(f"$share/g/{topic}/b") == (0x11,)
    peer.publish(topic + "/b", b"still")
    assert peer.message().payload == b"still"
    assert peer.unsubscribe(topic + "/b") == (0,)


@normative("MQTT-3.10.4-2")
@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("filter", ["/x", "/+", "/#"])
def test_after_unsuback_nothing_new_comes(broker, topic, version, filter):
    publisher, peer, other = broker.connect(), broker.connect(version=version), broker.connect()
    for subscriber in (peer, other):
        subscriber.subscribe(topic + filter, qos=1)
    publisher.publish(topic + "/x", b"before", 1)
    assert peer.message().payload == b"before"
    peer.unsubscribe(topic + filter)
    publisher.publish(topic + "/x", b"after", 1)
    peer.expect_nothing()
    assert [got.payload for got in other.messages(2)] == [b"before", b"after"]


@normative("MQTT-3.10.4-6", "MQTT-3.10.4-2")
def test_several_filters_act_like_several_unsubscribes(broker, topic):
    peer = broker.connect()
    peer.subscribe(topic + "/a", topic + "/b", topic + "/c")
    peer.unsubscribe(topic + "/a", topic + "/c")
    for name in ("a", "b", "c"):
        peer.publish(f"{topic}/{name}", name.encode())
    assert peer.message().payload == b"b"
    peer.expect_nothing()


@normative("MQTT-3.10.4-3")
@pytest.mark.parametrize("qos", [1, 2])
def test_a_delivery_that_began_is_finished(broker, topic, qos):
    """It is sent again on a resume; what was only waiting may go or stay."""
    client_id = unique()
    publisher = broker.connect()
    peer = broker.connect(client_id, session_expiry=300)
    peer.subscribe(topic, qos=2)
    publisher.publish(topic, b"begun", qos)
    begun = peer.expect(PUBLISH)
    assert peer.unsubscribe(topic) == (0,)
    peer.abort()
    peer = broker.connect(client_id, clean=False)
    got = peer.message()
    assert (got.payload, got.packet_id, got.qos, got.dup) == (b"begun", begun.packet_id, qos, True)


@normative("MQTT-3.10.4-2")
def test_a_subscription_that_was_removed_stays_removed_after_a_resume(broker, topic):
    client_id = unique()
    peer = broker.connect(client_id, session_expiry=300)
    peer.subscribe(topic + "/a", topic + "/b", qos=1)
    peer.unsubscribe(topic + "/a")
    peer.disconnect()
    publisher = broker.connect()
    for name in ("a", "b"):
        publisher.publish(f"{topic}/{name}", name.encode(), 1)
    peer = broker.connect(client_id, clean=False)
    assert peer.message().payload == b"b"
    peer.expect_nothing()
