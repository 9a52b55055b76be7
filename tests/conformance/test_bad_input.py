"""Input that no honest client sends: the connection that sent it ends, and nothing else does."""

import contextlib
import os
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.crowd import (close_all, connect_many, dial_many, raise_descriptor_limit,
                           receive_exactly)
from harness.figures import figure_becomes
from harness.packets import PINGRESP, PUBLISH, Will


@pytest.fixture
def neighbour(broker):
    """A client that must notice nothing."""
    peer = broker.connect()
    yield peer
    peer.ping()


# The reason that the specification names for each.
@normative("MQTT-4.13.1-1", "MQTT-4.13.2-1", "MQTT-3.14.4-2")
@pytest.mark.parametrize("reason, packet", [
    case("", "type 0", 0x81, "00 00"),
    case("", "five bytes of length", 0x81, "30 80 80 80 80 01"),
    case("MQTT-2.1.3-1", "wrong flags", 0x81, "c1 00"),
    case("MQTT-3.3.1-4", "QoS 3", 0x81, "36 06 0001 61 0001 00"),
    case("MQTT-3.3.1-2", "DUP at QoS 0", 0x81, "38 04 0001 61 00"),
    case("", "PUBLISH, empty", 0x81, "30 00"),
    case("", "topic beyond the packet", 0x81, "30 04 0005 6161"),
    case("", "QoS 1 without an identifier", 0x81, "32 04 0001 61 00"),
    case("", "properties beyond the packet", 0x81, "30 04 0001 61 01"),
    case("", "property cut", 0x81, "30 06 0001 61 02 02 00"),
    case("", "property unknown", 0x81, "30 06 0001 61 02 04 01"),
    case("", "property of CONNECT in PUBLISH", 0x81, "30 09 0001 61 05 11 00000001"),
    case("MQTT-1.5.4-1", "topic no UTF-8", 0x81, "30 05 0002 c080 00"),
    case("MQTT-1.5.4-2", "topic with U+0000", 0x81, "30 04 0001 00 00"),
    case("MQTT-3.8.3-5", "reserved subscription option", 0x81, "82 07 0001 00 0001 61 40"),
    case("", "PUBACK, empty", 0x81, "40 00"),
    case("", "PINGREQ with a body", 0x81, "c0 01 00"),
    case("", "CONNACK from a client", 0x82, "20 03 00 00 00"),
    case("", "SUBACK from a client", 0x82, "90 04 0001 00 00"),
    case("", "UNSUBACK from a client", 0x82, "b0 04 0001 00 00"),
    case("", "PINGRESP from a client", 0x82, "d0 00"),
    case("MQTT-3.1.0-2", "a second CONNECT", 0x82, packets.connect("c")),
    case("MQTT-4.12.0-6", "AUTH without a method", 0x82, "f0 00"),
    case("MQTT-3.8.3-2", "SUBSCRIBE without a filter", 0x82, "82 03 0001 00"),
    case("MQTT-3.10.3-2", "UNSUBSCRIBE without a filter", 0x82, "a2 03 0001 00"),
    case("MQTT-3.8.3-4", "no local and shared", 0x82,
         packets.subscribe(1, ("$share/g/a", packets.options(no_local=True)))),
    case("", "retain handling 3", 0x82, packets.subscribe(1, ("a", 0x30))),
    case("", "subscription identifier 0", 0x82,
         packets.subscribe(1, ("a", 0), subscription_identifier=0)),
    case("MQTT-3.3.4-6", "subscription identifier in PUBLISH", 0x82,
         packets.publish("a", subscription_identifier=1)),
    case("", "property twice", 0x82, packets.publish("a", payload_format=[1, 1])),
    case("", "no topic and no alias", 0x82, packets.publish("")),
    case("", "expiry raised from 0", 0x82, packets.disconnect(session_expiry=1)),
    case("MQTT-4.7.1-1", "filter a/#/b", 0x8F, packets.subscribe(1, ("a/#/b", 0))),
    case("MQTT-4.7.3-1", "filter empty", 0x8F, packets.subscribe(1, ("", 0))),
    case("MQTT-3.3.2-2", "wildcard in a topic", 0x90, packets.publish("a/+")),
    case("MQTT-3.3.2-14", "wildcard in a response topic", 0x90,
         packets.publish("a", response_topic="a/+")),
    case("MQTT-3.3.2-8", "alias 0", 0x94, packets.publish("a", topic_alias=0)),
    case("MQTT-3.3.2-9", "alias above the maximum", 0x94, packets.publish("a", topic_alias=65535)),
    case("", "packet too large", 0x95, "30 ff ff ff 7f"),
])
def test_a_wrong_packet_ends_its_connection_with_the_reason(broker, neighbour, reason, packet):
    peer = broker.connect()
    peer.send(packet)
    peer.expect_close(reason)


@normative("MQTT-3.1.4-1", "MQTT-3.14.0-1")
@pytest.mark.parametrize("reasons, packet", [
    case("", "cut", (0x81, None), "10 05 0004 4d5154"),
    case("MQTT-3.1.2-3", "reserved flag", (0x81,), "10 0e 0004 4d515454 05 03 0000 00 0001 63"),
    case("", "bytes after the end", (0x81,), "10 0f 0004 4d515454 05 02 0000 00 0001 63 00"),
    case("MQTT-1.5.4-2", "user name with U+0000", (0x81,), packets.connect("c", user_name=b"\0")),
    case("", "property twice", (0x82,), packets.connect("c", session_expiry=[1, 1])),
    case("", "receive maximum 0", (0x82,), packets.connect("c", receive_maximum=0)),
    case("", "maximum packet size 0", (0x82,), packets.connect("c", maximum_packet_size=0)),
    case("", "request problem information 2", (0x82,),
         packets.connect("c", request_problem_information=2)),
    case("", "authentication data alone", (0x82,), packets.connect("c", authentication_data=b"x")),
    case("MQTT-3.1.2-2", "level 6", (0x84,), "10 0e 0004 4d515454 06 02 0000 00 0001 63"),
    case("MQTT-4.12.0-1", "authentication method", (0x8C,),
         packets.connect("c", authentication_method="no such")),
    case("MQTT-4.7.0-1", "wildcard in the will topic", (0x90,),
         packets.connect("c", will=Will("#"))),
    case("", "too large", (0x95, None), "10 ff ff ff 7f"),
])
def test_a_wrong_connect_is_refused_with_the_reason(broker, neighbour, reasons, packet):
    """Or without a word, where there is no knowing yet what the peer speaks."""
    peer = broker.dial()
    peer.send(packet)
    last = peer.expect_close()
    assert (last.reason if last else None) in reasons


# --- Noise ----------------------------------------------------------------------------------------


def soundness(peer):
    """Reads what comes; the rules judge it. The connection may live or end."""
    peer.drain(0.01)


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_harm_only_their_connection(broker, neighbour, seed):
    chance = random.Random(seed)
    for _ in range(100):
        noise = chance.randbytes(chance.randint(1, 300))
        fresh, connected = broker.dial(), broker.connect()
        for peer in (fresh, connected):
            peer.send(noise)
        soundness(connected)
        fresh.abort()
        connected.abort()


@pytest.mark.parametrize("seed", range(4))
def test_damaged_packets_harm_only_their_connection(broker, neighbour, topic, seed):
    """Sound streams with a few bytes changed, lost or doubled reach deeper than noise."""
    chance = random.Random(seed)
    sound = [
        packets.publish(topic, b"payload", 1, 1, user_property=[("k", "v")], message_expiry=9),
        packets.publish(topic, b"payload", 2, 2, content_type="t", correlation_data=b"c"),
        packets.pubrel(2, 0, reason_string="why"),
        packets.subscribe(3, (topic + "/#", 2), ("$share/g/" + topic, 1),
                          subscription_identifier=300),
        packets.unsubscribe(4, topic + "/#", "$share/g/" + topic),
        packets.publish("", b"payload", topic_alias=1), packets.puback(1, 0), packets.pingreq(),
        packets.disconnect(0x04, session_expiry=1)]
    for _ in range(150):
        stream = bytearray(b"".join(chance.sample(sound, 5)))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(stream))
            change = chance.choice((b"", chance.randbytes(1), bytes(stream[at:at + 1]) * 2))
            stream[at:at + 1] = change
        peer = broker.connect(will=Will(topic))
        peer.socket.sendall(stream)
        soundness(peer)
        peer.abort()


def test_packets_dribbled_byte_by_byte_by_many_at_once_arrive(broker, neighbour, topic):
    neighbour.subscribe(topic)
    streams = [packets.connect("") + packets.publish(topic, b"%d" % at * 20, 1, 9)
               for at in range(40)]
    peers = [broker.dial() for _ in streams]
    for at in range(max(map(len, streams))):
        for peer, stream in zip(peers, streams):
            peer.socket.sendall(stream[at:at + 1])
    for peer, stream in zip(peers, streams):
        peer.rules.sent(stream)
        assert [peer.receive().type for _ in range(2)] == [packets.CONNACK, packets.PUBACK]
    assert {got.payload for got in neighbour.messages(40)} == {b"%d" % at * 20 for at in range(40)}


def test_giant_lengths_cost_nothing(start_broker):
    """What is too large is refused at its header; what is announced is not yet allocated."""
    broker = start_broker()
    before = broker.memory_bytes()
    for _ in range(300):
        peer = broker.connect()
        peer.send("30 ff ff ff 7f", b"x" * 100)
        peer.expect_close(0x95)
    waiting = [broker.connect() for _ in range(300)]
    for peer in waiting:
        peer.send(packets.u8(0x30), packets.varint(1000000), packets.string("topic"), b"x" * 100)
    for peer in waiting:
        assert not peer.drain(0.001)
    assert broker.memory_bytes() - before < 100 * 1024 * 1024
    broker.connect().ping()


def steady_flow(broker, topic, seconds, clients=100):
    """Clients that each publish to the next for a while. Nothing is lost, nobody is cut off.

    Returns how many seconds 99 of 100 round trips of QoS 1 took at most.
    """
    peers = [broker.connect(keep_alive=60) for _ in range(clients)]
    for at, peer in enumerate(peers):
        peer.subscribe(f"{topic}/{at}", qos=1)
    end, turn, trips = time.monotonic() + seconds, 0, []
    while time.monotonic() < end:
        for at, peer in enumerate(peers):
            start = time.monotonic()
            peer.publish(f"{topic}/{(at + 1) % clients}", b"%d" % turn, 1)
            trips.append(time.monotonic() - start)
        for peer in peers:
            got = peer.take(PUBLISH)
            assert got.payload == b"%d" % turn
            peer.acknowledge(got)
        turn += 1
    for peer in peers:
        peer.disconnect()
    return sorted(trips)[len(trips) * 99 // 100]


def test_sockets_that_never_say_connect_hinder_nobody(start_broker, topic):
    """More than may wait: the oldest go; clients come and are served all the while."""
    broker = start_broker()
    silent = dial_many(broker.port, 3000)
    steady_flow(broker, topic, seconds=1)
    broker.connect().ping()
    close_all(silent)
    broker.connect().ping()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_19000_sockets_that_never_say_connect_hinder_nobody(start_broker, topic):
    broker = start_broker()
    peer = broker.connect()
    silent = dial_many(broker.port, min(19000, raise_descriptor_limit() - 500))
    steady_flow(broker, topic, seconds=10)
    peer.ping()
    assert broker.memory_bytes() < 512 * 1024 * 1024
    close_all(silent)


def test_a_client_that_reads_nothing_is_bounded(start_broker, topic):
    """It asks for more than any socket holds: what it does not take is dropped, not hoarded."""
    broker = start_broker()
    deaf, publisher, hearing = broker.connect(), broker.connect(), broker.connect()
    for peer in (deaf, hearing):
        peer.subscribe(topic)
    before = broker.memory_bytes()
    payload = b"x" * 100000
    for _ in range(300):
        publisher.publish(topic, payload)
        assert hearing.message().payload == payload
    assert broker.memory_bytes() - before < 20 * 1024 * 1024
    publisher.ping()


def test_a_client_that_only_asks_is_bounded(start_broker):
    """Pings by the million, none of the answers read."""
    broker = start_broker()
    asking, other = broker.connect(), broker.connect()
    before = broker.memory_bytes()
    asking.socket.settimeout(1)
    try:
        for _ in range(600):
            asking.socket.sendall(packets.pingreq() * 32768)
    except OSError:
        pass  # it is held back, or cut off
    assert broker.memory_bytes() - before < 16 * 1024 * 1024
    other.ping()
    other.send(packets.pingreq())
    other.expect(PINGRESP)


# --- Hostile clients ------------------------------------------------------------------------------


def dribble(port):
    """CONNECT, and then a PUBLISH that never ends, byte by byte."""
    stream = packets.connect(unique(), version=4) + packets.u8(0x30) + packets.varint(900_000)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for at in range(len(stream)):
            connection.sendall(stream[at:at + 1])
            yield
        while True:
            connection.sendall(b"\0")
            yield


def announce_giants(port):
    """Packets said to be larger than any may be, and CONNECTs that are."""
    while True:
        for giant in (packets.connect(unique(), version=4) + bytes.fromhex("30 ff ff ff 7f"),
                      bytes.fromhex("10 ff ff ff 7f"), packets.connect("c" * 65_535)):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(giant)
                yield


def make_noise(port):
    chance = random.Random(0)
    while True:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(chance.randbytes(300))
            yield


def flood(port):
    """Messages as fast as they are taken."""
    yield from push(port, packets.publish(unique(), b"x" * 100, version=4) * 500)


def ask(port):
    """Messages, pings and subscriptions, with no answer ever read."""
    name = unique()
    yield from push(port, b"".join(
        packets.publish(name, b"x" * 100, 1, 1 + at, version=4) + packets.pingreq()
        + packets.subscribe(1, (f"{name}/{at}/+", 1), version=4) for at in range(300)))


def push(port, stream):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(packets.connect(unique(), version=4))
        yield
        connection.setblocking(False)
        rest = b""
        while True:
            rest = rest or stream
            with contextlib.suppress(BlockingIOError):
                rest = rest[connection.send(rest):]
            yield


def pester(attack, port, is_over):
    """Keeps ten of a kind going, two hundred steps a second; who is cut off comes again. Returns how
    many steps they made."""
    going, steps = [], 0
    while not is_over.is_set():
        going += [attack(port) for _ in range(10 - len(going))]
        for one in [*going]:
            try:
                next(one)
                steps += 1
            except OSError:
                going.remove(one)
        time.sleep(0.05)  # for the honest clients, who share the interpreter
    for one in going:
        one.close()
    return steps


@contextlib.contextmanager
def under_attack(port, *attacks):
    is_over = threading.Event()
    with ThreadPoolExecutor(len(attacks)) as pool:
        pests = [pool.submit(pester, attack, port, is_over) for attack in attacks]
        try:
            yield
        finally:
            is_over.set()
    assert all(pest.result() > 100 for pest in pests)


@pytest.mark.timeout(600)  # a hang guard: sanitizers slow everything down
@pytest.mark.parametrize("attacks", [
    case("", "dribbling", [dribble]),
    case("", "giant lengths", [announce_giants]),
    case("", "noise", [make_noise]),
    case("", "floods", [flood]),
    case("", "answers not read", [ask]),
    case("", "all at once", [dribble, announce_giants, make_noise, flood, ask]),
])
def test_a_steady_flow_loses_nothing_while_others_misbehave(start_broker, topic, attacks):
    """How much slower it is than in quiet is printed, and no more than that."""
    broker = start_broker()
    quiet = steady_flow(broker, topic, seconds=1)
    with under_attack(broker.port, *attacks):
        hectic = steady_flow(broker, topic, seconds=2)
    print(f"p99 of a round trip: {quiet * 1000:.2f} ms, under attack {hectic * 1000:.2f} ms")
    broker.connect().ping()


# --- The budgets of a turn ------------------------------------------------------------------------


CONNECT_TIMEOUT_S = 3
PONG = bytes((PINGRESP << 4, 0))


@contextlib.contextmanager
def frozen(broker):
    """The broker stands still. What came meanwhile, it finds all at once."""
    broker.process.send_signal(signal.SIGSTOP)
    os.waitpid(broker.process.pid, os.WUNTRACED)  # until it does
    yield
    broker.process.send_signal(signal.SIGCONT)


def flood_of_packets(broker):
    """6,000 packets, of 4,000 a turn."""
    return flood_of(broker, 30, packets.pingreq() * 200, answer=PONG * 200)


def flood_of_bytes(broker):
    """540 KB, of 256 KB a turn."""
    return flood_of(broker, 9, packets.publish("t", bytes(59_980), version=4) + packets.pingreq(),
                    answer=PONG)


def flood_of_reports(broker):
    """1,200 sockets to read, of 512 a turn."""
    return flood_of(broker, 1200, packets.pingreq(), answer=PONG)


def flood_of(broker, count, data, answer):
    clients = connect_many(broker.port, count)
    with frozen(broker):
        for client in clients:
            client.sendall(data)
    for client in clients:
        assert receive_exactly(client, len(answer)) == answer
    return clients


def flood_of_arrivals(broker):
    """600 connections, of 256 a turn."""
    with frozen(broker):
        return dial_many(broker.port, 600)


def flood_of_timers(broker):
    """2,500 connections whose time to say CONNECT is over, of 1,000 timers a turn."""
    with frozen(broker):
        silent = dial_many(broker.port, 2500)
    broker.connect().ping()  # it stood behind them
    with frozen(broker):
        time.sleep(CONNECT_TIMEOUT_S + 0.2)
    for one in silent:
        assert not one.recv(1)
    return silent


def flood_of_receivers(broker):
    """Four messages at once for 4,500 clients each, of 16,384 receivers a turn."""
    suback = packets.subscribe(1, ("t", 0), version=4)
    clients = connect_many(broker.port, 4500, lambda _: suback)
    message = packets.publish("t", b"x", version=4)
    publisher = broker.connect()
    with frozen(broker):
        publisher.socket.sendall(packets.publish("t", b"x") * 4)
    for client in clients:
        assert receive_exactly(client, 5 + 4 * len(message))[5:] == 4 * message
    return clients


def flood_of_replays(broker):
    """25,000 retained topics of which none matches, of 10,000 looked at in a turn."""
    publisher, subscriber = broker.connect(), broker.connect()
    publisher.socket.sendall(b"".join(packets.publish(f"{at}/x", b"x", retain=True)
                                      for at in range(25_000)))
    publisher.ping()
    subscriber.subscribe("+/y")
    subscriber.expect_nothing()
    return []


BUDGETS = {
    "reads": [(flood_of_packets, 1), (flood_of_bytes, 1)],
    "reports": [(flood_of_reports, 2)],
    "accepts": [(flood_of_arrivals, 2)],
    "timers": [(flood_of_timers, 2)],
    "replays": [(flood_of_replays, 2)],
    "fan_outs": [(flood_of_receivers, 1)],
}


@pytest.mark.tcp
@pytest.mark.timeout(600)  # a hang guard: sanitizers slow everything down
@pytest.mark.parametrize("budget, flood, turns", [
    case("", flood.__name__.replace("_", " "), budget, flood, turns)
    for budget, floods in BUDGETS.items() for flood, turns in floods])
def test_a_flood_is_cut_into_turns_and_each_is_counted(start_broker, budget, flood, turns):
    """So many turns exactly that spend their budget: each does as much as it may, and no more."""
    broker = start_broker(cores=1, interval_s=1, connections=6000, handshakes=4000,
                          connect_timeout_s=CONNECT_TIMEOUT_S)
    crowd = flood(broker)
    figure_becomes(broker, f"counters/turns_cut_{budget}", turns)
    close_all(crowd)
    broker.connect().ping()
