"""Paho's Python client, version 1.6."""

import queue

import pytest

from harness.cases import unique
from programs import GUARD

paho = pytest.importorskip("paho.mqtt.client")
from paho.mqtt.packettypes import PacketTypes  # noqa: E402
from paho.mqtt.properties import Properties  # noqa: E402

each_version = pytest.mark.parametrize("version", [paho.MQTTv31, paho.MQTTv311, paho.MQTTv5])


class Client:
    """A client with its own thread, whose events are waited for."""

    def __init__(self, port, version, client_id=None, keeps_session=False, will=None):
        self.is_gone = False
        self.events = {name: queue.Queue() for name in ("connack", "suback", "message")}
        how = {} if version == paho.MQTTv5 else {"clean_session": not keeps_session}
        self.client = client = paho.Client(client_id or unique(), protocol=version, **how)
        client.on_connect = lambda *args: self.events["connack"].put((args[2], args[3]))
        client.on_subscribe = lambda *args: self.events["suback"].put(args[3])
        client.on_message = lambda *args: self.events["message"].put(args[2])
        if will:
            client.will_set(*will)
        how = {}
        if version == paho.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 300 if keeps_session else 0
            how = {"clean_start": not keeps_session, "properties": properties}
        client.connect("127.0.0.1", port, **how)
        client.loop_start()
        flags, code = self.wait("connack")
        assert code == 0
        self.is_resumed = bool(flags["session present"])

    def wait(self, event):
        return self.events[event].get(timeout=GUARD)

    def subscribe(self, topic, qos=0):
        self.client.subscribe(topic, qos)
        (granted,) = self.wait("suback")
        assert getattr(granted, "value", granted) == qos

    def publish(self, topic, payload, qos=0, **fields):
        sent = self.client.publish(topic, payload, qos, **fields)
        sent.wait_for_publish(GUARD)
        assert sent.is_published()

    def close(self):
        if self.is_gone:
            return
        self.client.disconnect()
        self.client.loop_stop()

    def abort(self):
        self.client.loop_stop()
        self.client.socket().close()
        self.is_gone = True


@pytest.fixture
def connect(broker):
    clients = []

    def start(version, *args, **kwargs):
        clients.append(Client(broker.port, version, *args, **kwargs))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@each_version
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_delivers_at_each_qos(connect, topic, version, qos):
    subscriber, publisher = connect(version), connect(version)
    subscriber.subscribe(topic, qos)
    for number in range(50):
        publisher.publish(topic, b"%d" % number, qos)
    got = [subscriber.wait("message") for _ in range(50)]
    assert [(message.payload, message.qos) for message in got] == [
        (b"%d" % number, qos) for number in range(50)]


@each_version
def test_retained_message_is_kept_and_cleared(connect, topic, version):
    publisher, early, late = connect(version), connect(version), connect(version)
    publisher.publish(topic, b"kept", 1, retain=True)
    early.subscribe(topic, 1)
    got = early.wait("message")
    assert (got.payload, got.retain) == (b"kept", True)
    publisher.publish(topic, b"", 1, retain=True)
    late.subscribe(topic, 1)
    publisher.publish(topic, b"next", 1)
    assert late.wait("message").payload == b"next"


@each_version
def test_will_is_sent_for_a_client_that_is_gone(connect, topic, version):
    watcher = connect(version)
    watcher.subscribe(topic, 1)
    connect(version, will=(topic, b"gone", 1)).abort()
    got = watcher.wait("message")
    assert (got.payload, got.qos) == (b"gone", 1)


@each_version
@pytest.mark.parametrize("qos", [1, 2])
def test_session_is_resumed(connect, topic, version, qos):
    name = unique()
    first = connect(version, name, keeps_session=True)
    first.subscribe(topic, qos)
    first.close()
    publisher = connect(version)
    for number in range(5):
        publisher.publish(topic, b"%d" % number, qos)
    again = connect(version, name, keeps_session=True)
    assert again.is_resumed or version == paho.MQTTv31  # whose CONNACK cannot say
    assert [again.wait("message").payload for _ in range(5)] == [b"%d" % n for n in range(5)]


def test_properties_arrive(connect, topic):
    subscriber, publisher = connect(paho.MQTTv5), connect(paho.MQTTv5)
    subscriber.subscribe(topic, 1)
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = "text/plain"
    properties.ResponseTopic = "answer"
    properties.UserProperty = [("k", "v"), ("k", "w")]
    publisher.publish(topic, b"x", 1, properties=properties)
    got = subscriber.wait("message").properties
    assert (got.ContentType, got.ResponseTopic) == ("text/plain", "answer")
    assert got.UserProperty == [("k", "v"), ("k", "w")]


def test_message_expiry_goes_along(connect, topic):
    subscriber, publisher = connect(paho.MQTTv5), connect(paho.MQTTv5)
    subscriber.subscribe(topic, 1)
    properties = Properties(PacketTypes.PUBLISH)
    properties.MessageExpiryInterval = 300
    publisher.publish(topic, b"x", 1, properties=properties)
    assert 0 < subscriber.wait("message").properties.MessageExpiryInterval <= 300
