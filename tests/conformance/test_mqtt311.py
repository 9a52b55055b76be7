"""What differs in MQTT 3.1.1, as far as it is not a line of another table."""

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.packets import CONNACK, PUBACK, PUBLISH, PUBREC, Will

BAD_TEXT = [
    case("MQTT311-1.5.3-1", "overlong", b"a\xc0\xaf"),
    case("MQTT311-1.5.3-1", "surrogate", b"\xed\xa0\x80"),
    case("MQTT311-1.5.3-1", "cut", b"a\xe2\x82"),
    case("MQTT311-1.5.3-1", "0xFE", b"\xfe"),
    case("MQTT311-1.5.3-2", "U+0000", b"a\0b"),
]


@normative("MQTT311-4.8.0-1")
@pytest.mark.parametrize("text", BAD_TEXT)
def test_text_is_utf8_without_u0000(broker, text):
    for packet in (packets.publish(text, version=4),
                   packets.subscribe(1, (text, 0), version=4),
                   packets.unsubscribe(1, text, version=4)):
        peer = broker.connect(version=4)
        peer.send(packet)
        assert peer.expect_close() is None
    for connect in (packets.connect(text, version=4),
                    packets.connect("c", version=4, user_name=text),
                    packets.connect("c", version=4, will=Will(text))):
        peer = broker.dial(version=4)
        peer.send(connect)
        peer.expect_close()


@normative("MQTT311-1.5.3-3")
def test_byte_order_mark_is_a_character(broker, topic):
    peer = broker.connect(version=4)
    peer.subscribe("\ufeff" + topic)
    peer.publish(topic, b"plain")
    peer.publish("\ufeff" + topic, b"marked")
    peer.expect(packets.publish("\ufeff" + topic, b"marked", version=4))


@normative("MQTT311-2.3.1-1", "MQTT311-4.8.0-1")
@pytest.mark.parametrize("packet", [
    case("", "PUBLISH at QoS 1", packets.publish("a", qos=1, packet_id=0, version=4)),
    case("", "PUBLISH at QoS 2", packets.publish("a", qos=2, packet_id=0, version=4)),
    case("", "SUBSCRIBE", packets.subscribe(0, ("a", 0), version=4)),
    case("", "UNSUBSCRIBE", packets.unsubscribe(0, "a", version=4)),
])
def test_packet_identifier_0_is_refused(broker, packet):
    peer = broker.connect(version=4)
    peer.send(packet)
    assert peer.expect_close() is None


@normative("MQTT311-4.8.0-1")
@pytest.mark.parametrize("packet", [
    case("", "a second CONNECT", packets.connect("c", version=4)),
    case("", "SUBSCRIBE without a filter", "82 02 0001"),
    case("", "UNSUBSCRIBE without a filter", "a2 02 0001"),
    case("", "DUP at QoS 0", "38 03 0001 61"),
    case("", "QoS 3", "36 05 0001 61 0001"),
    case("", "a topic with a wildcard", packets.publish("a/#", version=4)),
    case("", "an empty topic", packets.publish("", version=4)),
    case("", "PUBACK with more than an identifier", "40 03 0001 00"),
    case("", "a packet of a server", "d0 00"),
    case("", "AUTH", "f0 00"),
    case("", "type 0", "00 00"),
    case("", "five bytes of length", "30 80 80 80 80 01"),
])
def test_a_protocol_violation_closes_without_a_word(broker, packet):
    peer = broker.connect(version=4)
    peer.send(packet)
    assert peer.expect_close() is None


@normative("MQTT311-3.1.2-22")
def test_a_password_needs_a_user_name(broker):
    peer = broker.dial(version=4)
    peer.send(packets.connect("c", version=4, password=b"secret"))
    peer.expect_close()


@normative("MQTT311-3.1.3-7")
def test_an_empty_client_identifier_is_accepted_with_clean_session_1(broker, topic):
    """Each such client is one of its own."""
    peers = [broker.connect("", version=4) for _ in range(3)]
    for peer in peers:
        peer.subscribe(topic)
    peers[0].publish(topic, b"x")
    for peer in peers:
        assert peer.message().payload == b"x"


@normative("MQTT311-3.1.3-8", "MQTT311-3.2.2-4")
def test_an_empty_client_identifier_is_refused_with_clean_session_0(broker):
    peer = broker.dial(version=4)
    peer.send(packets.connect("", version=4, clean=False))
    peer.expect(bytes.fromhex("20 02 00 02"))
    peer.expect_end()


@normative("MQTT311-3.1.2-6", "MQTT311-3.2.2-1", "MQTT311-3.2.2-2", "MQTT311-3.2.2-3")
def test_clean_session_decides_what_is_kept(broker, topic):
    """With 0 until somebody says 1; with 1 nothing is resumed and nothing left behind."""
    client_id = unique()
    history = [  # clean session, whether a session is present
        (False, False), (False, True), (False, True), (True, False), (True, False), (False, False),
        (False, True)]
    for clean, is_present in history:
        peer = broker.connect(client_id, version=4, clean=clean)
        assert peer.connack.session_present == is_present
        broker.connect().publish(topic, b"x", 1)
        assert len(peer.drain(0.1)) == is_present  # a subscription is there with its session
        peer.subscribe(topic)
        peer.disconnect()


@normative("MQTT311-3.1.2-6")
def test_the_session_of_a_clean_client_ends_with_its_connection(broker, topic):
    client_id = unique()
    peer = broker.connect(client_id, version=4)
    peer.subscribe(topic, qos=1)
    peer.abort()
    broker.connect().publish(topic, b"lost", 1)
    peer = broker.connect(client_id, version=4, clean=False)
    assert not peer.connack.session_present
    peer.expect_nothing()


@normative("MQTT311-3.1.4-2")
@pytest.mark.parametrize("versions", [(4, 4), (4, 5), (3, 4)])
def test_a_client_identifier_is_taken_over(broker, topic, versions):
    """The older connection just ends, and its will is sent."""
    client_id = unique()
    watcher = broker.connect()
    watcher.subscribe(topic)
    old = broker.connect(client_id, versions[0], will=Will(topic))
    new = broker.connect(client_id, versions[1])
    assert old.expect_close() is None
    assert watcher.message().payload == b"will"
    new.ping()


@normative("MQTT311-3.2.2-4")
def test_a_refusal_has_no_session_present(broker):
    """Though there is a session of that client."""
    client_id = unique()
    broker.connect(client_id, version=4, clean=False).disconnect()
    peer = broker.dial(version=4)
    peer.send(packets.packet(0x10, packets.string("MQTT"), bytes.fromhex("02 00 0000"),
                             packets.string(client_id)))
    peer.expect(bytes.fromhex("20 02 00 01"))
    peer.expect_end()


@normative("MQTT311-3.3.5-2")
@pytest.mark.parametrize("qos, answer", [(1, PUBACK), (2, PUBREC)])
def test_a_publish_that_is_not_allowed_is_acknowledged_or_closes(broker, qos, answer):
    """Without a reason, as there is no way to give one; and it is not delivered."""
    watcher = broker.connect(version=4)
    watcher.subscribe("$SYS/forged")
    peer = broker.connect(version=4)
    peer.send(packets.publish("$SYS/forged", b"x", qos, 9, version=4))
    got = peer.drain()
    assert [packet.type for packet in got] in ([answer], [])
    if not got:
        peer.expect_end()
    watcher.expect_nothing()


@normative("MQTT311-4.8.0-2")
def test_what_cannot_be_processed_now_ends_the_connection(start_broker):
    """There is no room for another client: the specification calls that transient."""
    broker = start_broker(connections=1)
    broker.connect(version=4)
    peer = broker.dial(version=4)
    peer.send(packets.connect("c", version=4))
    got = peer.expect(CONNACK)
    assert got.reason == 3
    peer.expect_end()


def test_versions_meet_in_one_session(broker, topic):
    """A session made by one version is resumed by another."""
    client_id = unique()
    publisher = broker.connect()
    peer = broker.connect(client_id, version=4, clean=False)
    peer.subscribe(topic, qos=2)
    for version in (5, 3, 4, 5):
        peer.disconnect()
        publisher.publish(topic, b"x", 2, content_type="t")
        peer = broker.connect(client_id, version, clean=False,
                              **({"session_expiry": 300} if version == 5 else {}))
        got = peer.expect(PUBLISH)
        assert got.payload == b"x"
        assert got.properties == ({"content_type": "t"} if version == 5 else {})
        peer.acknowledge(got)
