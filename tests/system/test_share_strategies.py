"""How a share group picks the member for a message: mqtt.share_strategy, from outside."""

import time
from collections import Counter

import pytest

from harness.packets import PUBLISH
from programs import GUARD

MESSAGES = 200
MEMBERS = 4


class Group:
    """Members of one share group."""

    def __init__(self, broker, topic):
        self.filter = f"$share/g/{topic}/#"
        self.members = [broker.connect() for _ in range(MEMBERS)]
        for member in self.members:
            member.subscribe(self.filter)

    def shares(self):
        """What has come to each member, as lists of (topic, payload)."""
        shares = [[] for _ in self.members]
        deadline = time.monotonic() + GUARD
        while sum(map(len, shares)) < MESSAGES and time.monotonic() < deadline:
            for member, share in zip(self.members, shares):
                got = member.drain(0.01)
                assert all(packet.type == PUBLISH for packet in got)
                share += [(packet.topic, packet.payload) for packet in got]
        assert sum(map(len, shares)) == MESSAGES
        return shares

    def leave(self, at):
        self.members.pop(at).unsubscribe(self.filter)


@pytest.fixture
def group(start_broker, topic, request):
    broker = start_broker(share_strategy=request.param)
    return broker, Group(broker, topic), topic


def strategy(name):
    return pytest.mark.parametrize("group", [name], indirect=True)


def publish(broker, topics, publishers=1):
    """Publishes MESSAGES in turn to the topics; the payload names the publisher."""
    clients = [broker.connect(f"publisher{number}") for number in range(publishers)]
    for number in range(MESSAGES):
        client = number % publishers
        clients[client].publish(topics[number % len(topics)], b"%d" % client)
    for client in clients:
        client.disconnect()


@strategy("round_robin")
def test_round_robin_spreads_evenly(group):
    broker, members, topic = group
    publish(broker, [f"{topic}/x"])
    assert [len(share) for share in members.shares()] == [MESSAGES // MEMBERS] * MEMBERS


@strategy("sticky")
def test_sticky_keeps_one(group):
    broker, members, topic = group
    publish(broker, [f"{topic}/{number}" for number in range(20)], publishers=5)
    assert sorted(len(share) for share in members.shares()) == [0] * (MEMBERS - 1) + [MESSAGES]


@strategy("sticky")
def test_sticky_picks_another_when_the_one_goes(group):
    broker, members, topic = group
    publish(broker, [f"{topic}/x"])
    chosen = next(at for at, share in enumerate(members.shares()) if share)
    members.leave(chosen)
    publish(broker, [f"{topic}/x"])
    assert sorted(len(share) for share in members.shares()) == [0] * (MEMBERS - 2) + [MESSAGES]


@strategy("hash_clientid")
def test_hash_clientid_goes_by_publisher(group):
    broker, members, topic = group
    publish(broker, [f"{topic}/{number}" for number in range(7)], publishers=40)
    of = [{payload for _, payload in share} for share in members.shares()]
    assert sum(map(len, of)) == 40  # no publisher has two members
    assert sum(1 for publishers in of if publishers) > 1


@strategy("hash_topic")
def test_hash_topic_goes_by_topic(group):
    broker, members, topic = group
    publish(broker, [f"{topic}/{number}" for number in range(40)], publishers=7)
    of = [{name for name, _ in share} for share in members.shares()]
    assert sum(map(len, of)) == 40  # no topic has two members
    assert sum(1 for topics in of if topics) > 1


@strategy("random")
def test_random_reaches_all(group):
    """Each gets 50 of 200 on average: fewer than 10 is beyond belief."""
    broker, members, topic = group
    publish(broker, [f"{topic}/x"])
    shares = members.shares()
    assert all(len(share) >= 10 for share in shares), Counter(map(len, shares))
