"""The rules themselves: a check that never fails proves nothing."""

import pytest

from harness import packets
from harness.cases import case
from harness.packets import Malformed
from harness.rules import Rules, Violation

CONNACK = "20 03 00 00 00"


@pytest.mark.parametrize("asked, received", [
    case("", "length not in its shortest form", {}, ["20 83 00 00 00 00"]),
    case("", "property length not in its shortest form", {}, ["20 04 00 00 80 00"]),
    case("", "bytes after the end", {}, ["20 04 00 00 00 00"]),
    case("", "no length of properties", {}, ["20 02 00 00"]),
    case("", "flags of a ping", {}, [CONNACK, "d1 00"]),
    case("", "acknowledge flags", {}, ["20 03 02 00 00"]),
    case("", "session present in a refusal", {}, ["20 03 01 80 00"]),
    case("", "reason not listed in CONNACK", {}, ["20 03 00 04 00"]),
    case("", "no CONNACK", {}, ["d0 00"]),
    case("", "a second CONNACK", {}, [CONNACK, CONNACK]),
    case("", "something after a refusal", {}, ["20 03 00 80 00", "d0 00"]),
    case("", "something after DISCONNECT", {}, [CONNACK, "e0 00", "d0 00"]),
    case("", "a packet of a client", {}, [CONNACK, "c0 00"]),
    case("", "reason not listed in DISCONNECT", {}, [CONNACK, "e0 01 04"]),
    case("", "session expiry in DISCONNECT", {},
         [CONNACK, packets.disconnect(0, session_expiry=1)]),
    case("", "AUTH without a method", {}, [CONNACK, "f0 00"]),
    case("", "property twice", {}, ["20 09 00 00 06 21 0001 21 0001"]),
    case("", "property that does not exist", {}, ["20 05 00 00 02 7f 00"]),
    case("", "property that is not allowed", {}, ["20 05 00 00 02 01 01"]),
    case("", "receive maximum 0", {}, ["20 06 00 00 03 21 0000"]),
    case("", "maximum QoS 2", {}, ["20 05 00 00 02 24 02"]),
    case("", "response information", {}, ["20 06 00 00 03 1a 0000"]),
    case("", "an assigned identifier for who has one", {}, ["20 07 00 00 04 12 0001 61"]),
    case("", "no identifier for who has none", {"client_id": ""}, [CONNACK]),
    case("", "larger than the client takes", {"maximum_packet_size": 4}, [CONNACK]),
    case("", "an explanation for who wants none", {"request_problem_information": 0},
         [CONNACK, packets.puback(1, 0x80, reason_string="")]),
    case("", "DUP at QoS 0", {}, [CONNACK, "38 04 0001 61 00"]),
    case("", "QoS 3", {}, [CONNACK, "36 06 0001 61 0001 00"]),
    case("", "empty topic", {}, [CONNACK, packets.publish("")]),
    case("", "wildcard in a topic", {}, [CONNACK, packets.publish("a/#")]),
    case("", "topic no UTF-8", {}, [CONNACK, packets.publish(b"\xff")]),
    case("", "identifier 0", {}, [CONNACK, packets.publish("a", qos=1, packet_id=0)]),
    case("", "identifier in use", {}, [CONNACK, *[packets.publish("a", qos=1, packet_id=1)] * 2]),
    case("", "DUP without a session", {}, [CONNACK, packets.publish("a", b"", 1, 1, dup=True)]),
    case("", "beyond receive maximum", {"receive_maximum": 1},
         [CONNACK, *(packets.publish("a", qos=1, packet_id=id) for id in (1, 2))]),
    case("", "alias without a maximum", {}, [CONNACK, packets.publish("a", topic_alias=1)]),
    case("", "alias above the maximum", {"topic_alias_maximum": 1},
         [CONNACK, packets.publish("a", topic_alias=2)]),
    case("", "alias never told", {"topic_alias_maximum": 1},
         [CONNACK, packets.publish("", topic_alias=1)]),
    case("", "subscription identifier 0", {},
         [CONNACK, packets.publish("a", subscription_identifier=0)]),
    case("", "reason not listed in PUBACK", {}, [CONNACK, packets.puback(1, 0x92)]),
    case("", "reason not listed in PUBCOMP", {}, [CONNACK, packets.pubcomp(1, 0x80)]),
    case("", "SUBACK without a code", {}, [CONNACK, "90 03 0001 00"]),
    case("", "SUBACK with a wrong code", {}, [CONNACK, "90 04 0001 00 03"]),
    case("", "UNSUBACK with a wrong code", {}, [CONNACK, "b0 04 0001 00 01"]),
    case("", "acknowledgement of identifier 0", {}, [CONNACK, packets.puback(0)]),
])
def test_the_rules_notice(asked, received):
    rules = Rules(5)
    rules.sent(packets.connect(**{"client_id": "c", **asked}))
    with pytest.raises((Malformed, Violation)):
        for raw in received:
            raw = bytes.fromhex(raw) if isinstance(raw, str) else raw
            assert packets.frame(raw)[0] == len(raw)
            rules.received(packets.parse(raw, 5))


@pytest.mark.parametrize("version, received", [
    case("", "return code 6", 4, ["20 02 00 06"]),
    case("", "session present in MQTT 3.1", 3, ["20 02 01 00"]),
    case("", "properties", 4, ["20 03 00 00 00"]),
    case("", "DISCONNECT", 4, ["20 02 00 00", "e0 00"]),
    case("", "return code 0x87 in SUBACK", 4, ["20 02 00 00", "90 03 0001 87"]),
    case("", "codes in UNSUBACK", 4, ["20 02 00 00", "b0 03 0001 00"]),
    case("", "a reason in PUBACK", 4, ["20 02 00 00", "40 03 0001 00"]),
])
def test_the_rules_notice_before_version_5(version, received):
    rules = Rules(version)
    rules.sent(packets.connect("c", version=version))
    with pytest.raises((Malformed, Violation)):
        for raw in map(bytes.fromhex, received):
            rules.received(packets.parse(raw, version))
