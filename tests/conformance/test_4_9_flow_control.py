"""Section 4.9: Receive Maximum both ways."""

import pytest

from harness import packets
from harness.cases import normative
from harness.packets import PINGRESP, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK


@normative("MQTT-3.3.4-9", "MQTT-4.9.0-1", "MQTT-4.9.0-2")
@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("maximum", [1, 3])
def test_no_more_is_in_flight_than_the_client_receives(broker, topic, qos, maximum):
    """The rules count on every connection; here the window stands still, then moves by one."""
    publisher, peer = broker.connect(), broker.connect(receive_maximum=maximum)
    peer.subscribe(topic, qos=qos)
    for number in range(maximum + 4):
        publisher.publish(topic, b"%d" % number, qos)
    held = [peer.expect(PUBLISH) for _ in range(maximum)]
    peer.expect_nothing()
    for number in range(4):
        peer.acknowledge(held.pop(0))
        held.append(peer.expect(PUBLISH))
        assert held[-1].payload == b"%d" % (maximum + number)
        peer.expect_nothing(0.05)


@normative("MQTT-3.3.4-9", "MQTT-4.9.0-2")
def test_pubrec_frees_a_place_only_if_it_refuses(broker, topic):
    publisher, peer = broker.connect(), broker.connect(receive_maximum=1)
    peer.subscribe(topic, qos=2)
    for payload in (b"a", b"b", b"c"):
        publisher.publish(topic, payload, 2)
    first = peer.expect(PUBLISH)
    peer.send(packets.pubrec(first.packet_id))
    peer.expect(PUBREL)
    peer.expect_nothing()
    peer.send(packets.pubcomp(first.packet_id))
    second = peer.expect(PUBLISH)
    peer.send(packets.pubrec(second.packet_id, 0x80))
    third = peer.expect(PUBLISH)
    assert third.payload == b"c"
    peer.acknowledge(third)


@normative("MQTT-3.3.4-10", "MQTT-4.9.0-3")
def test_at_quota_0_all_but_qos_1_and_2_goes_on(broker, topic):
    """Both ways: the client is answered, hears QoS 0, and may itself publish."""
    publisher, peer = broker.connect(), broker.connect(receive_maximum=1)
    peer.subscribe(topic, qos=2)
    for payload in (b"held", b"waiting"):
        publisher.publish(topic, payload, 2)
    held = peer.expect(PUBLISH)
    peer.send(packets.pingreq())
    peer.expect(PINGRESP)
    peer.send(packets.subscribe(9, (topic + "/zero", 0)))
    peer.expect(SUBACK)
    publisher.publish(topic + "/zero", b"passes")
    assert peer.expect(PUBLISH).payload == b"passes"
    peer.publish(topic + "/other", b"x", 1)
    peer.publish(topic + "/other", b"x", 2)
    peer.unsubscribe(topic + "/zero")
    peer.acknowledge(held)
    assert peer.message().payload == b"waiting"


@normative("MQTT-3.3.4-7")
def test_more_in_flight_than_the_broker_receives_ends_the_connection(broker, topic):
    """As many as it announced are taken."""
    peer = broker.connect()
    maximum = peer.connack.properties.get("receive_maximum", 65535)
    peer.send(*(packets.publish(topic, b"x", 2, id) for id in range(1, maximum + 1)))
    for _ in range(maximum):
        peer.expect(PUBREC)
    peer.send(packets.publish(topic, b"x", 2, maximum + 1))
    peer.expect_close(0x93)


@normative("MQTT-3.3.4-7", "MQTT-3.3.4-8")
def test_repeats_and_finished_messages_do_not_count_for_the_brokers_maximum(broker, topic):
    peer = broker.connect()
    maximum = peer.connack.properties.get("receive_maximum", 65535)
    everything = [packets.publish(topic, b"x", 2, id) for id in range(1, maximum + 1)]
    peer.send(*everything)
    peer.send(packets.publish(topic, b"x", 2, 1, dup=True))
    for _ in range(maximum + 1):
        peer.expect(PUBREC)
    peer.send(*(packets.pubrel(id) for id in range(1, maximum + 1)))
    for _ in range(maximum):
        peer.expect(PUBCOMP)
    peer.send(*everything)
    for _ in range(maximum):
        peer.expect(PUBREC)
    peer.publish(topic, b"QoS 0 needs no place")
    peer.ping()
