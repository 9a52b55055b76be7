"""bench/lightspeed forwards what it is given: a yardstick that lost messages would look fast."""

from pathlib import Path

import pytest

from harness import packets
from harness.packets import PUBLISH
from harness.peer import Peer
from programs import run, starling

PROGRAM = Path(starling()).with_name("lightspeed")
PATIENT_BYTES = 8 << 20  # more than all buffers of a socket


@pytest.fixture
def port(watch):
    """Of a forwarder of one's own."""
    return int(watch(PROGRAM, "--port", 0).until("listening").rpartition(":")[2])


@pytest.fixture
def dial(port):
    """Connects a client: dial(version)."""
    peers = []

    def start(version=4):
        peers.append(Peer(port, version).connect(f"client{len(peers)}"))
        return peers[-1]

    yield start
    for peer in peers:
        peer.socket.close()


def payloads(messages):
    return [message.payload for message in messages]


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_serves_other_peoples_clients(port, watch, version, qos):
    common = "-p", port, "-t", "a/b", "-V", version, "-q", qos
    subscriber = watch("stdbuf", "-oL", "mosquitto_sub", *common, "-C", 2, "-d", "-F", "got %q %p")
    subscriber.until("Subscribed")
    for text in "one", "two":
        run("mosquitto_pub", *common, "-m", text)
    got = [line for line in subscriber.end() if line.startswith("got")]
    assert got == [f"got {qos} one", f"got {qos} two"]


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_all_subscribers_receive_everything_in_order(dial, version, qos):
    subscribers = [dial(version) for _ in range(20)]
    for subscriber in subscribers:
        assert subscriber.subscribe("a/b", qos=qos) == (qos,)
    publisher = dial(version)
    sent = [str(i).encode() for i in range(50)]
    for payload in sent:
        publisher.publish("a/b", payload, qos=qos)
    for subscriber in subscribers:
        assert payloads(subscriber.messages(len(sent))) == sent


def test_many_packets_of_one_write_are_all_forwarded(dial):
    subscriber, publisher = dial(), dial()
    subscriber.subscribe("a", qos=1)
    subscriber.subscribe("b")
    sent = [str(i).encode() for i in range(3_000)]
    publisher.send(*(packets.publish("ab"[i % 2], payload, 1 - i % 2, i % 2 == 0 and i + 1,
                                     version=4) for i, payload in enumerate(sent)))
    got = []
    for _ in sent:
        got.append(subscriber.expect(PUBLISH))
        if got[-1].qos:
            subscriber.send(packets.puback(got[-1].packet_id))
    assert payloads(got) == sent


def test_a_packet_in_pieces_is_forwarded_whole(dial):
    subscriber, publisher = dial(), dial()
    subscriber.subscribe("a")
    for byte in packets.publish("a", b"x" * 200, version=4):
        publisher.send(bytes([byte]))
    assert payloads([subscriber.message()]) == [b"x" * 200]


def test_only_the_exact_topic_counts(dial):
    subscriber, publisher = dial(), dial()
    assert subscriber.subscribe("a/+", "#", "a/b") == (0, 0, 0)
    for topic in "a", "a/c", "a/b", "a/b/c":
        publisher.publish(topic, topic.encode())
    publisher.ping()
    assert payloads([subscriber.message()]) == [b"a/b"]
    subscriber.expect_nothing()


def test_a_thousand_filters_of_one_subscribe_are_granted(dial):
    subscriber = dial()
    assert len(subscriber.subscribe(*(f"background/{i}/#" for i in range(1_000)))) == 1_000


def test_who_does_not_read_loses_nothing(dial):
    subscriber, publisher = dial(), dial()
    subscriber.subscribe("a")
    sent = [bytes([i % 256]) * 65_536 for i in range(PATIENT_BYTES // 65_536)]
    for payload in sent:
        publisher.publish("a", payload)
    publisher.ping()
    assert payloads(subscriber.messages(len(sent))) == sent


def test_who_leaves_is_heard_to_the_last_and_then_gone(dial):
    subscriber, other, publisher = dial(), dial(), dial()
    subscriber.subscribe("a")
    other.subscribe("a")
    publisher.send(packets.publish("a", b"last", version=4), packets.disconnect())
    publisher.expect_end()
    assert payloads([subscriber.message(), other.message()]) == [b"last"] * 2
    subscriber.disconnect()
    dial().publish("a", b"after")
    assert payloads([other.message()]) == [b"after"]


@pytest.mark.parametrize(("what", "data"), [
    ("a length of five bytes", "30 FF FF FF FF 01"),
    ("a packet above the limit", "30 FF FF FF 7F"),
    ("a topic longer than its packet", "30 04 00 09 61 62"),
    ("a PUBLISH without its identifier", "32 03 00 01 61"),
    ("a SUBSCRIBE that ends too early", "82 05 00 01 00 09 61"),
    ("a packet for servers to send", "90 00"),
])
def test_nonsense_ends_its_connection_only(dial, what, data):
    peer, other = dial(), dial()
    peer.send(data)
    peer.expect_end()
    other.ping()


@pytest.mark.parametrize("flags", [
    ("--bogus",), ("--port", "much"), ("--port", "70000"), ("more",),
])
def test_refuses_unknown_flags(flags):
    assert run(PROGRAM, *flags, code=1)[1]


def test_says_what_it_is():
    assert "yardstick" in run(PROGRAM, "--help")[0]
