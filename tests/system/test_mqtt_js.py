"""MQTT.js 5, by way of mqtt_js.js."""

import json
from pathlib import Path

import pytest

from harness.cases import unique

PROGRAM = Path(__file__).with_name("mqtt_js.js")
V31 = {"protocolId": "MQIsdp", "protocolVersion": 3}
V311 = {"protocolVersion": 4}
V5 = {"protocolVersion": 5}
each_version = pytest.mark.parametrize("version", [V31, V311, V5], ids=["v31", "v311", "v5"])


class Client:
    """A client in a process of its own. What happens to it are events, which are waited for."""

    def __init__(self, program):
        self.program = program
        self._unseen = []
        self.connack = self.wait("connect")

    def wait(self, event):
        """The first such event that nobody has waited for yet."""
        for at, said in enumerate(self._unseen):
            if said["event"] == event:
                return self._unseen.pop(at)
        while (said := self._next())["event"] != event:
            self._unseen.append(said)
        return said

    def _next(self):
        line = self.program.line()
        assert line and line.startswith("{"), [self._unseen, line, *self.program.rest()]
        return json.loads(line)

    def message(self):
        """The next message: (payload, QoS, is it retained)."""
        got = self.wait("message")
        return got["payload"], got["qos"], got["retain"]

    def subscribe(self, topic, qos=0, **options):
        self._do("subscribe", topic=topic, options={"qos": qos, **options})
        assert self.wait("suback")["granted"] == [qos]

    def publish(self, topic, payload, qos=0, **options):
        self._do("publish", topic=topic, payload=payload, options={"qos": qos, **options})
        self.wait("published")

    def close(self):
        self._do("end")
        self.program.end()

    def abort(self):
        self.program.kill()

    def _do(self, action, **what):
        self.program.tell(json.dumps({"do": action, **what}))


@pytest.fixture
def connect(broker, watch):
    """Starts a client: connect(V5, keepalive=10)."""
    def start(version, client_id=None, **options):
        options = {"port": broker.port, "clientId": client_id or unique(), **version, **options}
        return Client(watch("node", PROGRAM, json.dumps(options)))

    return start


def keeping(version):
    """The options of a client whose session outlives its connection."""
    properties = {"properties": {"sessionExpiryInterval": 300}} if version == V5 else {}
    return {**version, "clean": False, **properties}


@each_version
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_delivers_at_each_qos(connect, topic, version, qos):
    subscriber, publisher = connect(version), connect(version)
    subscriber.subscribe(topic, qos)
    for number in range(50):
        publisher.publish(topic, str(number), qos)
    got = [subscriber.message() for _ in range(50)]
    assert got == [(str(number), qos, False) for number in range(50)]


@each_version
def test_retained_message_is_kept_and_cleared(connect, topic, version):
    publisher, early, late = connect(version), connect(version), connect(version)
    publisher.publish(topic, "kept", 1, retain=True)
    early.subscribe(topic, 1)
    assert early.message() == ("kept", 1, True)
    publisher.publish(topic, "", 1, retain=True)
    late.subscribe(topic, 1)
    publisher.publish(topic, "next", 1)
    assert late.message() == ("next", 1, False)


@each_version
def test_will_is_sent_for_a_client_that_is_gone(connect, topic, version):
    watcher = connect(version)
    watcher.subscribe(topic, 1)
    connect(version, will={"topic": topic, "payload": "gone", "qos": 1}).abort()
    assert watcher.message() == ("gone", 1, False)


@each_version
def test_will_is_not_sent_for_a_client_that_takes_its_leave(connect, topic, version):
    watcher = connect(version)
    watcher.subscribe(topic)
    connect(version, will={"topic": topic, "payload": "gone", "qos": 0}).close()
    watcher.publish(topic, "next")
    assert watcher.message() == ("next", 0, False)


@each_version
@pytest.mark.parametrize("qos", [1, 2])
def test_session_is_resumed(connect, topic, version, qos):
    name = unique()
    first = connect(keeping(version), name)
    assert not first.connack["sessionPresent"]
    first.subscribe(topic, qos)
    first.close()
    publisher = connect(version)
    for number in range(5):
        publisher.publish(topic, str(number), qos)
    again = connect(keeping(version), name)
    assert again.connack["sessionPresent"] or version == V31  # whose CONNACK cannot say
    assert [again.message() for _ in range(5)] == [(str(n), qos, False) for n in range(5)]


def test_taken_over_is_told_so(connect):
    name = unique()
    first = connect(V5, name)
    connect(V5, name)
    assert first.wait("disconnect")["reasonCode"] == 0x8E
    first.wait("close")


def test_properties_arrive(connect, topic):
    subscriber, publisher = connect(V5), connect(V5)
    subscriber.subscribe(topic, 1, properties={"subscriptionIdentifier": 7})
    properties = {"payloadFormatIndicator": True, "contentType": "text/plain",
                  "responseTopic": "answer", "correlationData": "c",
                  "userProperties": {"k": ["v", "w"]}}
    publisher.publish(topic, "x", 1, properties=properties)
    got = subscriber.wait("message")["properties"]
    assert got == {**properties, "subscriptionIdentifier": 7}


def test_topic_aliases_both_ways(connect, topic):
    subscriber = connect(V5, properties={"topicAliasMaximum": 10})
    publisher = connect(V5, autoAssignTopicAlias=True)
    subscriber.subscribe(f"{topic}/#")
    assert publisher.connack["properties"]["topicAliasMaximum"] > 0
    sent = [(f"{topic}/{number % 4}", str(number)) for number in range(20)]
    for name, payload in sent:
        publisher.publish(name, payload)
    got = [subscriber.wait("message") for _ in sent]
    assert [(message["topic"], message["payload"]) for message in got] == sent
    assert all(message["properties"]["topicAlias"] in range(1, 11) for message in got)


def test_message_expiry_goes_along(connect, topic):
    publisher, subscriber = connect(V5), connect(V5)
    publisher.publish(topic, "x", 1, retain=True, properties={"messageExpiryInterval": 300})
    subscriber.subscribe(topic)
    assert 0 < subscriber.wait("message")["properties"]["messageExpiryInterval"] <= 300


def test_message_expires(connect, topic):
    """A delayed will tells the time: when it comes, the message is a second overdue."""
    publisher, watcher, name, clock = connect(V5), connect(V5), unique(), unique("t")
    absent = connect(keeping(V5), name)
    absent.subscribe(topic, 1)
    absent.close()
    watcher.subscribe(clock)
    publisher.publish(topic, "mortal", 1, properties={"messageExpiryInterval": 1})
    publisher.publish(topic, "lasting", 1)
    will = {"topic": clock, "payload": "", "properties": {"willDelayInterval": 2}}
    connect(keeping(V5), will=will).abort()
    watcher.message()
    assert connect(keeping(V5), name).message() == ("lasting", 1, False)


def test_session_expires(connect, topic):
    """With its session a client's will is due, however long its delay."""
    watcher, name = connect(V5), unique()
    watcher.subscribe(topic)
    short = {"clean": False, "properties": {"sessionExpiryInterval": 1}}
    will = {"topic": topic, "payload": "over", "properties": {"willDelayInterval": 3600}}
    connect(V5, name, will=will, **short).abort()
    assert watcher.message() == ("over", 0, False)
    assert not connect(V5, name, **short).connack["sessionPresent"]
