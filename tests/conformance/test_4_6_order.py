"""Section 4.6: messages of one publisher, topic and QoS arrive in their order."""

import pytest

from harness import packets
from harness.cases import normative, unique
from harness.packets import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL

ANSWERS = {0: (), 1: (PUBACK,), 2: (PUBREC, PUBCOMP)}


def send_numbered(publisher, topic, qos, numbers):
    """Sends all at once; the answers are left for later."""
    for number in numbers:
        publisher.send(packets.publish(topic, b"%d" % number, qos, number + 1))
        if qos == 2:
            publisher.send(packets.pubrel(number + 1))


def expect_answers(publisher, qos, count):
    """Acknowledgements come in the order of what they acknowledge."""
    for answer in ANSWERS[qos]:
        assert [publisher.take(answer).packet_id for _ in range(count)] == [*range(1, count + 1)]


@normative("MQTT-4.6.0-5", "MQTT-4.6.0-6")
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_arrive_in_the_order_of_their_publisher(broker, topic, qos):
    """Several publishers at once, a subscriber each for the topic and for all, 1000 messages."""
    count, topics = 250, [f"{topic}/{at}" for at in range(4)]
    subscribers = [broker.connect(), broker.connect(version=4)]
    subscribers[0].subscribe(topic + "/#", qos=2)
    subscribers[1].subscribe(*topics, qos=2)
    publishers = [broker.connect() for _ in topics]
    for start in range(0, count, 50):
        for publisher, name in zip(publishers, topics):
            send_numbered(publisher, name, qos, range(start, start + 50))
    for subscriber in subscribers:
        received = {name: [] for name in topics}
        for _ in range(count * len(topics)):
            got = subscriber.take(PUBLISH)
            subscriber.acknowledge(got)
            received[got.topic].append(int(got.payload))
        assert all(numbers == [*range(count)] for numbers in received.values())
    for publisher in publishers:
        expect_answers(publisher, qos, count)


@normative("MQTT-4.6.0-5")
@pytest.mark.parametrize("qos", [1, 2])
def test_order_holds_across_resumes(broker, topic, qos):
    """A small window, a subscriber lost again and again; only repeated sendings may repeat."""
    count, client_id = 300, unique()
    fields = {"clean": False, "session_expiry": 300, "receive_maximum": 7}
    subscriber = broker.connect(client_id, **fields)
    subscriber.subscribe(topic, qos=qos)
    publisher = broker.connect()
    send_numbered(publisher, topic, qos, range(count))
    received = 0
    while received < count:
        got = step(subscriber)
        if got and int(got.payload) == received:
            received += 1
            if received % 40 == 0:
                subscriber.abort()
                subscriber = broker.connect(client_id, **fields)
        elif got:
            assert got.dup and int(got.payload) < received
    expect_answers(publisher, qos, count)


def step(subscriber):
    """Takes the next step of any handshake. Returns the message, if it is one."""
    got = subscriber.receive()
    if got.type == PUBREL:
        subscriber.send(packets.pubcomp(got.packet_id))
        return None
    answer = packets.puback if got.qos == 1 else packets.pubrec
    subscriber.send(answer(got.packet_id))
    return got


@normative("MQTT-4.6.0-5")
def test_order_holds_across_takeovers(broker, topic):
    """Each new connection of the same client takes the session over while messages flow."""
    count, client_id = 300, unique()
    publisher = broker.connect()
    fields = {"clean": False, "session_expiry": 300}
    subscriber = broker.connect(client_id, **fields)
    subscriber.subscribe(topic, qos=1)
    received = 0
    for start in range(0, count, 50):
        send_numbered(publisher, topic, 1, range(start, start + 50))
        older, subscriber = subscriber, broker.connect(client_id, **fields)
        older.abort()
        while received < start + 50:
            number = int(subscriber.message().payload)
            assert number <= received
            received += number == received


@normative("MQTT-4.6.0-6", "MQTT-4.6.0-5")
def test_a_queue_and_what_follows_keep_the_order(broker, topic):
    """What waited for the subscriber comes before what is published after its return."""
    client_id = unique()
    fields = {"clean": False, "session_expiry": 300}
    subscriber = broker.connect(client_id, **fields)
    subscriber.subscribe(topic, qos=1)
    subscriber.disconnect()
    publisher = broker.connect()
    send_numbered(publisher, topic, 1, range(100))
    expect_answers(publisher, 1, 100)
    subscriber = broker.dial()
    subscriber.send(packets.connect(client_id, **fields))
    send_numbered(publisher, topic, 1, range(100, 200))
    subscriber.connack = subscriber.expect(packets.CONNACK)
    assert [int(got.payload) for got in subscriber.messages(200)] == [*range(200)]
