"""Paho C, by Debian's example programs: paho_c_* stand on its asynchronous library, paho_cs_* on
the synchronous one. They always begin a session anew, so none is resumed here."""

import re
import signal

import pytest

from harness.cases import unique
from programs import run

each_library = pytest.mark.parametrize("library", ["paho_c", "paho_cs"])
each_version = pytest.mark.parametrize("version", [31, 311, 5])

RECEIVED = re.compile(r"<- PUBLISH .* qos: (?P<qos>\d) retained: (?P<retained>\d) "
                      r"payload len\(\d+\): (?P<payload>.*)")


class Subscriber:
    """A program that prints the payloads that come, and traces the packets."""

    def __init__(self, program):
        self.program = program
        self.came = {}
        program.until("<- SUBACK")

    def hear(self, payload):
        """Waits until this is printed. Returns how it came: (QoS, is it retained)."""
        while (line := self.program.line()) != payload:
            assert line is not None, f"no {payload!r}"
            if found := RECEIVED.search(line):
                self.came[found["payload"]] = int(found["qos"]), found["retained"] == "1"
        return self.came[payload]

    def leave(self):
        self.program.process.send_signal(signal.SIGINT)
        self.program.end()


@pytest.fixture
def subscribe(broker, watch, topic):
    def start(library, version, *options, client_id=None):
        program = watch(f"{library}_sub", "-h", "127.0.0.1", "-p", broker.port, "-V", version,
                        "-i", client_id or unique(), "-t", topic, "--trace", "protocol", *options)
        return Subscriber(program)

    return start


@pytest.fixture
def publish(broker, topic):
    def start(library, version, *options):
        run(f"{library}_pub", "-h", "127.0.0.1", "-p", broker.port, "-V", version,
            "-i", unique(), "-t", topic, *options)

    return start


@each_library
@each_version
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_delivers_at_each_qos(subscribe, publish, library, version, qos):
    subscriber = subscribe(library, version, "-q", qos)
    for payload in ("one", "two"):
        publish(library, version, "-q", qos, "-m", payload)
        assert subscriber.hear(payload) == (qos, False)
    subscriber.leave()


@each_library
@each_version
def test_retained_message_is_kept_and_cleared(subscribe, publish, library, version):
    publish(library, version, "-q", 1, "-r", "-m", "kept")
    assert subscribe(library, version, "-q", 1).hear("kept") == (1, True)
    publish(library, version, "-q", 1, "-r", "-n")
    late = subscribe(library, version, "-q", 1)
    publish(library, version, "-q", 1, "-m", "next")
    assert late.hear("next") == (1, False)
    assert "kept" not in late.came


@each_library
@each_version
def test_will_is_sent_for_a_client_that_is_gone(subscribe, topic, library, version):
    watcher = subscribe(library, version, "-q", 1)
    will = "--will-topic", topic, "--will-payload", "gone", "--will-qos", 1
    subscribe(library, version, *will).program.kill()
    assert watcher.hear("gone") == (1, False)


@each_library
def test_properties_are_sent(broker, publish, topic, library):
    peer = broker.connect()
    peer.subscribe(topic)
    publish(library, 5, "-m", "x", "--user-property", "k", "v", "--message-expiry", 300)
    got = peer.message().properties
    assert got["user_property"] == [("k", "v")]
    assert 0 < got["message_expiry"] <= 300


@each_library
def test_properties_arrive(broker, subscribe, topic, library):
    subscriber = subscribe(library, 5, "-v")
    broker.connect().publish(topic, b"x", content_type="text/plain", response_topic="answer",
                             correlation_data=b"c", user_property=[("k", "v"), ("k", "w")])
    for said in ("CONTENT_TYPE value len text/plain", "RESPONSE_TOPIC value len answer",
                 "CORRELATION_DATA value len c", "USER_PROPERTY key k value v",
                 "USER_PROPERTY key k value w"):
        assert subscriber.program.until("Property name") == f"Property name {said}"


def test_taken_over_is_told_so(broker, subscribe):
    """The asynchronous library alone traces DISCONNECT."""
    name = unique()
    subscriber = subscribe("paho_c", 5, client_id=name)
    broker.connect(name)
    subscriber.program.until("<- DISCONNECT (142)")
