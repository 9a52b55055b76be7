"""Section 3.1: which CONNECT is accepted and which refused, byte by byte."""

import string

import pytest

from harness import packets
from harness.cases import case, normative, unique
from harness.packets import CONNACK, Will

# Each packet but CONNECT that a client, or anybody, may begin with.
OTHER_FIRST_PACKETS = [
    case("", "type 0", "00 00"),
    case("", "CONNACK", "20 03 00 00 00"),
    case("", "PUBLISH", packets.publish("a", b"x")),
    case("", "PUBACK", packets.puback(1)),
    case("", "PUBREC", packets.pubrec(1)),
    case("", "PUBREL", packets.pubrel(1)),
    case("", "PUBCOMP", packets.pubcomp(1)),
    case("", "SUBSCRIBE", packets.subscribe(1, ("a", 0))),
    case("", "SUBACK", "90 04 0001 00 00"),
    case("", "UNSUBSCRIBE", packets.unsubscribe(1, "a")),
    case("", "UNSUBACK", "b0 04 0001 00 00"),
    case("", "PINGREQ", packets.pingreq()),
    case("", "PINGRESP", "d0 00"),
    case("", "DISCONNECT", packets.disconnect()),
    case("", "AUTH", packets.auth(0x19, authentication_method="x")),
]


@normative("MQTT-3.1.0-1", "MQTT-3.14.0-1")
@pytest.mark.parametrize("packet", OTHER_FIRST_PACKETS)
def test_the_first_packet_is_connect(broker, packet):
    peer = broker.dial()
    peer.send(packet)
    assert peer.expect_close() is None


@normative("MQTT-3.1.0-2", "MQTT-3.2.0-2")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_second_connect_ends_the_connection(broker, version):
    client_id = unique()
    peer = broker.connect(client_id, version)
    peer.send(packets.connect(client_id, version))
    peer.expect_close(0x82)


# Variable headers of CONNECT, from the protocol name on; a client identifier follows.
@normative("MQTT-3.14.0-1", "MQTT-3.1.4-1", "MQTT-3.2.2-7", "MQTT-3.2.2-8", "MQTT-4.13.2-1")
@pytest.mark.parametrize("header", [
    case("MQTT-3.1.2-1", "no name", "0000 05 02 0000 00"),
    case("MQTT-3.1.2-1", "name in lower case", "0004 6d717474 05 02 0000 00"),
    case("MQTT-3.1.2-1", "longer name", "0005 4d51545458 05 02 0000 00"),
    case("MQTT-3.1.2-1", "shorter name", "0003 4d5154 05 02 0000 00"),
    case("MQTT-3.1.2-1", "name of MQTT 3.1 at level 5", "0006 4d5149736470 05 02 0000 00"),
    case("MQTT-3.1.2-2", "level 6", "0004 4d515454 06 02 0000 00"),
    case("MQTT-3.1.2-2", "level 7", "0004 4d515454 07 02 0000 00"),
    case("MQTT-3.1.2-2", "level 9", "0004 4d515454 09 02 0000 00"),
    case("MQTT-3.1.2-2", "level 255", "0004 4d515454 ff 02 0000 00"),
])
def test_name_and_level_must_be_known(broker, header):
    peer = broker.dial()
    peer.send(packets.packet(0x10, bytes.fromhex(header), packets.string("c")))
    last = peer.expect_close()
    assert last is None or last.reason == 0x84


@normative("MQTT-3.1.2-2", "MQTT311-3.1.2-2")
@pytest.mark.parametrize("header", [
    case("", "level 0", "0004 4d515454 00 02 0000"),
    case("", "level 1", "0004 4d515454 01 02 0000"),
    case("", "level 2", "0004 4d515454 02 02 0000"),
    case("", "level 3 under the name MQTT", "0004 4d515454 03 02 0000"),
    case("", "name of MQTT 3.1 at level 4", "0006 4d5149736470 04 02 0000"),
])
def test_lower_levels_are_told_in_the_older_form(broker, header):
    peer = broker.dial(version=4)
    peer.send(packets.packet(0x10, bytes.fromhex(header), packets.string("c")))
    peer.expect(bytes.fromhex("20 02 00 01"))
    peer.expect_end()


# What stands after "MQTT" and 05 in a CONNECT: flags, keep alive, properties, payload.
@normative("MQTT-3.14.0-1", "MQTT-3.1.4-1", "MQTT-3.2.2-7", "MQTT-3.2.2-8", "MQTT-4.13.1-1",
           "MQTT-4.13.2-1")
@pytest.mark.parametrize("rest", [
    case("MQTT-3.1.2-3", "reserved flag", "03 0000 00 0001 63"),
    case("MQTT-3.1.2-9", "will flag without a will", "06 0000 00 0001 63"),
    case("MQTT-3.1.2-9", "will without a topic", "06 0000 00 0001 63 00"),
    case("MQTT-3.1.2-9", "will without a payload", "06 0000 00 0001 63 00 0001 74"),
    case("MQTT-3.1.2-9", "will with half a payload", "06 0000 00 0001 63 00 0001 74 0002 70"),
    case("MQTT-3.1.2-9", "will without properties", "06 0000 00 0001 63 0001 74 0001 70"),
    case("MQTT-3.1.2-11", "will QoS 1 without a will", "0a 0000 00 0001 63"),
    case("MQTT-3.1.2-11", "will QoS 2 without a will", "12 0000 00 0001 63"),
    case("MQTT-3.1.2-12", "will QoS 3", "1e 0000 00 0001 63 00 0001 74 0001 70"),
    case("MQTT-3.1.2-13", "will retain without a will", "22 0000 00 0001 63"),
    case("MQTT-3.1.2-16", "user name without its flag", "02 0000 00 0001 63 0001 75"),
    case("MQTT-3.1.2-17", "user name flag alone", "82 0000 00 0001 63"),
    case("MQTT-3.1.2-17", "half a user name", "82 0000 00 0001 63 0002 75"),
    case("MQTT-3.1.2-18", "password without its flag", "82 0000 00 0001 63 0001 75 0001 70"),
    case("MQTT-3.1.2-19", "password flag alone", "c2 0000 00 0001 63 0001 75"),
    case("MQTT-3.1.2-19", "half a password", "c2 0000 00 0001 63 0001 75 0002 70"),
    case("MQTT-3.1.3-3", "no payload", "02 0000 00"),
    case("MQTT-3.1.3-3", "half a client identifier", "02 0000 00 0002 63"),
    case("MQTT-2.2.2-1", "no length of properties", "02 0000"),
    case("", "properties beyond the packet", "02 0000 20 0001 63"),
    case("", "cut after the flags", "02"),
    case("", "nothing after the level", ""),
])
def test_a_malformed_connect_is_refused(broker, rest):
    peer = broker.dial()
    peer.send(packets.packet(0x10, packets.string("MQTT"), packets.u8(5), bytes.fromhex(rest)))
    peer.expect_close(0x81)


@normative("MQTT-3.14.0-1", "MQTT-3.1.4-1", "MQTT-3.2.2-8")
@pytest.mark.parametrize("fields", [
    case("", "receive maximum 0", {"receive_maximum": 0}),
    case("", "maximum packet size 0", {"maximum_packet_size": 0}),
    case("", "request problem information 2", {"request_problem_information": 2}),
    case("", "request response information 2", {"request_response_information": 2}),
    case("", "session expiry twice", {"session_expiry": [1, 1]}),
    case("", "receive maximum twice", {"receive_maximum": [1, 1]}),
    case("", "maximum packet size twice", {"maximum_packet_size": [100, 100]}),
    case("", "topic alias maximum twice", {"topic_alias_maximum": [1, 1]}),
    case("", "request problem information twice", {"request_problem_information": [0, 0]}),
    case("", "request response information twice", {"request_response_information": [0, 0]}),
    case("", "authentication method twice", {"authentication_method": ["a", "a"]}),
    case("", "authentication data alone", {"authentication_data": b"x"}),
    case("", "a property of PUBLISH", {"topic_alias": 1}),
    case("", "a property of CONNACK", {"maximum_qos": 1}),
    case("", "a property of wills", {"will_delay": 1}),
    case("", "a property of SUBSCRIBE", {"subscription_identifier": 1}),
])
def test_a_connect_with_wrong_properties_is_refused(broker, fields):
    peer = broker.dial()
    peer.send(packets.connect("c", **fields))
    peer.expect_close(0x81, 0x82)


@normative("MQTT-3.1.4-1")
@pytest.mark.parametrize("properties", [
    case("", "delay twice", {"will_delay": [1, 1]}),
    case("", "payload format 2", {"payload_format": 2}),
    case("", "message expiry twice", {"message_expiry": [1, 1]}),
    case("", "a property of CONNECT", {"session_expiry": 1}),
    case("", "a property of PUBLISH", {"topic_alias": 1}),
    case("", "response topic with a wildcard", {"response_topic": "a/#"}),
])
def test_a_will_with_wrong_properties_is_refused(broker, properties):
    peer = broker.dial()
    peer.send(packets.connect("c", will=Will("t", properties=properties)))
    peer.expect_close(0x81, 0x82, 0x90)


@normative("MQTT-4.7.0-1", "MQTT-4.7.3-1", "MQTT-3.14.0-1")
@pytest.mark.parametrize("topic", ["a/+", "#", "a/b#", ""])
@pytest.mark.parametrize("version", [4, 5])
def test_a_will_topic_is_a_topic_name(broker, version, topic):
    peer = broker.dial(version)
    peer.send(packets.connect(unique(), version, will=Will(topic)))
    peer.expect_close(0x81, 0x82, 0x90)


@normative("MQTT-3.1.3-1", "MQTT-3.1.2-17", "MQTT-3.1.2-19", "MQTT-3.1.2-9", "MQTT-3.1.4-5")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_all_fields_together_are_accepted_in_their_order(broker, topic, version):
    """The will that comes out shows that each field was read where it stands."""
    watcher = broker.connect(version=version)
    watcher.subscribe(topic)
    peer = broker.connect(version=version, keep_alive=60, user_name="user", password=b"\0secret",
                          will=Will(topic, b"last words", qos=1))
    peer.ping()
    peer.abort()
    assert watcher.message().payload == b"last words"


@normative("MQTT-3.1.2-16", "MQTT-3.1.2-18", "MQTT-3.1.2-19")
def test_each_of_user_name_and_password_may_be_missing(broker):
    broker.connect(user_name="user")
    broker.connect(password=b"secret")
    broker.connect(user_name="", password=b"")


@normative("MQTT-3.1.4-5", "MQTT-3.2.0-2", "MQTT-3.2.2-1", "MQTT-3.2.2-2", "MQTT-3.2.2-8")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_an_accepted_connect_gets_one_connack(broker, version):
    peer = broker.connect(version=version)
    assert not peer.connack.session_present
    peer.expect_nothing()


@normative("MQTT-3.1.3-5")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_letters_and_digits_are_client_identifiers(broker, version):
    all_of_them = string.ascii_letters + string.digits
    for client_id in ["a", "Z", "0", all_of_them[:23], all_of_them[23:46], all_of_them[-23:]]:
        broker.connect(client_id, version)


@normative("MQTT-3.1.3-8", "MQTT-3.1.4-1", "MQTT-3.2.2-7")
def test_a_refused_client_identifier_ends_the_connection(broker):
    peer = broker.dial()
    peer.send(packets.connect("i" * 65535))
    peer.expect_close(0x85)


@normative("MQTT-3.1.3-6", "MQTT-3.1.3-7", "MQTT-3.2.2-16", "MQTT-3.1.3-2")
def test_an_empty_client_identifier_gets_one_assigned_that_resumes(broker, topic):
    """Many of them, as each core assigns its own."""
    peers = [broker.connect("", session_expiry=300) for _ in range(40)]
    ids = [peer.connack.properties["assigned_client_id"] for peer in peers]
    assert len(set(ids)) == len(ids) and "" not in ids

    peers[7].subscribe(topic, qos=1)
    peers[7].disconnect()
    peers[8].disconnect()
    peers[9].publish(topic, b"queued", qos=1)
    resumed = broker.connect(ids[7], clean=False)
    assert resumed.connack.session_present
    assert resumed.message().payload == b"queued"
    other = broker.connect(ids[8], clean=False)
    assert other.connack.session_present
    other.expect_nothing()


@normative("MQTT-3.1.3-2", "MQTT-4.7.3-4")
def test_client_identifiers_are_compared_byte_for_byte(broker, topic):
    """Each has its own session: none is taken over by, or resumes that of, another."""
    base = unique("c")
    ids = [base, base.upper(), *(base + end for end in (" ", "/", "\u00e9", "e\u0301", "\ufeff"))]
    peers = [broker.connect(id, session_expiry=300) for id in ids]
    for id, peer in zip(ids, peers):
        peer.subscribe(f"{topic}/{ids.index(id)}", qos=1)
    for peer in peers:
        peer.disconnect()
    publisher = broker.connect()
    for number in range(len(ids)):
        publisher.publish(f"{topic}/{number}", b"%d" % number, qos=1)
    for number, id in enumerate(ids):
        peer = broker.connect(id, clean=False)
        assert [got.payload for got in peer.drain()] == [b"%d" % number]


@normative("MQTT-3.1.4-6", "MQTT-3.2.2-7")
@pytest.mark.parametrize("version, refused", [
    case("", "MQTT 5", 5, packets.connect("i" * 65535)),
    case("", "MQTT 5, authentication method", 5, packets.connect("c", authentication_method="?")),
    case("MQTT311-3.1.4-5", "MQTT 3.1.1", 4, packets.connect("", version=4, clean=False)),
])
def test_what_follows_a_refused_connect_is_ignored(broker, topic, version, refused):
    watcher = broker.connect()
    watcher.subscribe(topic)
    peer = broker.dial(version)
    peer.send(refused,
              packets.subscribe(1, (topic, 0), version=version),
              packets.publish(topic, b"sneaked in", version=version, retain=True),
              packets.pingreq())
    peer.expect_close()
    watcher.expect_nothing()
    watcher.subscribe(topic)  # would show what was retained
    watcher.expect_nothing()


@normative("MQTT-3.1.4-3")
@pytest.mark.parametrize("clean", [True, False])
def test_a_client_identifier_is_taken_over(broker, topic, clean):
    """The older connection is told and closed, its will without a delay is sent."""
    client_id = unique()
    watcher = broker.connect()
    watcher.subscribe(topic)
    old = broker.connect(client_id, session_expiry=300, will=Will(topic))
    old.subscribe(topic + "/x", qos=1)
    new = broker.connect(client_id, clean=clean)
    assert new.connack.session_present == (not clean)
    assert old.expect_close(0x8E)
    assert watcher.message().payload == b"will"
    new.ping()


@normative("MQTT-3.1.4-3")
def test_of_many_taking_over_exactly_one_remains(broker):
    """From all cores at once."""
    client_id = unique()
    peers = [broker.dial() for _ in range(40)]
    for peer in peers:
        peer.send(packets.connect(client_id))
    for peer in peers:
        assert peer.expect(CONNACK).reason == 0
    for peer in peers:
        peer.send(packets.pingreq())
    last_words = [peer.drain() for peer in peers]
    alive = [got for got in last_words if [packet.type for packet in got] == [packets.PINGRESP]]
    assert len(alive) == 1
    assert sum(got[-1].type == packets.DISCONNECT and got[-1].reason == 0x8E
               for got in last_words if got) == len(peers) - 1


@normative("MQTT-3.1.2-28")
def test_no_response_information_unless_requested(broker):
    """The rules refuse it on every connection that did not ask."""
    for fields in ({}, {"request_response_information": 0}):
        assert "response_information" not in broker.connect(**fields).connack.properties
    broker.connect(request_response_information=1)


@normative("MQTT-4.12.0-1", "MQTT-3.2.2-7", "MQTT-3.2.2-8")
def test_an_unknown_authentication_method_is_refused(broker):
    peer = broker.dial()
    peer.send(packets.connect("c", authentication_method="no such", authentication_data=b"x"))
    peer.expect_close(0x8C)
