"""Section 3.1.2.11: what a client says about itself in the properties of CONNECT."""

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.packets import PUBACK, PUBCOMP, PUBLISH, SUBACK, UNSUBACK

SIZE = 200  # a Maximum Packet Size that leaves room for any CONNACK


def payload_for(size, topic, qos=0, **properties):
    """A payload that makes PUBLISH exactly so large."""
    payload = b"p" * size
    while len(packets.publish(topic, payload, qos, 1, **properties)) > size:
        payload = payload[:-1]
    return payload


# --- Maximum Packet Size --------------------------------------------------------------------------


@normative("MQTT-3.1.2-24", "MQTT-3.1.2-25")
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("size", [SIZE, 127 + 2, 16383 + 3])
def test_a_packet_of_the_maximum_size_comes_and_one_byte_more_does_not(broker, topic, qos, size):
    publisher, peer = broker.connect(), broker.connect(maximum_packet_size=size)
    peer.subscribe(topic, qos=qos)
    fits = payload_for(size, topic, qos)
    publisher.publish(topic, fits + b"!", qos)
    publisher.publish(topic, fits, qos)
    got = peer.message()
    assert got.payload == fits and len(got.raw) == size
    peer.expect_nothing()


@normative("MQTT-3.1.2-24")
def test_properties_count_for_the_maximum_packet_size(broker, topic):
    """Those of the message, and those that the broker adds for this client."""
    publisher, peer = broker.connect(), broker.connect(maximum_packet_size=SIZE)
    peer.subscribe(topic, subscription_identifier=268435455)
    largest = payload_for(SIZE, topic, subscription_identifier=268435455)
    publisher.publish(topic, largest + b"!")
    publisher.publish(topic, largest[:-3], user_property=("", ""))
    publisher.publish(topic, largest)
    assert peer.message().payload == largest
    peer.expect_nothing()


@normative("MQTT-3.1.2-25")
def test_an_oversized_message_takes_no_room_and_others_get_it(broker, topic):
    """Receive Maximum is 1: had the message been in flight, nothing would follow."""
    publisher, other = broker.connect(), broker.connect()
    peer = broker.connect(maximum_packet_size=SIZE, receive_maximum=1)
    for subscriber in (peer, other):
        subscriber.subscribe(topic, qos=2)
    for qos in (1, 2, 1, 2):
        publisher.publish(topic, b"large" * SIZE, qos)
    publisher.publish(topic, b"small", 1)
    assert peer.message().payload == b"small"
    assert [got.payload for got in other.messages(5)] == [b"large" * SIZE] * 4 + [b"small"]


@normative("MQTT-3.1.2-25")
def test_an_oversized_message_is_dropped_from_the_queue_of_an_absent_client(broker, topic):
    client_id = unique()
    peer = broker.connect(client_id, session_expiry=300)
    peer.subscribe(topic, qos=1)
    peer.disconnect()
    publisher = broker.connect()
    for payload in (b"large" * SIZE, b"small", b"large" * SIZE, b"last"):
        publisher.publish(topic, payload, qos=1)
    peer = broker.connect(client_id, clean=False, maximum_packet_size=SIZE)
    assert [got.payload for got in peer.messages(2)] == [b"small", b"last"]
    peer.expect_nothing()


@normative("MQTT-3.1.2-24")
def test_an_oversized_retained_message_is_not_sent(broker, topic):
    broker.connect().publish(topic + "/large", b"large" * SIZE, retain=True)
    broker.connect().publish(topic + "/small", b"small", retain=True)
    peer = broker.connect(maximum_packet_size=SIZE)
    peer.subscribe(topic + "/#")
    assert peer.message().payload == b"small"
    peer.expect_nothing()


# Each way to get an answer that says more than success. The second is the type of the answer.
ERROR_ANSWERS = [
    case("MQTT-3.11.2-1 MQTT-3.11.2-2", "UNSUBACK",
         packets.unsubscribe(5, "no/such/subscription"), UNSUBACK),
    case("MQTT-3.7.2-2 MQTT-3.7.2-3", "PUBCOMP", packets.pubrel(5), PUBCOMP),
    case("MQTT-3.6.2-2 MQTT-3.6.2-3", "PUBREL", packets.pubrec(5), packets.PUBREL),
    case("MQTT-3.4.2-2 MQTT-3.4.2-3", "PUBACK",
         packets.publish("$SYS/broker/version", b"x", 1, 5), PUBACK),
    case("MQTT-3.5.2-2 MQTT-3.5.2-3", "PUBREC",
         packets.publish("$SYS/broker/version", b"x", 2, 5), packets.PUBREC),
    case("MQTT-3.9.2-1 MQTT-3.9.2-2", "SUBACK",
         packets.subscribe(5, ("/" * 1000, 0)), SUBACK),
    case("MQTT-3.14.2-3 MQTT-3.14.2-4", "DISCONNECT", "00 00", packets.DISCONNECT),
    case("MQTT-3.14.2-3 MQTT-3.14.2-4", "DISCONNECT after a protocol error",
         packets.connect("c"), packets.DISCONNECT),
]


def smallest_size_that_connects(broker):
    return len(broker.connect(maximum_packet_size=SIZE).connack.raw)


@normative("MQTT-3.1.2-24")
@pytest.mark.parametrize("packet, answer", ERROR_ANSWERS)
def test_an_answer_is_explained_only_if_that_fits(broker, packet, answer):
    """The smaller the maximum, the shorter the answer, but the answer comes."""
    smallest = smallest_size_that_connects(broker)
    for size in range(smallest, smallest + 80, 4):
        peer = broker.connect(maximum_packet_size=size)
        peer.send(packet)
        assert len(peer.expect(answer).raw) <= size


@normative("MQTT-3.2.2-19", "MQTT-3.2.2-20", "MQTT-3.1.2-24")
def test_a_refusal_is_explained_only_if_that_fits(broker):
    for size in range(1, 80):
        peer = broker.dial()
        peer.send(packets.connect("c", authentication_method="no such", maximum_packet_size=size))
        last = peer.expect_close()
        assert last is None or last.reason == 0x8C
        assert last or size < 5


@normative("MQTT-3.1.2-24", "MQTT-3.2.2-19", "MQTT-3.2.2-20")
def test_the_connack_obeys_the_maximum_packet_size(broker):
    """Where it cannot say what it must, the broker refuses rather than breaks the limit."""
    for size in range(1, 60):
        peer = broker.dial()
        peer.send(packets.connect("", maximum_packet_size=size))
        peer.drain(0.02)


# --- Request Problem Information ------------------------------------------------------------------


@normative("MQTT-3.1.2-29")
@pytest.mark.parametrize("packet, answer", ERROR_ANSWERS)
def test_no_explanation_where_the_client_wants_none(broker, packet, answer):
    """The rules check it: only CONNACK, PUBLISH and DISCONNECT may still have one."""
    peer = broker.connect(request_problem_information=0)
    peer.send(packet)
    peer.expect(answer)


@normative("MQTT-3.1.2-29")
def test_user_properties_of_a_message_come_all_the_same(broker, topic):
    peer = broker.connect(request_problem_information=0)
    peer.subscribe(topic)
    peer.publish(topic, user_property=("k", "v"))
    assert peer.message().properties == {"user_property": [("k", "v")]}


# --- Topic Alias Maximum --------------------------------------------------------------------------


@normative("MQTT-3.1.2-26", "MQTT-3.3.2-11", "MQTT-3.3.2-8")
@pytest.mark.parametrize("maximum", [1, 2, 65535])
def test_topic_aliases_stay_within_the_clients_maximum(broker, topic, maximum):
    """The rules check each, and that it names the topic that it was last given."""
    peer = broker.connect(topic_alias_maximum=maximum)
    peer.subscribe(topic + "/#")
    for number in [*range(20), *range(20)]:
        peer.publish(f"{topic}/{number % 7}", b"%d" % (number % 7))
        got = peer.message()
        assert got.topic == f"{topic}/{number % 7}" and got.payload == b"%d" % (number % 7)


@normative("MQTT-3.1.2-27")
@pytest.mark.parametrize("fields", [{}, {"topic_alias_maximum": 0}])
def test_no_topic_alias_without_a_maximum(broker, topic, fields):
    peer = broker.connect(**fields)
    peer.subscribe(topic)
    for _ in range(5):
        peer.publish(topic)
        assert "topic_alias" not in peer.message().properties


def test_a_topic_sent_again_goes_by_its_alias(broker, topic):
    """Permitted, not required: we do it as it saves bytes."""
    peer = broker.connect(topic_alias_maximum=10)
    peer.subscribe(topic)
    sizes = []
    for _ in range(5):
        peer.publish(topic)
        sizes.append(len(peer.message().raw))
    assert sizes[-1] < len(packets.publish(topic))


def test_topic_aliases_of_the_broker_end_with_the_connection(broker, topic):
    """The rules know only what this connection was told."""
    client_id = unique()
    peer = broker.connect(client_id, topic_alias_maximum=10, session_expiry=300)
    peer.subscribe(topic, qos=1)
    for _ in range(3):
        peer.publish(topic)
        peer.message()
    peer.disconnect()
    peer = broker.connect(client_id, clean=False, topic_alias_maximum=10)
    for _ in range(3):
        peer.publish(topic)
        assert peer.expect(PUBLISH).topic == topic
