"""Section 3.1.2.10: keep alive. No limit is tight: only a broker that is off by a lot fails."""

import time

import pytest

from harness import packets
from harness.cases import normative
from harness.packets import Will

SLACK = 15  # seconds: the end must come, on a busy machine too


def seconds_until_closed(peer, *reasons):
    start = time.monotonic()
    peer.expect_close(*reasons)
    return time.monotonic() - start


@normative("MQTT-3.1.2-22", "MQTT-3.2.2-22")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_silence_of_one_and_a_half_keep_alives_ends_the_connection(broker, topic, version):
    """As a network failure does: the will is sent. The client's own value is what counts."""
    watcher = broker.connect()
    watcher.subscribe(topic)
    peer = broker.connect(version=version, keep_alive=2, will=Will(topic))
    assert "server_keep_alive" not in peer.connack.properties
    assert 2.8 < seconds_until_closed(peer, 0x8D) < 3 + SLACK
    assert watcher.message().payload == b"will"


@normative("MQTT-3.1.2-22")
def test_any_packet_resets_the_keep_alive(broker, topic):
    """Each client sends one kind of packet, all wait together; then all fall silent."""
    packet_kinds = [
        packets.pingreq(),
        packets.publish(topic),
        packets.publish(topic, qos=1, packet_id=1),
        packets.pubrel(5),
        packets.puback(5),
        packets.subscribe(1, ("a", 0)),
        packets.unsubscribe(1, "a"),
    ]
    peers = [broker.connect(keep_alive=1) for _ in packet_kinds]
    for _ in range(6):
        time.sleep(0.6)
        for peer, packet in zip(peers, packet_kinds):
            peer.send(packet)
    for peer in peers:
        peer.ping()
    start = time.monotonic()
    for peer in peers:
        assert peer.drain(SLACK)[-1].reason == 0x8D
    assert 1.3 < time.monotonic() - start < 1.5 + SLACK


@normative("MQTT-3.1.2-22")
def test_deliveries_do_not_reset_the_keep_alive(broker, topic):
    """It is the client that must be heard."""
    publisher, peer = broker.connect(), broker.connect(keep_alive=1)
    peer.subscribe(topic)
    start, last = time.monotonic(), None
    while time.monotonic() - start < SLACK and (not last or last.type == packets.PUBLISH):
        publisher.publish(topic)
        last = peer.receive()
        time.sleep(0.1)
    assert last.type == packets.DISCONNECT and last.reason == 0x8D


@normative("MQTT-3.1.2-22")
def test_half_a_packet_does_not_reset_the_keep_alive(broker):
    peer = broker.connect(keep_alive=1)
    start = time.monotonic()
    peer.send("30 7f")
    while time.monotonic() - start < SLACK and not (got := peer.drain(0.2)):
        peer.send("00")
    assert got and got[-1].reason in (0x8D, 0x81)


def test_keep_alive_0_turns_it_off(broker):
    peer = broker.connect(keep_alive=0)
    peer.expect_nothing(3)
