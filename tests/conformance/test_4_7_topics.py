"""Section 4.7: topic names and filters, and which matches which."""

import itertools
import time

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.packets import PUBLISH, SUBACK
from harness.peer import QUIET


def matches(filter, name):
    """The specification's rule, as short as it can be said."""
    if name.startswith("$") and filter[0] in "+#":
        return False
    levels, wanted = name.split("/"), filter.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        levels = levels[:len(wanted)]
    return len(levels) == len(wanted) and all(w in ("+", have) for w, have in zip(wanted, levels))


def test_the_reference_knows_the_examples_of_the_specification():
    for filter, name, expected in [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/#", "sport", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/a", False),
        ("+/monitor/Clients", "$SYS/monitor/Clients", False),
        ("$SYS/#", "$SYS/a", True),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", True),
    ]:
        assert matches(filter, name) == expected, (filter, name)


@normative("MQTT-3.3.2-3", "MQTT-4.7.1-1", "MQTT-4.7.1-2")
@pytest.mark.parametrize("retained", [False, True])
def test_filters_match_as_the_reference_says(broker, topic, retained):
    """Every filter against every name of up to three levels, live and retained."""
    names = ["/".join(levels) for count in (1, 2, 3)
             for levels in itertools.product(("", "a", "b"), repeat=count)]
    filters = ["/".join(levels) for count in (1, 2, 3)
               for levels in itertools.product(("", "a", "+"), repeat=count)]
    filters += [prefix + "/#" for prefix in filters] + ["#"]
    names = [topic, *(f"{topic}/{name}" for name in names)]
    peers = {f"{topic}/{filter}": broker.connect(version=4) for filter in filters}

    def publish_all():
        for name in names:
            publisher.publish(name, b"x", retain=retained)
        publisher.ping()

    publisher = broker.connect(version=4)
    if retained:
        publish_all()
    for filter, peer in peers.items():
        peer.subscribe(filter)
    if not retained:
        publish_all()
    for filter, peer in peers.items():
        expected = {name for name in names if matches(filter, name)}
        assert {got.topic for got in peer.messages(len(expected))} == expected, filter
    time.sleep(QUIET)
    assert not [got for peer in peers.values() for got in peer.drain(0)]


@pytest.mark.parametrize("filter", [
    case("MQTT-4.7.1-1", "# is not last", "a/#/b"),
    case("MQTT-4.7.1-1", "# after text", "a#"),
    case("MQTT-4.7.1-1", "# after text in a later level", "a/b#"),
    case("MQTT-4.7.1-1", "# before text", "#a"),
    case("MQTT-4.7.1-1", "# twice", "##"),
    case("MQTT-4.7.1-1", "# before a level", "#/a"),
    case("MQTT-4.7.1-1", "# before an empty level", "#/"),
    case("MQTT-4.7.1-2", "+ after text", "a+"),
    case("MQTT-4.7.1-2", "+ before text", "+a"),
    case("MQTT-4.7.1-2", "+ after text in a later level", "a/b+/c"),
    case("MQTT-4.7.1-2", "+ twice", "++"),
    case("MQTT-4.7.1-2", "+ and #", "+#"),
    case("MQTT-4.7.3-1", "empty", ""),
    case("MQTT-4.8.2-1", "share without a name", "$share//a"),
    case("MQTT-4.8.2-2", "share name with +", "$share/g+/a"),
    case("MQTT-4.8.2-2", "share name with #", "$share/#/a"),
    case("MQTT-4.8.2-2", "share without a filter", "$share/g"),
    case("MQTT-4.8.2-2", "share with an empty filter", "$share/g/"),
    case("MQTT-4.8.2-2", "share of a wrong filter", "$share/g/a#"),
])
@pytest.mark.parametrize("version", [4, 5])
def test_a_wrong_filter_is_refused(broker, version, filter):
    """By SUBACK or by closing; a shared one below version 5 as well."""
    peer = broker.connect(version=version)
    peer.send(packets.subscribe(1, (filter, 0), version=version))
    got = peer.drain()
    if got and got[0].type == SUBACK:
        assert got[0].reasons in ((0x8F,), (0x80,))
    else:
        assert [packet.reason for packet in got] in ([], [0x8F], [0x81], [0x82])
        peer.expect_end()


@normative("MQTT-4.7.2-1")
def test_a_leading_wildcard_does_not_match_topics_with_a_dollar(broker, topic):
    """Neither $SYS, which is full of retained messages, nor any other."""
    name = f"${topic}/x"
    peer, exact = broker.connect(), broker.connect()
    exact.subscribe(name)
    for filter in ("#", "+/#", "+/x", f"+/{topic}/x"):
        peer.subscribe(filter)
    peer.publish(name, b"hidden", retain=True)
    peer.publish(topic + "/x", b"seen")
    got = peer.drain(1.5)  # longer than the interval of $SYS
    assert any(packet.topic == topic + "/x" for packet in got)
    assert not [packet for packet in got if packet.topic.startswith("$")]
    assert exact.message().payload == b"hidden"
    peer.subscribe(f"${topic}/#")
    assert peer.take(PUBLISH).topic == name


@normative("MQTT-4.7.3-1")
def test_one_character_is_enough(broker):
    for name in ("/", unique()[-1]):
        peer = broker.connect()
        assert peer.subscribe(name) == (0,)
        peer.publish(name, b"x")
        assert peer.message().topic == name


@normative("MQTT-4.7.3-3")
def test_the_longest_topic_works(broker):
    """65,535 bytes, as name and as filter."""
    name = unique() + "/" + "x" * 65535
    name = name[:65535]
    peer = broker.connect()
    assert peer.subscribe(name) == (0,)
    peer.publish(name, b"x")
    assert peer.message().topic == name
    assert peer.unsubscribe(name) == (0,)


@normative("MQTT-4.7.3-4")
@pytest.mark.parametrize("one, other", [
    case("", "case", "a", "A"),
    case("", "composed and decomposed", "\u00e9", "e\u0301"),
    case("", "compatibility", "\ufb01", "fi"),
    case("", "full width", "\uff0f", "/"),
    case("", "leading separator", "a", "/a"),
    case("", "trailing separator", "a", "a/"),
    case("", "double separator", "a/b", "a//b"),
    case("", "space", "a", "a "),
    case("", "dots", "a/b", "a/./b"),
    case("", "escapes", "a/b", "a%2Fb"),
])
def test_names_that_differ_are_different(broker, topic, one, other):
    one, other = topic + "/x" + one, topic + "/x" + other
    peers = [broker.connect(), broker.connect()]
    peers[0].subscribe(one)
    peers[1].subscribe(other)
    for name in (one, other):
        peers[0].publish(name, b"x", retain=True)
    for peer, name in zip(peers, (one, other)):
        assert peer.message().topic == name
        peer.expect_nothing()


def test_odd_level_names_break_nothing(broker, topic):
    """Each is just a level. All subscriptions stand at once, and all are removed again."""
    odd = ["", " ", ".", "..", "\\", "\"", "'", "%s", "{}", "null", "0", "-1", "$", "$SYS",
           "$share", "\ufeff", "\U0010fffd", "a" * 500, "*", "?", ",", "\t", "\x7f", "<a>", ";--"]
    names = [f"{topic}/{level}/{level}" for level in odd]
    peer = broker.connect()
    peer.subscribe(*names, retain_handling=2)  # else what comes live may come as retained too
    for name in names:
        peer.publish(name, name.encode(), retain=True)
        got = peer.message()
        assert got.topic == name and got.payload == name.encode()
    assert peer.unsubscribe(*names) == (0,) * len(names)
    peer.subscribe(topic + "/+/+")
    assert {got.topic for got in peer.messages(len(names))} == {*names}
