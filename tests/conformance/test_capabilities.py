"""What a broker may do less of, if configured so: it announces and enforces it."""

import pytest

from harness import packets
from harness.cases import normative
from harness.packets import CONNACK, DISCONNECT, PUBLISH, SUBACK, Will


def refusal(peer, packet):
    """The reason code that answers a packet, whether the connection lives or ends."""
    peer.send(packet)
    got = peer.receive()
    if got.type in (DISCONNECT, CONNACK):
        peer.expect_end()
    return got.reasons[0] if got.type == SUBACK else got.reason


@normative("MQTT-3.2.2-9", "MQTT-3.2.2-10", "MQTT-3.2.2-11", "MQTT-3.2.2-12", "MQTT-3.8.4-7")
@pytest.mark.parametrize("maximum", [0, 1])
def test_maximum_qos(start_broker, topic, maximum):
    broker = start_broker(maximum_qos=maximum)
    peer = broker.connect()
    assert peer.connack.properties["maximum_qos"] == maximum
    for qos in (0, 1, 2):
        assert peer.subscribe(f"{topic}/{qos}", qos=qos) == (min(qos, maximum),)
    for qos in range(3):
        if qos <= maximum:
            broker.connect(will=Will(topic, qos=qos)).publish(f"{topic}/2", b"%d" % qos, qos)
            assert peer.message().qos == qos
        else:
            assert refusal(broker.connect(), packets.publish(topic, b"", qos, 1)) == 0x9B
            assert refusal(broker.dial(), packets.connect("c", will=Will(topic, qos=qos))) == 0x9B


def test_maximum_qos_below_version_5(start_broker, topic):
    broker = start_broker(maximum_qos=1)
    peer = broker.connect(version=4)
    assert peer.subscribe(topic, qos=2) == (1,)
    peer.send(packets.publish(topic, b"", 2, 1, version=4))
    peer.expect_close()
    peer = broker.dial(version=4)
    peer.send(packets.connect("c", version=4, will=Will(topic, qos=2)))
    peer.expect_close()


@normative("MQTT-3.2.2-13", "MQTT-3.2.2-14")
def test_retain_not_available(start_broker, topic):
    broker = start_broker(retain_available=False)
    peer = broker.connect()
    assert peer.connack.properties["retain_available"] == 0
    peer.subscribe(topic)
    peer.publish(topic, b"live")
    assert peer.message().payload == b"live"
    assert refusal(broker.connect(), packets.publish(topic, b"x", retain=True)) == 0x9A
    assert refusal(broker.dial(), packets.connect("c", will=Will(topic, retain=True))) == 0x9A


def test_wildcard_subscriptions_not_available(start_broker, topic):
    broker = start_broker(wildcard_subscriptions=False)
    peer = broker.connect()
    assert peer.connack.properties["wildcard_subscription_available"] == 0
    assert peer.subscribe(topic) == (0,)
    for filter in ("#", topic + "/+", f"$share/g/{topic}/#"):
        assert refusal(broker.connect(), packets.subscribe(1, (filter, 0))) == 0xA2
    assert broker.connect(version=4).subscribe(topic + "/#") == (0x80,)


def test_shared_subscriptions_not_available(start_broker, topic):
    broker = start_broker(shared_subscriptions=False)
    peer = broker.connect()
    assert peer.connack.properties["shared_subscription_available"] == 0
    assert peer.subscribe(topic) == (0,)
    assert refusal(broker.connect(), packets.subscribe(1, (f"$share/g/{topic}", 0))) == 0x9E


def test_subscription_identifiers_not_available(start_broker, topic):
    broker = start_broker(subscription_identifiers=False)
    peer = broker.connect()
    assert peer.connack.properties["subscription_identifier_available"] == 0
    assert peer.subscribe(topic) == (0,)
    packet = packets.subscribe(1, (topic, 0), subscription_identifier=1)
    assert refusal(broker.connect(), packet) == 0xA1


@normative("MQTT-3.2.2-17", "MQTT-3.2.2-18", "MQTT-3.3.2-12")
@pytest.mark.parametrize("maximum", [0, 3])
def test_topic_aliases(start_broker, topic, maximum):
    broker = start_broker(topic_aliases=maximum)
    peer = broker.connect()
    assert peer.connack.properties.get("topic_alias_maximum", 0) == maximum
    for alias in range(1, maximum + 1):
        peer.publish(topic, topic_alias=alias)
        peer.publish("", topic_alias=alias)
    assert refusal(peer, packets.publish(topic, topic_alias=maximum + 1)) == 0x94


@normative("MQTT-3.2.2-21", "MQTT-3.1.2-21")
def test_server_keep_alive(start_broker):
    """It replaces what the client asked for, and is what counts."""
    broker = start_broker(server_keep_alive_s=1)
    peers = [broker.connect(keep_alive=asked) for asked in (0, 60)]
    for peer in peers:
        assert peer.connack.properties["server_keep_alive"] == 1
    for peer in peers:
        peer.expect_close(0x8D)


@normative("MQTT-3.2.2-22")
def test_keep_alive_maximum(start_broker):
    broker = start_broker(keep_alive_max_s=100)
    for asked, told in ((0, 100), (101, 100), (65535, 100), (100, None), (1, None)):
        assert broker.connect(keep_alive=asked).connack.properties.get("server_keep_alive") == told


def test_all_together_are_announced(start_broker):
    broker = start_broker(maximum_qos=0, retain_available=False, wildcard_subscriptions=False,
                          shared_subscriptions=False, subscription_identifiers=False,
                          packet_bytes_max=5000, inflight_in=7, topic_aliases=4)
    properties = broker.connect().connack.properties
    expected = {"maximum_qos": 0, "retain_available": 0, "wildcard_subscription_available": 0,
                "shared_subscription_available": 0, "subscription_identifier_available": 0,
                "maximum_packet_size": 5000, "receive_maximum": 7, "topic_alias_maximum": 4}
    assert properties == expected


def test_older_versions_work_where_they_are_within_the_capabilities(start_broker, topic):
    broker = start_broker(maximum_qos=1, retain_available=False)
    for version in (3, 4):
        peer = broker.connect(version=version)
        peer.subscribe(f"{topic}/{version}", qos=1)
        peer.publish(f"{topic}/{version}", b"x", 1)
        assert peer.take(PUBLISH).qos == 1
