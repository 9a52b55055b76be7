"""Chapter 1: strings, string pairs and variable byte integers."""

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.packets import Will

NOT_UTF8 = {
    "a lone continuation byte": b"a\x80",
    "a cut character of two bytes": b"a\xc3",
    "a cut character of three bytes": b"a\xe2\x82",
    "a cut character of four bytes": b"a\xf0\x9f\x98",
    "a cut character and more": b"\xe2\x82a",
    "'/' in two bytes": b"\xc0\xaf",
    "'/' in three bytes": b"\xe0\x80\xaf",
    "'/' in four bytes": b"\xf0\x80\x80\xaf",
    "U+0000 in two bytes": b"\xc0\x80",
    "U+07FF in three bytes": b"\xe0\x9f\xbf",
    "U+FFFF in four bytes": b"\xf0\x8f\xbf\xbf",
    "the first surrogate": b"\xed\xa0\x80",
    "the last surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x81\xed\xb0\x80",
    "U+110000": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "0xFE": b"a\xfeb",
    "0xFF": b"\xff",
}
WITH_U0000 = {"U+0000": b"a\0b", "U+0000 alone": b"\0"}


# Each field of a client's packet that holds text, as a packet around it.
CONNECT_TEXT = [
    case("MQTT-3.1.3-4", "client identifier", lambda text: packets.connect(text)),
    case("MQTT-3.1.3-12", "user name", lambda text: packets.connect("c", user_name=text)),
    case("MQTT-3.1.3-11", "will topic", lambda text: packets.connect("c", will=Will(text))),
    case("MQTT-1.5.7-1", "will user property, key", lambda text: packets.connect(
        "c", will=Will("t", properties={"user_property": (text, "")}))),
    case("MQTT-1.5.7-1", "will user property, value", lambda text: packets.connect(
        "c", will=Will("t", properties={"user_property": ("", text)}))),
    case("", "will content type", lambda text: packets.connect(
        "c", will=Will("t", properties={"content_type": text}))),
    case("", "will response topic", lambda text: packets.connect(
        "c", will=Will("t", properties={"response_topic": text}))),
    case("MQTT-1.5.7-1", "connect user property, key", lambda text: packets.connect(
        "c", user_property=(text, ""))),
    case("MQTT-1.5.7-1", "connect user property, value", lambda text: packets.connect(
        "c", user_property=("", text))),
    case("", "authentication method", lambda text: packets.connect(
        "c", authentication_method=text)),
]
OTHER_TEXT = [
    case("MQTT-3.3.2-1", "topic name", lambda text: packets.publish(text)),
    case("MQTT-3.3.2-13", "response topic", lambda text: packets.publish("t", response_topic=text)),
    case("MQTT-3.3.2-19", "content type", lambda text: packets.publish("t", content_type=text)),
    case("MQTT-1.5.7-1", "publish user property, key", lambda text: packets.publish(
        "t", user_property=(text, "v"))),
    case("MQTT-1.5.7-1", "publish user property, value", lambda text: packets.publish(
        "t", user_property=[("k", "v"), ("k", text)])),
    case("MQTT-3.8.3-1", "filter", lambda text: packets.subscribe(1, (text, 0))),
    case("MQTT-3.8.3-1", "second filter", lambda text: packets.subscribe(1, ("t", 0), (text, 0))),
    case("MQTT-1.5.7-1", "subscribe user property", lambda text: packets.subscribe(
        1, ("t", 0), user_property=(text, "v"))),
    case("MQTT-3.10.3-1", "filter to remove", lambda text: packets.unsubscribe(1, text)),
    case("MQTT-1.5.7-1", "unsubscribe user property", lambda text: packets.unsubscribe(
        1, "t", user_property=("k", text))),
    case("", "reason string of PUBACK", lambda text: packets.puback(1, reason_string=text)),
    case("MQTT-1.5.7-1", "user property of PUBREC", lambda text: packets.pubrec(
        1, user_property=("k", text))),
    case("", "reason string of DISCONNECT", lambda text: packets.disconnect(reason_string=text)),
]


@normative("MQTT-1.5.4-1", "MQTT-3.1.4-1")
@pytest.mark.parametrize("build", CONNECT_TEXT)
def test_text_in_connect_is_utf8(broker, build):
    for text in NOT_UTF8.values():
        peer = broker.dial()
        peer.send(build(text))
        peer.expect_close(0x81, 0x85)


@normative("MQTT-1.5.4-2")
@pytest.mark.parametrize("build", CONNECT_TEXT)
def test_text_in_connect_has_no_u0000(broker, build):
    for text in WITH_U0000.values():
        peer = broker.dial()
        peer.send(build(text))
        peer.expect_close(0x81, 0x85)


@normative("MQTT-1.5.4-1")
@pytest.mark.parametrize("build", OTHER_TEXT)
def test_text_is_utf8(broker, build):
    for text in NOT_UTF8.values():
        peer = broker.connect()
        peer.send(build(text))
        peer.expect_close(0x81)


@normative("MQTT-1.5.4-2", "MQTT-4.7.3-2")
@pytest.mark.parametrize("build", OTHER_TEXT)
def test_text_has_no_u0000(broker, build):
    for text in WITH_U0000.values():
        peer = broker.connect()
        peer.send(build(text))
        peer.expect_close(0x81)


def test_every_unicode_character_may_be_text(broker, topic):
    """The counterpart: what is well-formed passes, to the edges of each length."""
    edges = "\x20~\u00a0\u07ff\u0800\ud7ff\ue000\ufeff\ufffd\U00010000\U0010fffd"
    peer = broker.connect()
    name = f"{topic}/{edges}"
    peer.subscribe(name)
    peer.publish(name, content_type=edges, user_property=(edges, edges))
    got = peer.message()
    assert got.topic == name
    assert got.properties == {"content_type": edges, "user_property": [(edges, edges)]}


@normative("MQTT-1.5.4-3")
def test_byte_order_mark_is_a_character(broker):
    """EF BB BF is neither dropped nor ignored in comparing, not even in front."""
    name = unique("b")
    with_mark, without = broker.connect(), broker.connect()
    with_mark.subscribe("\ufeff" + name)
    without.subscribe(name)
    with_mark.publish("\ufeff" + name, b"marked")
    without.publish(name, b"plain")
    assert (got := with_mark.message()).topic == "\ufeff" + name and got.payload == b"marked"
    assert without.message().payload == b"plain"
    with_mark.expect_nothing()
    without.expect_nothing()


@normative("MQTT-1.5.5-1")
@pytest.mark.parametrize("version", [4, 5])
def test_lengths_are_sent_in_their_shortest_form(broker, topic, version):
    """The parser refuses any other; here are packets around each edge of the encoding."""
    peer = broker.connect(version=version)
    peer.subscribe(topic)
    overhead = len(packets.publish(topic, version=version)) - 2
    for length in (127, 128, 16383, 16384, 300000):
        payload = b"p" * (length - overhead)
        peer.publish(topic, payload)
        assert peer.expect(packets.publish(topic, payload, version=version)).payload == payload


@normative("MQTT-1.5.5-1")
def test_property_lengths_and_identifiers_are_sent_in_their_shortest_form(broker, topic):
    peer = broker.connect()
    for identifier in (1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455):
        peer.subscribe(topic, subscription_identifier=identifier)
        value = "v" * (identifier % 40000)  # makes the length of the properties vary as well
        peer.publish(topic, user_property=("k", value))
        got = peer.message()
        assert got.properties == {"subscription_identifier": [identifier],
                                  "user_property": [("k", value)]}
