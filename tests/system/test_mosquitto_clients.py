"""mosquitto_pub and mosquitto_sub, as Debian has them."""

import pytest

from harness.cases import unique
from programs import run

VERSIONS = ("mqttv31", "mqttv311", "mqttv5")
versions = pytest.mark.parametrize("version", VERSIONS)
each_qos = pytest.mark.parametrize("qos", [0, 1, 2])


@pytest.fixture
def publish(broker, topic):
    def start(*options):
        return run("mosquitto_pub", "-p", broker.port, "-t", topic, *options)

    return start


@pytest.fixture
def subscribe(broker, topic):
    """Runs a subscriber to its end; returns its lines."""
    def start(*options):
        return run("mosquitto_sub", "-p", broker.port, "-t", topic, *options)[0].splitlines()

    return start


@versions
@each_qos
def test_delivers_at_each_qos(listen, publish, version, qos):
    subscriber = listen("mosquitto_sub", "-V", version, "-q", qos, "-C", 3, "-F", "%q %p")
    publish("-V", version, "-q", qos, "-m", "one")
    publish("-V", version, "-q", qos, "-m", "two")
    assert subscriber.end() == [f"{qos} one", f"{qos} two"]


@versions
def test_versions_meet(listen, publish, version):
    """What one version publishes, the others receive."""
    subscribers = [listen("mosquitto_sub", "-V", other, "-q", 2, "-C", 2) for other in VERSIONS]
    publish("-V", version, "-q", 2, "-m", "met")
    assert [subscriber.end() for subscriber in subscribers] == [["met"]] * 3


@versions
def test_retained_message_is_kept_and_cleared(publish, subscribe, version):
    publish("-V", version, "-q", 1, "-r", "-m", "kept")
    assert subscribe("-V", version, "-C", 1, "-F", "%r %p") == ["1 kept"]
    publish("-V", version, "-q", 1, "-r", "-n")
    publish("-V", version, "-q", 1, "-r", "-m", "new")
    assert subscribe("-V", version, "-C", 1) == ["new"]


@versions
def test_will_is_sent_for_a_client_that_is_gone(broker, watch, listen, topic, version):
    subscriber = listen("mosquitto_sub", "-V", version, "-q", 1, "-C", 2, "-F", "%q %p")
    sign = unique("r")
    broker.connect().publish(sign, b"ready", qos=1, retain=True)
    doomed = watch("mosquitto_sub", "-p", broker.port, "-V", version, "-t", sign,
                   "--will-topic", topic, "--will-payload", "gone", "--will-qos", 1)
    doomed.until("ready")
    doomed.kill()
    assert subscriber.end() == ["1 gone"]


@versions
@pytest.mark.parametrize("qos", [1, 2])
def test_session_is_resumed(publish, subscribe, version, qos):
    session = ["-V", version, "-c", "-i", unique(), "-q", qos]
    if version == "mqttv5":
        session += ["-x", 300]
    assert subscribe(*session, "-E") == []
    publish("-q", qos, "-m", "one")
    publish("-q", qos, "-m", "two")
    assert subscribe(*session, "-C", 2, "-F", "%q %p") == [f"{qos} one", f"{qos} two"]


def test_properties_arrive(listen, publish):
    subscriber = listen("mosquitto_sub", "-V", 5, "-C", 2, "-F", "%C|%R|%D|%P|%p")
    publish("-V", 5, "-m", "x", "-D", "publish", "content-type", "text/plain",
            "-D", "publish", "response-topic", "answer", "-D", "publish", "correlation-data", "7",
            "-D", "publish", "user-property", "k", "v")
    assert subscriber.end() == ["text/plain|answer|7|k:v|x"]


def test_message_expiry_goes_along(listen, publish):
    subscriber = listen("mosquitto_sub", "-V", 5, "-C", 2, "-F", "%E %p")
    publish("-V", 5, "-m", "x", "-D", "publish", "message-expiry-interval", 300)
    (got,) = subscriber.end()
    assert 0 < int(got.removesuffix(" x")) <= 300


def test_taken_over_is_told_so(broker, listen):
    name = unique()
    subscriber = listen("mosquitto_sub", "-V", 5, "-d", "-i", name)
    broker.connect(name)
    subscriber.until("Received DISCONNECT (142)")


def test_large_message(listen, publish, tmp_path):
    (tmp_path / "large").write_text("x" * 900_000)
    subscriber = listen("mosquitto_sub", "-q", 2, "-C", 2)
    publish("-q", 2, "-f", tmp_path / "large")
    assert subscriber.end() == ["x" * 900_000]


@pytest.mark.parametrize("qos", [1, 2])
def test_many_messages_keep_their_order(broker, listen, topic, qos):
    lines = [str(number) for number in range(500)]
    subscriber = listen("mosquitto_sub", "-q", qos, "-C", 501)
    run("mosquitto_pub", "-p", broker.port, "-t", topic, "-q", qos, "-l", stdin="\n".join(lines))
    assert subscriber.end() == lines
