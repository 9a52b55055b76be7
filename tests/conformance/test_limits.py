"""What happens at the bounds, with bounds small enough to reach them."""

import time

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.figures import figure_becomes
from harness.packets import PINGRESP, PUBACK, PUBLISH, Will
from harness.peer import Closed, Silence

# limits.queue_drop, and which of so many messages a queue of ten keeps by it.
queue_drop = pytest.mark.parametrize("rule, kept", [
    case("", "oldest", "oldest", lambda numbers: numbers[-10:]),
    case("", "newest", "newest", lambda numbers: numbers[:10]),
])


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


@queue_drop
def test_the_queue_of_an_absent_client_drops_by_the_rule(start_broker, topic, rule, kept):
    """The publisher is told of success all the same, and the drops are counted; QoS 0 is not
    queued at all."""
    broker = start_broker(queue_messages=10, queue_drop=rule, interval_s=1)
    client_id = unique()
    peer = broker.connect(client_id, session_expiry=300)
    peer.subscribe(topic, qos=2)
    peer.disconnect()
    publisher = broker.connect()
    for number in range(15):
        publisher.publish(topic, b"QoS 0")
        assert publisher.publish(topic, b"%d" % number, 1 + number % 2) == 0
    peer = broker.connect(client_id, clean=False)
    assert [int(got.payload) for got in peer.messages(10)] == kept([*range(15)])
    peer.expect_nothing()
    figure_becomes(broker, "publish/messages/dropped", 5)


@queue_drop
def test_a_slow_subscriber_hinders_nobody(start_broker, topic, rule, kept):
    """Its queue overflows; the publisher and the other subscribers notice nothing."""
    broker = start_broker(queue_messages=10, queue_drop=rule)
    publisher, slow, quick = broker.connect(), broker.connect(receive_maximum=1), broker.connect()
    for subscriber in (slow, quick):
        subscriber.subscribe(topic, qos=1)
    for number in range(50):
        assert publisher.publish(topic, b"%d" % number, 1) == 0
        assert quick.message().payload == b"%d" % number
    assert [int(got.payload) for got in slow.messages(11)] == [0, *kept([*range(1, 50)])]
    slow.expect_nothing()


def test_the_bytes_of_a_client_are_bounded_but_one_message_always_fits(start_broker, topic):
    """The drop rule applies; a message above the bound waits alone."""
    broker = start_broker(client_bytes=10_000)
    client_id = unique()
    peer = broker.connect(client_id, session_expiry=300)
    peer.subscribe(topic, qos=1)
    peer.disconnect()
    publisher = broker.connect()
    for number in range(50):
        assert publisher.publish(topic, b"%04d" % number * 250, 1) == 0
    peer = broker.connect(client_id, clean=False, session_expiry=300)
    queued = peer.drain()
    for got in queued:
        peer.acknowledge(got)
    assert 5 <= len(queued) <= 10
    assert [int(got.payload[:4]) for got in queued] == [*range(50 - len(queued), 50)]
    peer.disconnect()
    assert publisher.publish(topic, b"x" * 50_000, 1) == 0
    peer = broker.connect(client_id, clean=False)
    assert peer.message().payload == b"x" * 50_000
    peer.expect_nothing()


def test_a_slow_socket_loses_qos_0_only_and_that_is_counted(start_broker, topic):
    """More than any socket holds goes to a client that does not read. QoS 1 waits for room."""
    broker = start_broker(outbox_bytes=4096, interval_s=1)
    slow, publisher = broker.connect(), broker.connect()
    slow.subscribe(topic, qos=1)
    for _ in range(300):
        publisher.publish(topic, b"x" * 100_000)
    for number in range(5):
        assert publisher.publish(topic, b"%d" % number, 1) == 0
    got = []
    while not got or got[-1].payload != b"4":
        got.append(slow.message())
    assert [packet.payload for packet in got if packet.qos] == [b"%d" % n for n in range(5)]
    dropped = 300 - (len(got) - 5)
    assert dropped > 0
    figure_becomes(broker, "publish/messages/dropped", dropped)


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


# --- Retained messages ----------------------------------------------------------------------------


@pytest.fixture
def keeper(start_broker, topic):
    """Starts a broker, and gives how to publish a retained message there and how to see what it
    keeps. Each is delivered to whoever is subscribed, whether it is kept or not."""
    def start(**options):
        broker = start_broker(interval_s=0, **options)
        publishers = {version: broker.connect(version=version) for version in (4, 5)}
        live = broker.connect()
        live.subscribe(topic + "/#")

        def publish(level, payload, qos=1, version=5):
            reason = publishers[version].publish(f"{topic}/{level}", payload, qos, retain=True)
            assert live.message().payload == payload
            return reason

        def kept():
            later = broker.connect()
            later.subscribe(topic + "/#")
            return {got.topic.removeprefix(topic + "/"): got.payload for got in later.drain()}

        return publish, kept

    return start


@pytest.mark.parametrize("qos", [1, 2])
def test_retained_messages_have_a_largest_number(keeper, qos):
    """One more is delivered and not stored: 0x97 in version 5. Replacing needs no room, removing
    makes some."""
    publish, kept = keeper(retained_messages=2)
    assert [publish(level, b"old", qos) for level in "abc"] == [0, 0, 0x97]
    assert kept() == {"a": b"old", "b": b"old"}
    assert publish("a", b"new", qos) == 0
    assert publish("c", b"not yet", qos, version=4) == 0  # which cannot say so
    publish("c", b"not yet", qos=0)
    assert kept() == {"a": b"new", "b": b"old"}
    assert publish("b", b"", qos) == 0
    assert publish("c", b"new", qos) == 0
    assert kept() == {"a": b"new", "c": b"new"}


def test_retained_messages_have_a_largest_size_in_all(keeper):
    """The old message stays where a new one does not fit."""
    publish, kept = keeper(retained_bytes=10_000)
    small, large, largest = b"s" * 2_000, b"l" * 7_000, b"x" * 9_000
    assert publish("a", large) == 0
    assert publish("b", largest) == 0x97
    assert publish("b", small) == 0
    assert publish("b", largest) == 0x97
    assert kept() == {"a": large, "b": small}
    assert publish("a", b"") == 0
    assert publish("b", largest) == 0
    assert kept() == {"b": largest}


def test_a_broker_may_keep_no_retained_messages_at_all(keeper):
    publish, kept = keeper(retained_messages=0)
    assert publish("a", b"passing") == 0x97
    assert publish("a", b"") == 0
    assert kept() == {}


# --- Sessions -------------------------------------------------------------------------------------


def test_at_the_bound_of_sessions_the_longest_absent_one_ends(start_broker, topic):
    """With all that belongs to it: its delayed will is published. Connected clients keep theirs,
    however many they are."""
    broker = start_broker(sessions=4)
    watcher, old, middle, young = broker.connect(), unique(), unique(), unique()
    watcher.subscribe(topic)
    for client_id in (old, middle, young):
        will = Will(topic, client_id.encode(), properties={"will_delay": 300})
        peer = broker.connect(client_id, session_expiry=300, will=will)
        peer.send(packets.disconnect(0x04))
        peer.expect_end()
        time.sleep(0.05)  # so that one has been absent for longer than the next
    watcher.expect_nothing()
    newcomer = broker.connect()
    assert watcher.message().payload == old.encode()
    returned = [broker.connect(id, clean=False, session_expiry=300) for id in (young, middle)]
    assert all(peer.connack.session_present for peer in returned)
    more = [broker.connect(old, clean=False, session_expiry=300), broker.connect()]
    assert not more[0].connack.session_present
    for peer in (watcher, newcomer, *returned, *more):
        peer.ping()
    watcher.expect_nothing()


def test_absent_sessions_are_kept_for_so_long_at_most(start_broker, topic):
    """Whatever the version, and whatever CONNECT or DISCONNECT ask for. Version 5 is told."""
    broker = start_broker(session_expiry_max_s=2)
    lines = [  # version, CONNECT, what CONNACK tells, DISCONNECT
        (5, {"session_expiry": 300}, 2, {}),
        (5, {"session_expiry": 0xFFFFFFFF}, 2, {}),
        (5, {"session_expiry": 1}, None, {"session_expiry": 300}),
        (5, {"session_expiry": 2}, None, {}),
        (4, {}, None, {}),
        (3, {}, None, {}),
    ]
    publisher, ids = broker.connect(), [unique() for _ in lines]
    for id, (version, asked, told, last) in zip(ids, lines):
        for visit in range(2):
            peer = broker.connect(id, version, clean=False, **asked)
            assert peer.connack.properties.get("session_expiry") == told
            assert not visit or peer.message().payload == b"kept"
            peer.subscribe(f"{topic}/{id}", qos=1)
            peer.disconnect(**last)
            assert publisher.publish(f"{topic}/{id}", b"kept" if not visit else b"lost", 1) == 0
    time.sleep(3.5)
    for id, (version, asked, *_) in zip(ids, lines):
        peer = broker.connect(id, version, clean=False, **asked)
        assert not peer.connack.session_present
        assert not peer.drain(0.1), (version, asked)


# --- Sockets and descriptors ----------------------------------------------------------------------


def test_sockets_without_connect_have_a_largest_number(start_broker):
    """The older ones are closed; the youngest may still say CONNECT."""
    broker = start_broker(handshakes=10)
    *silent, youngest = [broker.dial() for _ in range(200)]
    youngest.connect(unique())
    while len(silent) > 10:  # more than that would end in the hang guard
        silent = [peer for peer in silent if is_open(peer)]


def is_open(peer):
    try:
        return not peer.receive(0.01)
    except Silence:
        return True
    except Closed:
        return False


def test_a_socket_has_so_long_to_say_connect(start_broker):
    """Half of it does not help, nor does a byte now and then. Who has said it is left alone."""
    broker = start_broker(connect_timeout_s=1)
    connect, start = packets.connect(unique()), time.monotonic()
    silent, halfway, dribbling, served = (broker.dial() for _ in range(4))
    served.connect()
    halfway.socket.sendall(connect[:5])
    for at in range(6):
        time.sleep(0.25)
        try:
            dribbling.socket.sendall(connect[at:at + 1])
        except OSError:
            break
    for peer in (silent, halfway, dribbling):
        peer.expect_end()
    assert time.monotonic() - start >= 1
    served.ping()


@pytest.mark.tcp
def test_accepting_pauses_while_there_are_no_descriptors(start_broker):
    """The log says so. Who has come is served, and who waits comes in when others leave."""
    broker = start_broker()
    neighbour = broker.connect()
    broker.leave_descriptors(5)
    waiting = [broker.dial() for _ in range(30)]
    for peer in waiting:
        peer.send(packets.connect(unique()))
    broker.wait_for_log("accepting pauses: no descriptor or memory is left")
    neighbour.ping()
    while waiting:
        welcome = [peer for peer in waiting if peer.drain(0.02)]
        for peer in welcome:
            peer.disconnect()
        waiting = [peer for peer in waiting if peer not in welcome]
    neighbour.ping()


# --- Memory ---------------------------------------------------------------------------------------


@pytest.mark.tcp
def test_near_the_end_of_memory_the_dearest_clients_go_and_the_others_stay(start_broker, topic):
    """Absent clients' queues would take five times what there is. The publisher is slowed down and
    hears of success each time, newcomers are refused meanwhile, who costs little keeps its session,
    and afterwards there is room again."""
    memory = 48 << 20
    broker = start_broker(max=memory, interval_s=1)
    modest = unique()
    broker.connect(modest, session_expiry=300).disconnect()
    publisher = broker.connect()
    watcher = broker.connect()
    watcher.subscribe(topic + "/watched", qos=1)
    clients = [unique() for _ in range(240)]
    for client_id in clients:
        peer = broker.connect(client_id, session_expiry=300)
        peer.subscribe(f"{topic}/{client_id}", qos=1)
        peer.disconnect()
    refusals = 0
    for round_ in range(60):
        for client_id in clients:
            publisher.send(packets.publish(f"{topic}/{client_id}", b"x" * 16_000, qos=1,
                                           packet_id=publisher.next_id()))
        for _ in clients:
            publisher.expect(PUBACK)
        assert publisher.publish(topic + "/watched", b"%d" % round_, qos=1) == 0
        assert watcher.message().payload == b"%d" % round_
        peer = broker.dial()
        peer.send(packets.connect(""))
        refusals += peer.receive().reason == 0x89
        peer.abort()
    assert refusals
    assert broker.memory_bytes() < memory * 1.5
    assert "memory.max is reached" in broker.log()
    assert broker.connect(modest, clean=False).connack.session_present
    survivors = 0
    for client_id in clients:
        peer = broker.dial()
        peer.send(packets.connect(client_id, clean=False))
        connack = peer.receive()
        assert connack.reason in (0, 0x89)  # who has lost its session is new
        survivors += connack.reason == 0 and connack.session_present
        peer.send(packets.disconnect(0, session_expiry=0))
        peer.abort()
    assert 0 < survivors < len(clients)
