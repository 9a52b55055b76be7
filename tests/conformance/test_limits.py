"""What happens at the bounds, with bounds small enough to reach them."""

from harness import packets
from harness.cases import normative, unique
from harness.packets import PINGRESP, PUBLISH


def test_connections_are_counted_exactly(start_broker):
    """N are served, N+1 to N+3 refused, whatever their version; who leaves makes room for one."""
    broker = start_broker(connections=3)
    peers = [broker.connect() for _ in range(3)]
    for _ in range(3):
        for version, answer in ((5, 0x89), (4, 3)):
            peer = broker.dial(version)
            peer.send(packets.connect(unique(), version))
            assert peer.expect_close().reason == answer
    peers.pop().disconnect()
    peers.append(broker.connect())
    peer = broker.dial()
    peer.send(packets.connect(unique()))
    peer.expect_close(0x89)
    for peer in peers:
        peer.ping()


def test_refused_and_departed_connections_leave_no_trace_in_the_count(start_broker):
    """A hundred come, are refused, break off or leave: then there is room for all again."""
    broker = start_broker(connections=3)
    for turn in range(100):
        refused, lost = broker.dial(), broker.connect()
        refused.send("00 00") if turn % 2 else refused.send(packets.connect("i" * 65535))
        refused.expect_close()
        lost.abort()
        broker.connect().disconnect()
    for _ in range(3):
        broker.connect()
    peer = broker.dial()
    peer.send(packets.connect(unique()))
    peer.expect_close(0x89)


def test_at_the_bound_of_connections_a_takeover_keeps_the_count(start_broker):
    """Whoever wins, one connection of that client remains, and the bound holds."""
    broker = start_broker(connections=2)
    client_id = unique()
    pair = [broker.connect(client_id), broker.dial()]
    broker.connect()
    pair[1].send(packets.connect(client_id))
    pair[1].receive()
    for peer in pair:
        peer.send(packets.pingreq())
    answered = [PINGRESP in {got.type for got in peer.drain()} for peer in pair]
    assert answered.count(True) == 1
    peer = broker.dial()
    peer.send(packets.connect(unique()))
    peer.expect_close(0x89)


def test_subscriptions_of_a_client(start_broker, topic):
    """What is within the bound stands; replacing needs no room, removing makes some."""
    broker = start_broker(subscriptions_per_client=3)
    peer = broker.connect()
    filters = [f"{topic}/{number}" for number in range(5)]
    assert peer.subscribe(*filters) == (0, 0, 0, 0x97, 0x97)
    assert peer.subscribe(filters[0], qos=1) == (1,)
    assert peer.subscribe(filters[4]) == (0x97,)
    assert peer.unsubscribe(filters[0]) == (0,)
    assert peer.subscribe(filters[4]) == (0,)
    for filter in filters:
        peer.publish(filter, filter.encode())
    assert [got.topic for got in peer.messages(3)] == [filters[1], filters[2], filters[4]]
    assert broker.connect(version=4).subscribe(*filters) == (0, 0, 0, 0x80, 0x80)


@normative("MQTT-3.8.4-7", "MQTT-3.9.3-1", "MQTT311-3.9.3-2")
def test_granted_and_refused_filters_keep_their_order(start_broker, topic):
    broker = start_broker(subscriptions_per_client=2)
    for version, refused in ((5, 0x97), (4, 0x80)):
        peer = broker.connect(version=version)
        peer.subscribe(topic, qos=1)
        filters = [topic + "/a", topic, topic + "/b", topic]
        assert peer.subscribe(*filters, qos=2) == (2, 2, refused, 2)


def test_the_queue_of_an_absent_client_drops_the_oldest(start_broker, topic):
    """The publisher is told of success all the same; QoS 0 is not queued at all."""
    broker = start_broker(queue_messages=10)
    client_id = unique()
    peer = broker.connect(client_id, session_expiry=300)
    peer.subscribe(topic, qos=2)
    peer.disconnect()
    publisher = broker.connect()
    for number in range(15):
        assert publisher.publish(topic, b"%d" % number, 1) == 0
        publisher.publish(topic, b"QoS 0")
    peer = broker.connect(client_id, clean=False)
    assert [got.payload for got in peer.messages(10)] == [b"%d" % n for n in range(5, 15)]
    peer.expect_nothing()


def test_a_slow_subscriber_hinders_nobody(start_broker, topic):
    """Its queue overflows; the publisher and the other subscribers notice nothing."""
    broker = start_broker(queue_messages=10)
    publisher, slow, quick = broker.connect(), broker.connect(receive_maximum=1), broker.connect()
    for subscriber in (slow, quick):
        subscriber.subscribe(topic, qos=1)
    for number in range(50):
        assert publisher.publish(topic, b"%d" % number, 1) == 0
        assert quick.message().payload == b"%d" % number
    got = slow.messages(11)
    assert [packet.payload for packet in got] == [b"0", *(b"%d" % n for n in range(40, 50))]
    slow.expect_nothing()


@normative("MQTT-3.2.2-15")
def test_packets_have_a_largest_size(start_broker, topic):
    """Announced to version 5; whole packets count; one byte more ends the connection."""
    broker = start_broker(packet_bytes_max=1000)
    for version in (5, 4):
        subscriber, peer = broker.connect(version=version), broker.connect(version=version)
        assert version == 4 or peer.connack.properties["maximum_packet_size"] == 1000
        subscriber.subscribe(topic)
        overhead = len(packets.publish(topic, b"x" * 500, version=version)) - 500
        peer.publish(topic, b"x" * (1000 - overhead))
        assert len(subscriber.message().payload) == 1000 - overhead
        peer.send(packets.publish(topic, b"x" * (1001 - overhead), version=version))
        peer.expect_close(0x95)


@normative("MQTT-3.3.4-7")
def test_messages_in_flight_from_a_client(start_broker, topic):
    broker = start_broker(inflight_in=5)
    for version in (5, 4):
        peer = broker.connect(version=version)
        assert version == 4 or peer.connack.properties["receive_maximum"] == 5
        for packet_id in range(1, 6):
            peer.send(packets.publish(topic, b"x", 2, packet_id, version=version))
            peer.receive()
        if version == 5:
            peer.send(packets.publish(topic, b"x", 2, 6))
            peer.expect_close(0x93)


def test_messages_in_flight_to_a_client(start_broker, topic):
    """The lower of the broker's own bound and the client's counts."""
    broker = start_broker(inflight_out=3)
    publisher = broker.connect()
    for receive_maximum, window in ((2, 2), (100, 3)):
        peer = broker.connect(receive_maximum=receive_maximum)
        peer.subscribe(topic, qos=1)
        for _ in range(5):
            publisher.publish(topic, b"x", 1)
        held = [peer.expect(PUBLISH) for _ in range(window)]
        peer.expect_nothing()
        for got in held:
            peer.acknowledge(got)
        peer.messages(5 - window)


def test_topic_levels(start_broker, topic):
    broker = start_broker(topic_levels=4)
    peer = broker.connect()
    assert peer.subscribe(topic + "/b/c/d") == (0,)
    assert peer.subscribe(topic + "/b/c/d/e") == (0x8F,)
    peer.publish(topic + "/b/c/d", b"x")
    assert peer.message().payload == b"x"
    peer.send(packets.publish(topic + "/b/c/d/e", b"x", 1, 9))
    assert peer.receive().reason == 0x90


def test_client_identifiers_have_a_longest_size(start_broker):
    broker = start_broker(client_id_bytes=30)
    broker.connect("c" * 30)
    for version in (5, 4):
        peer = broker.dial(version)
        peer.send(packets.connect("c" * 31, version))
        assert peer.expect_close().reason == (0x85 if version == 5 else 2)
