"""Mistakes that brokers have made. Each had gone unnoticed because nobody had asked just this."""

import itertools
import time

import pytest

from harness import packets
from harness.cases import unique
from harness.crowd import close_all, connect_many
from harness.packets import PINGRESP, PUBLISH, PUBREC, UNSUBACK, Will


@pytest.mark.parametrize("version", [4, 5])
def test_packets_at_the_edges_of_the_length_encoding_leave_the_stream_in_step(
        start_broker, topic, version):
    """The next packet on the same socket is understood: sent apart, and in the same segment."""
    broker = start_broker(packet_bytes_max=4 * 1024 * 1024)
    subscriber, peer = broker.connect(version=version), broker.connect(version=version)
    subscriber.subscribe(topic)
    for edge, around in itertools.product((128, 16384, 2097152), range(-6, 3)):
        overhead = len(packets.publish(topic, b"x" * edge, version=version)) - edge
        payload = b"x" * (edge + around - overhead)
        publish = packets.publish(topic, payload, version=version)
        peer.send(publish)
        peer.ping()
        assert subscriber.expect(PUBLISH).raw == publish
        peer.send(publish, packets.pingreq())
        peer.expect(PINGRESP)
        assert subscriber.expect(PUBLISH).raw == publish


@pytest.mark.parametrize("from_version, to_version", itertools.product([4, 5], repeat=2))
def test_a_payload_is_not_shifted_where_a_packet_identifier_comes_or_goes(
        broker, topic, from_version, to_version):
    """Published with one and delivered without, or the other way round, retained and queued."""
    payload = b"\0\1payload\0\2"
    publisher = broker.connect(version=from_version)
    for granted, published in itertools.product((0, 1, 2), repeat=2):
        name = f"{topic}/{granted}{published}"
        peer = broker.connect(version=to_version)
        peer.subscribe(name, qos=granted)
        publisher.publish(name, payload, published, retain=True)
        assert peer.message().payload == payload
        later = broker.connect(version=to_version)
        later.subscribe(name, qos=granted)
        assert later.message().payload == payload


def test_a_repeated_qos_2_publish_in_one_segment_is_delivered_once(broker, topic):
    peer, subscriber = broker.connect(), broker.connect()
    subscriber.subscribe(topic, qos=2)
    peer.send(packets.publish(topic, b"once", 2, 1),
              packets.publish(topic, b"once", 2, 1, dup=True), packets.pubrel(1))
    for _ in range(2):
        peer.expect(PUBREC)
    assert subscriber.message().payload == b"once"
    subscriber.expect_nothing()


def test_unsubscribe_is_answered_in_version_5(broker, topic):
    peer = broker.connect()
    peer.send(packets.unsubscribe(1, topic))
    assert peer.expect(UNSUBACK).reasons == (0x11,)


def test_a_multi_level_wildcard_matches_the_level_above_it(broker, topic):
    peer = broker.connect()
    peer.subscribe(topic + "/a/#")
    for name in ("/a", "/a/b", "/ab", "/A"):
        peer.publish(topic + name, name.encode(), retain=True)
    assert [got.payload for got in peer.messages(2)] == [b"/a", b"/a/b"]
    peer.expect_nothing()
    later = broker.connect()
    later.subscribe(topic + "/a/#")
    assert {got.payload for got in later.messages(2)} == {b"/a", b"/a/b"}


def test_a_wildcard_does_not_match_sys(start_broker):
    """Not when it is subscribed, and not when the next figures come out."""
    broker = start_broker(interval_s=1)
    peer, watcher = broker.connect(), broker.connect()
    for filter in ("#", "+/#", "+/broker/#"):
        peer.subscribe(filter)
    watcher.subscribe("$SYS/#")
    watcher.receive()
    time.sleep(2.2)
    assert any(got.topic.startswith("$SYS/") for got in watcher.drain())
    peer.expect_nothing()


def test_odd_levels_do_not_break_a_tree(broker, topic):
    """Filters come and go in an order that leaves and refills inner nodes."""
    rests = ("", "/", "//", "///", "/+", "/+/", "//+", "/#", "//#", "/+/#", "/ /", "/a//b")
    filters = [topic + rest for rest in rests]
    peer = broker.connect(version=4)
    for order in (filters, filters[::-1], filters[::2] + filters[1::2]):
        for filter in filters:
            peer.subscribe(filter)
        for at, filter in enumerate(order):
            peer.unsubscribe(filter)
            peer.publish(topic + "//", b"x")
            left = order[at + 1:]
            hit = {topic + rest for rest in ("//", "/+/", "//+", "/#", "//#", "/+/#")} & {*left}
            if hit:
                assert peer.message().topic == topic + "//"
            else:
                peer.ping()


def test_no_will_after_disconnect_and_a_will_without(broker, topic):
    watcher = broker.connect()
    watcher.subscribe(topic)
    for version in (3, 4, 5):
        broker.connect(version=version, will=Will(topic, b"wrong")).disconnect()
        broker.connect(version=version, will=Will(topic, b"right")).abort()
        assert watcher.message().payload == b"right"
    watcher.expect_nothing()


def test_clients_are_told_that_the_broker_stops(start_broker, topic):
    """DISCONNECT 0x8B, in version 5."""
    broker = start_broker()
    peer, old = broker.connect(), broker.connect(version=4)
    broker.connect(will=Will(topic, qos=1))
    broker.tell_to_stop()
    peer.expect_close(0x8B)
    assert old.expect_close() is None
    broker.stop()


@pytest.mark.tcp  # so many handshakes at once take longer than one may
@pytest.mark.timeout(300)
def test_stop_does_not_hang_with_10000_clients(start_broker):
    """Half of them with a subscription and a will."""
    broker = start_broker()
    sockets = connect_many(broker.port, 5000)
    sockets += connect_many(broker.port, 5000,
                            lambda at: packets.subscribe(1, (f"all/{at}", 1), version=4),
                            will=Will("wills", qos=1))
    broker.stop()
    close_all(sockets)


def test_a_ping_is_answered_while_500_clients_leave_with_8000_filters(start_broker):
    broker = start_broker()
    peer = broker.connect()
    filters = [[(f"{unique()}/{at}/+" if at % 2 else f"{unique()}/{at}", 0) for at in range(16)]
               for _ in range(500)]
    sockets = connect_many(broker.port, 500,
                           lambda at: packets.subscribe(1, *filters[at], version=4))
    peer.ping()
    close_all(sockets)
    slowest = 0
    for _ in range(50):
        start = time.monotonic()
        peer.ping()
        slowest = max(slowest, time.monotonic() - start)
    assert slowest < 5  # a hang guard, no timing test
    peer.publish("anything", b"x", 1)
