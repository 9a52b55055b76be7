"""Section 4.8.2: shared subscriptions."""

import pytest

from harness import packets
from harness.cases import normative, unique
from harness.packets import PUBLISH, PUBREL


@pytest.fixture
def group(topic):
    """A shared filter for the topic."""
    return f"$share/g{topic}/{topic}"


def payloads(peers):
    """What has come to all of them, as {payload: peer}; nothing twice."""
    received = {}
    for peer in peers:
        for got in peer.drain():
            assert got.type == PUBLISH and got.payload not in received
            received[got.payload] = peer
            peer.acknowledge(got)
    return received


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("versions", [(5, 5, 5), (4, 4, 3), (5, 4, 5)])
def test_each_message_goes_to_one_member(broker, topic, group, qos, versions):
    members = [broker.connect(version=version) for version in versions]
    for member in members:
        assert member.subscribe(group, qos=2) == (2,)
    publisher = broker.connect()
    sent = {b"%d" % number for number in range(60)}
    for payload in sent:
        publisher.publish(topic, payload, qos)
    received = payloads(members)
    assert received.keys() == sent
    assert len({*received.values()}) == len(members)  # and nobody is left out


def test_groups_and_plain_subscriptions_each_get_a_copy(broker, topic):
    """Even those of one client."""
    first, second, peer = broker.connect(), broker.connect(), broker.connect()
    first.subscribe(f"$share/one/{topic}")
    second.subscribe(f"$share/two/{topic}")
    peer.subscribe(topic)
    peer.subscribe(f"$share/three/{topic}")
    broker.connect().publish(topic, b"x")
    assert first.message().payload == second.message().payload == b"x"
    assert [got.payload for got in peer.drain()] == [b"x", b"x"]


def test_groups_of_one_name_and_different_filters_are_different(broker, topic):
    one, other = broker.connect(), broker.connect()
    one.subscribe(f"$share/g/{topic}/#")
    other.subscribe(f"$share/g/{topic}/+")
    broker.connect().publish(topic + "/x", b"x")
    assert one.message().payload == other.message().payload == b"x"


@normative("MQTT-4.8.2-3", "MQTT-4.8.2-1", "MQTT-4.8.2-2")
def test_each_member_gets_the_qos_that_it_was_granted(broker, topic, group):
    members = [broker.connect() for _ in range(3)]
    for granted, member in enumerate(members):
        assert member.subscribe(group, qos=granted) == (granted,)
    publisher = broker.connect()
    for number in range(30):
        publisher.publish(topic, b"%d" % number, 2)
    total = 0
    for granted, member in enumerate(members):
        got = [packet for packet in member.drain() if packet.type == PUBLISH]
        assert {packet.qos for packet in got} == {granted}
        total += len(got)
    assert total == 30


@normative("MQTT-3.3.4-3")
def test_identifiers_and_retain_as_published_hold_for_each_member(broker, topic, group):
    peer = broker.connect()
    peer.subscribe(group, subscription_identifier=7, retain_as_published=True)
    broker.connect().publish(topic, b"x", retain=True)
    got = peer.message()
    assert got.retain and got.properties == {"subscription_identifier": [7]}


def test_a_member_that_leaves_gets_nothing_more(broker, topic, group):
    members = [broker.connect() for _ in range(3)]
    for member in members:
        member.subscribe(group, qos=1)
    members[0].unsubscribe(group)
    members[1].disconnect()
    publisher = broker.connect()
    for number in range(10):
        publisher.publish(topic, b"%d" % number, 1)
    assert [got.payload for got in members[2].messages(10)] == [b"%d" % n for n in range(10)]
    members[0].expect_nothing()


def test_a_member_that_cannot_take_is_skipped(broker, topic, group):
    """Its window is full: others get the rest."""
    stuck, free = broker.connect(receive_maximum=1), broker.connect()
    for member in (stuck, free):
        member.subscribe(group, qos=1)
    publisher = broker.connect()
    for number in range(20):
        publisher.publish(topic, b"%d" % number, 1)
    held = stuck.expect(PUBLISH)
    got = free.messages(19)
    assert {packet.payload for packet in got} | {held.payload} == {b"%d" % n for n in range(20)}


def test_what_a_departed_member_never_acknowledged_goes_to_another_at_qos_1(broker, topic, group):
    """When its session ends, which is at once here."""
    leaver, stayer = broker.connect(), broker.connect()
    leaver.subscribe(group, qos=1)
    publisher = broker.connect()
    publisher.publish(topic, b"unacknowledged", 1)
    leaver.expect(PUBLISH)
    stayer.subscribe(group, qos=1)
    leaver.abort()
    assert stayer.message().payload == b"unacknowledged"


def test_what_a_departed_member_was_never_sent_goes_to_another(broker, topic, group):
    client_id = unique()
    leaver = broker.connect(client_id, session_expiry=300)
    leaver.subscribe(group, qos=1)
    leaver.disconnect()
    publisher = broker.connect()
    publisher.publish(topic, b"queued", 1)
    stayer = broker.connect()
    stayer.subscribe(group, qos=1)
    broker.connect(client_id, clean=True)  # ends the session
    assert stayer.message().payload == b"queued"


def two_members_one_message(broker, topic, group, qos):
    """Returns the client identifier and peer of who got it, its delivery, and the other peer."""
    ids = [unique(), unique()]
    members = [broker.connect(id, session_expiry=300) for id in ids]
    for member in members:
        member.subscribe(group, qos=qos)
    broker.connect().publish(topic, b"x", qos)
    for at, member in enumerate(members):
        if got := member.drain():
            return ids[at], member, got[0], members[1 - at]
    raise AssertionError("nobody got the message")


@normative("MQTT-4.8.2-4")
@pytest.mark.parametrize("after_pubrec", [False, True])
def test_a_qos_2_delivery_is_finished_with_its_member(broker, topic, group, after_pubrec):
    """Lost half way, it resumes and gets on with it; the other member never sees the message."""
    client_id, member, got, other = two_members_one_message(broker, topic, group, 2)
    if after_pubrec:
        member.send(packets.pubrec(got.packet_id))
        member.expect(PUBREL)
    member.abort()
    other.expect_nothing()
    member = broker.connect(client_id, clean=False, session_expiry=300)
    if after_pubrec:
        assert member.expect(PUBREL).packet_id == got.packet_id
        member.send(packets.pubcomp(got.packet_id))
    else:
        again = member.message()
        assert again.packet_id == got.packet_id and again.dup
    member.expect_nothing()
    other.expect_nothing()


@normative("MQTT-4.8.2-5")
def test_a_qos_2_delivery_dies_with_its_members_session(broker, topic, group):
    client_id, member, _, other = two_members_one_message(broker, topic, group, 2)
    member.disconnect(session_expiry=0)
    other.expect_nothing()
    broker.connect(client_id, clean=False).expect_nothing()


@normative("MQTT-4.8.2-6")
@pytest.mark.parametrize("qos, refusal", [(1, packets.puback), (2, packets.pubrec)])
def test_a_refused_message_goes_to_nobody_else(broker, topic, group, qos, refusal):
    _, member, got, other = two_members_one_message(broker, topic, group, qos)
    member.send(refusal(got.packet_id, 0x83))
    member.ping()
    member.disconnect(session_expiry=0)
    other.expect_nothing()


@normative("MQTT-3.1.2-25")
def test_a_message_too_large_for_one_member_is_no_loss_of_the_group(broker, topic, group):
    """Dropped for that member or given to another; the group goes on."""
    small, large = broker.connect(maximum_packet_size=200), broker.connect()
    for member in (small, large):
        member.subscribe(group, qos=1)
    publisher = broker.connect()
    for number in range(10):
        publisher.publish(topic, b"%d" % number + b"x" * 300 * (number % 2), 1)
    received = payloads([small, large])
    assert {payload[:1] for payload in received} >= {b"0", b"2", b"4", b"6", b"8"}
