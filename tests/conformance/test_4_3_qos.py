"""Sections 4.3 and 4.4: the handshakes of QoS 1 and 2, and what a resume sends again."""

import time

import pytest

from harness import packets
from harness.cases import normative, unique
from harness.packets import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL

VERSIONS = [3, 4, 5]


class Resuming:
    """A subscriber that can be lost, and resumed with its session."""

    def __init__(self, broker, topic, qos, version=5, **fields):
        self.broker, self.version, self.id = broker, version, unique()
        self.fields = dict(fields, clean=False)
        if version == 5:
            self.fields["session_expiry"] = 300
        self.peer = broker.connect(self.id, version, **self.fields)
        self.peer.subscribe(topic, qos=qos)

    def resume(self):
        """Loses the connection and makes another."""
        self.peer.abort()
        self.peer = self.broker.connect(self.id, self.version, **self.fields)
        return self.peer


# --- The broker as receiver -----------------------------------------------------------------------


@normative("MQTT-4.3.2-5", "MQTT-4.3.2-4")
@pytest.mark.parametrize("version", VERSIONS)
def test_an_identifier_of_qos_1_is_new_after_its_puback(broker, topic, version):
    """Whatever DUP says: it is another message, and is delivered."""
    peer, subscriber = broker.connect(version=version), broker.connect()
    subscriber.subscribe(topic, qos=1)
    for number, dup in enumerate((False, True, False, True)):
        peer.publish(topic, b"%d" % number, 1, packet_id=9, dup=dup)
    assert [got.payload for got in subscriber.messages(4)] == [b"0", b"1", b"2", b"3"]


@normative("MQTT-4.3.3-10", "MQTT-4.3.3-8", "MQTT-4.3.3-11", "MQTT-4.3.3-12", "MQTT311-4.3.3-2")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_repeated_qos_2_publish_is_delivered_once(broker, topic, version):
    """Until PUBREL each copy is answered; after PUBCOMP the identifier is a new message."""
    peer, subscriber = broker.connect(version=version), broker.connect()
    subscriber.subscribe(topic, qos=2)
    for payload in (b"first", b"second"):
        for dup in (False, True, True):
            peer.send(packets.publish(topic, payload, 2, 9, dup=dup, version=version))
            assert peer.expect(PUBREC).packet_id == 9
        for _ in range(2):  # a repeated PUBREL is answered as well
            peer.send(packets.pubrel(9))
            assert peer.expect(PUBCOMP).packet_id == 9
    assert [got.payload for got in subscriber.messages(2)] == [b"first", b"second"]
    subscriber.expect_nothing()


@normative("MQTT-4.3.3-10", "MQTT-4.1.0-1")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_repeated_qos_2_publish_is_delivered_once_across_a_resume(broker, topic, version):
    """Exactly once: the identifier belongs to the session, not to the connection."""
    subscriber = broker.connect()
    subscriber.subscribe(topic, qos=2)
    client = Resuming(broker, unique(), 0, version)
    publish = packets.publish(topic, b"once", 2, 9, version=version)
    client.peer.send(publish)
    client.peer.expect(PUBREC)
    peer = client.resume()
    peer.send(packets.publish(topic, b"once", 2, 9, dup=True, version=version))
    assert peer.expect(PUBREC).reason in (0, 0x10)
    peer = client.resume()
    peer.send(packets.pubrel(9))
    got = peer.expect(PUBCOMP)
    assert (got.packet_id, got.reason) == (9, 0)
    assert subscriber.message().payload == b"once"
    subscriber.expect_nothing()
    peer.send(publish)
    peer.expect(PUBREC)
    peer.send(packets.pubrel(9))
    assert subscriber.message().payload == b"once"


@normative("MQTT-4.3.3-9")
def test_after_a_refusal_the_identifier_of_qos_2_is_new(broker, topic):
    peer, subscriber = broker.connect(), broker.connect()
    subscriber.subscribe(topic, qos=2)
    peer.send(packets.publish("$SYS/forged", b"refused", 2, 9))
    assert peer.expect(PUBREC).reason >= 0x80
    peer.send(packets.publish(topic, b"taken", 2, 9, dup=True))
    assert peer.expect(PUBREC).reason < 0x80
    assert subscriber.message().payload == b"taken"


@normative("MQTT-4.3.3-12")
def test_a_new_session_knows_no_identifier_of_the_old(broker, topic):
    client_id = unique()
    subscriber = broker.connect()
    subscriber.subscribe(topic, qos=2)
    for payload in (b"first", b"second"):
        peer = broker.connect(client_id, clean=True)
        peer.send(packets.publish(topic, payload, 2, 9))
        peer.expect(PUBREC)
        peer.send(packets.pubrel(9))
        peer.expect(PUBCOMP)
        peer.abort()
    assert [got.payload for got in subscriber.messages(2)] == [b"first", b"second"]


# --- The broker as sender -------------------------------------------------------------------------


@normative("MQTT-3.3.1-1", "MQTT-4.3.2-3", "MQTT-4.3.3-3", "MQTT-4.4.0-1", "MQTT-4.3.2-2",
           "MQTT-4.3.3-2", "MQTT311-4.4.0-1")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", [1, 2])
def test_an_unacknowledged_delivery_is_sent_again_on_resume(broker, topic, version, qos):
    """With DUP and its identifier, in order, before what is new; and only on resume."""
    publisher = broker.connect()
    client = Resuming(broker, topic, qos, version)
    for payload in (b"a", b"b", b"c"):
        publisher.publish(topic, payload, qos)
    first = [client.peer.expect(PUBLISH) for _ in range(3)]
    assert [got.dup for got in first] == [False] * 3
    client.peer.expect_nothing(1)  # not on the live connection

    for _ in range(2):
        peer = client.resume()
        again = [peer.expect(PUBLISH) for _ in range(3)]
        assert [(got.payload, got.packet_id, got.dup) for got in again] == [
            (got.payload, got.packet_id, True) for got in first]
    publisher.publish(topic, b"new", qos)
    got = peer.expect(PUBLISH)
    assert got.payload == b"new" and not got.dup
    for packet in (*again, got):
        peer.acknowledge(packet)
    client.resume().expect_nothing()


@normative("MQTT-4.3.2-3")
def test_only_what_is_acknowledged_is_done(broker, topic):
    """Of five, the second and the fourth are acknowledged."""
    publisher = broker.connect()
    client = Resuming(broker, topic, 1)
    for number in range(5):
        publisher.publish(topic, b"%d" % number, 1)
    got = [client.peer.expect(PUBLISH) for _ in range(5)]
    client.peer.acknowledge(got[3])
    client.peer.acknowledge(got[1])
    client.peer.ping()
    peer = client.resume()
    assert [got.payload for got in peer.messages(3)] == [b"0", b"2", b"4"]
    peer.expect_nothing()


@normative("MQTT-4.3.3-4", "MQTT-4.3.3-5", "MQTT-4.3.3-6", "MQTT-4.4.0-1", "MQTT311-4.4.0-1",
           "MQTT-2.2.1-5")
@pytest.mark.parametrize("version", VERSIONS)
def test_after_pubrec_only_the_pubrel_is_sent_again(broker, topic, version):
    publisher = broker.connect()
    client = Resuming(broker, topic, 2, version)
    publisher.publish(topic, b"x", 2)
    got = client.peer.expect(PUBLISH)
    client.peer.send(packets.pubrec(got.packet_id))
    assert client.peer.expect(PUBREL).packet_id == got.packet_id
    client.peer.expect_nothing(0.5)
    for _ in range(2):
        peer = client.resume()
        assert peer.expect(PUBREL).packet_id == got.packet_id
        peer.expect_nothing()
    peer.send(packets.pubcomp(got.packet_id))
    peer.ping()
    client.resume().expect_nothing()


@normative("MQTT-4.3.3-4")
def test_a_repeated_pubrec_gets_its_pubrel_again(broker, topic):
    """A client may not know whether the first arrived."""
    client = Resuming(broker, topic, 2)
    broker.connect().publish(topic, b"x", 2)
    got = client.peer.expect(PUBLISH)
    client.peer.send(packets.pubrec(got.packet_id))
    client.peer.expect(PUBREL)
    peer = client.resume()
    peer.expect(PUBREL)
    peer.send(packets.pubrec(got.packet_id))
    assert peer.expect(PUBREL).packet_id == got.packet_id
    peer.send(packets.pubcomp(got.packet_id))
    peer.ping()


@normative("MQTT-4.4.0-2")
@pytest.mark.parametrize("qos, refusal", [(1, packets.puback), (2, packets.pubrec)])
def test_a_refused_delivery_is_done(broker, topic, qos, refusal):
    """No PUBREL follows, nothing is sent again, and the next message takes the room."""
    publisher = broker.connect()
    client = Resuming(broker, topic, qos, receive_maximum=1)
    publisher.publish(topic, b"refused", qos)
    publisher.publish(topic, b"next", qos)
    client.peer.send(refusal(client.peer.expect(PUBLISH).packet_id, 0x80))
    got = client.peer.expect(PUBLISH)
    assert got.payload == b"next"
    peer = client.resume()
    again = peer.expect(PUBLISH)
    assert again.payload == b"next" and again.dup
    peer.acknowledge(again)
    peer.expect_nothing()


@normative("MQTT-4.3.3-7", "MQTT-4.3.3-13")
def test_a_message_that_was_sent_does_not_expire(broker, topic):
    """The handshake goes on: before PUBREC with PUBLISH, after it with PUBREL."""
    publisher = broker.connect()
    client = Resuming(broker, topic, 2)
    for payload in (b"before", b"after"):
        publisher.publish(topic, payload, 2, message_expiry=1)
    before, after = (client.peer.expect(PUBLISH) for _ in range(2))
    client.peer.send(packets.pubrec(after.packet_id))
    client.peer.expect(PUBREL)
    client.peer.abort()
    time.sleep(2.5)
    peer = client.resume()
    got = {packet.type: packet for packet in (peer.receive(), peer.receive())}
    assert got[PUBLISH].payload == b"before" and got[PUBLISH].packet_id == before.packet_id
    assert got[PUBREL].packet_id == after.packet_id
    peer.send(packets.pubrec(before.packet_id), packets.pubcomp(after.packet_id))
    assert peer.expect(PUBREL).packet_id == before.packet_id
    peer.send(packets.pubcomp(before.packet_id))
    peer.expect_nothing()


@normative("MQTT-4.3.3-13")
def test_a_publisher_finishes_the_handshake_of_an_expired_message(broker, topic):
    peer = broker.connect()
    peer.send(packets.publish(topic, b"x", 2, 9, message_expiry=1))
    peer.expect(PUBREC)
    time.sleep(2.5)
    peer.send(packets.pubrel(9))
    got = peer.expect(PUBCOMP)
    assert (got.packet_id, got.reason) == (9, 0)


@normative("MQTT-4.3.2-4", "MQTT-4.5.0-1")
def test_a_message_is_owned_once_acknowledged(broker, topic):
    """The publisher may be gone for good: the subscriber gets it."""
    client = Resuming(broker, topic, 2)
    client.peer.abort()
    publisher = broker.connect()
    for qos, answer in ((1, PUBACK), (2, PUBREC)):
        publisher.send(packets.publish(topic, b"%d" % qos, qos, qos))
        publisher.expect(answer)
    publisher.send(packets.pubrel(2))
    publisher.expect(PUBCOMP)
    publisher.abort()
    assert [got.payload for got in client.resume().messages(2)] == [b"1", b"2"]
