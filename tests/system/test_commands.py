"""The program itself: serve, pub, sub and check-config."""

import contextlib
import signal
import socket
import subprocess
import time

import pytest

from harness import packets
from harness.cases import case, unique
from programs import GUARD, run, starling

VERSIONS = ("mqttv31", "mqttv311", "mqttv5")
versions = pytest.mark.parametrize("version", VERSIONS)


@contextlib.contextmanager
def free_port():
    """A port that is bound and does not listen: nobody else gets it, and nobody answers."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


# --- pub and sub ----------------------------------------------------------------------------------


@versions
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_delivers_at_each_qos(listen, publish, version, qos):
    subscriber = listen((starling(), "sub"), "-V", version, "-q", qos, "-C", 3, "-F", "%q %p")
    publish("-V", version, "-q", qos, "-m", "one")
    publish("-V", version, "-q", qos, "-m", "two")
    assert subscriber.end() == [f"{qos} one", f"{qos} two"]


@versions
def test_retained_message_is_kept_and_cleared(publish, subscribe, version):
    publish("-V", version, "-q", 1, "-r", "-m", "kept")
    assert subscribe("-V", version, "-C", 1, "-F", "%r %p") == ["1 kept"]
    publish("-V", version, "-q", 1, "-r", "-n")
    publish("-V", version, "-q", 1, "-r", "-m", "new")
    assert subscribe("-V", version, "-C", 1) == ["new"]


def test_topic_is_printed_with_v(publish, subscribe, topic):
    publish("-q", 1, "-r", "-m", "x")
    assert subscribe("-v", "-C", 1) == [f"{topic} x"]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_lines_keep_their_order(listen, publish, qos):
    lines = [str(number) for number in range(500)]
    subscriber = listen((starling(), "sub"), "-q", qos, "-C", 501)
    publish("-q", qos, "-l", stdin="\n".join(lines))
    assert subscriber.end() == lines


def test_properties_arrive(listen, publish):
    subscriber = listen((starling(), "sub"), "-V", 5, "-C", 2, "-F", "%C|%R|%D|%P|%p")
    publish("-V", 5, "-m", "x", "-D", "publish", "content-type", "text/plain",
            "-D", "publish", "response-topic", "answer", "-D", "publish", "correlation-data", "7",
            "-D", "publish", "user-property", "k", "v")
    assert subscriber.end() == ["text/plain|answer|7|k:v|x"]


def test_message_expiry_goes_along(listen, publish):
    subscriber = listen((starling(), "sub"), "-V", 5, "-C", 2, "-F", "%E %p")
    publish("-V", 5, "-m", "x", "-D", "publish", "message-expiry-interval", 300)
    (got,) = subscriber.end()
    assert 0 < int(got.removesuffix(" x")) <= 300


def test_taken_over_is_told_so(broker, listen):
    name = unique()
    subscriber = listen((starling(), "sub"), "-V", 5, "-i", name)
    broker.connect(name)
    subscriber.end(0x8E)


def test_sub_gives_up_with_27(subscribe):
    assert subscribe("-W", 1, code=27) == []


@versions
def test_session_is_resumed(publish, subscribe, version):
    session = ["-V", version, "-c", "-i", unique(), "-q", 2]
    if version == "mqttv5":
        session += ["-x", 300]
    assert subscribe(*session, "-E") == []
    publish("-q", 1, "-m", "one")
    publish("-q", 2, "-m", "two")
    assert subscribe(*session, "-C", 2, "-F", "%q %p") == ["1 one", "2 two"]


def test_will_is_sent_for_a_client_that_is_gone(broker, watch, listen, topic):
    subscriber = listen((starling(), "sub"), "-C", 2)
    doomed = watch(starling(), "sub", "-d", "-p", broker.port, "-t", unique("t"),
                   "--will-topic", topic, "--will-payload", "gone")
    doomed.until("SUBACK")
    doomed.kill()
    assert subscriber.end() == ["gone"]


def test_nobody_to_connect_to():
    with free_port() as port:
        _, said = run(starling(), "pub", "-h", "127.0.0.1", "-p", port, "-t", "x", "-m", "x",
                      code=1)
    assert said


# --- check-config ---------------------------------------------------------------------------------


def effective(*words):
    """The values that check-config prints, and where they come from."""
    lines = run(starling(), "check-config", *words)[0].splitlines()
    parts = [line.partition(" = ")[::2] for line in lines]
    return {key: tuple(map(str.strip, value.split("#"))) for key, value in parts}


def test_check_config_prints_effective_values(tmp_path, monkeypatch):
    file = tmp_path / "starling.toml"
    file.write_text('listen = ["127.0.0.1:1"]\n[limits]\nconnections = 7\nqueue_messages = 8\n'
                    "inflight_in = 9\n")
    monkeypatch.setenv("STARLING_LIMITS_QUEUE_MESSAGES", "80")
    monkeypatch.setenv("STARLING_LIMITS_INFLIGHT_IN", "90")
    values = effective("--config", file, "--set", "limits.inflight_in=900")
    assert values["limits.connections"][0] == "7"
    assert values["limits.queue_messages"][0] == "80"
    assert values["limits.inflight_in"] == ("900", "--set")
    assert values["listen"][0] == '["127.0.0.1:1"]'
    assert values["mqtt.maximum_qos"] == ("2", "default")


@pytest.mark.parametrize("command", ["serve", "check-config"])
@pytest.mark.parametrize(("words", "said"), [
    case("", "unknown key", ["--set", "limits.conections=7"], "nearest is 'limits.connections'"),
    case("", "no pair", ["--set", "nonsense"], "'nonsense' is not section.key=value"),
    case("", "no number", ["--set", "limits.connections=x"], "'x' is not a value of limits.conn"),
    case("", "out of range", ["--set", "mqtt.maximum_qos=3"], "'3' is not a value of mqtt.maximum"),
    case("", "no file", ["--config", "/nonexistent.toml"], "/nonexistent.toml: No such file"),
    case("", "no level", ["--log-level", "loud"], "'loud' is not a value of log.level"),
    case("", "no address", ["--listen", "nowhere:1"], "the host is a numeric address"),
    case("", "unknown flag", ["--bogus"], "--bogus"),
])
def test_wrong_configuration_is_refused(command, words, said):
    out, error = run(starling(), command, *words, code=1)
    assert said in error and not out


def test_unknown_key_of_a_file_is_refused(tmp_path):
    file = tmp_path / "starling.toml"
    file.write_text("[limits]\nconections = 7\n")
    _, error = run(starling(), "check-config", "--config", file, code=1)
    assert "limits.conections" in error and "limits.connections" in error


# --- serve ----------------------------------------------------------------------------------------


def test_address_in_use_is_an_error(broker):
    out, error = run(starling(), "serve", "--listen", f"127.0.0.1:{broker.port}", code=1)
    assert f"127.0.0.1:{broker.port}: address in use" in out + error


@pytest.mark.parametrize("level, told", [
    ("debug", ["info", "warning", "error"]), ("info", ["info", "warning", "error"]),
    ("warning", ["warning", "error"]), ("error", ["error"])])
def test_log_level_leaves_out_what_is_less_important(broker, level, told):
    """It starts, warns that everybody may connect, and fails."""
    _, said = run(starling(), "serve", "--log-level", level, "--listen", f"0.0.0.0:{broker.port}",
                  code=1)
    assert [line.split()[1] for line in said.splitlines() if "lowered" not in line] == told


@pytest.fixture
def start_stuck(start_broker):
    """Starts a broker that cannot stop soon: a client does not read what it is owed."""
    def start(**options):
        broker = start_broker(**options)
        topic = unique("t")
        peer = broker.connect()
        peer.subscribe(topic, qos=1)
        publisher = broker.connect()
        for _ in range(100):
            publisher.publish(topic, b"x" * 500_000)
        publisher.publish(topic, b"last", 1)
        return broker, peer

    return start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_at_once(start_stuck, number):
    """Though the client does not read, and might for an hour yet."""
    broker, _ = start_stuck(shutdown_timeout_s=3600)
    broker.tell_to_stop()
    broker.wait_for_log("stopping")
    with pytest.raises(subprocess.TimeoutExpired):
        broker.process.wait(0.2)
    broker.process.send_signal(number)
    code = broker.process.wait(GUARD)
    broker.process = None  # it has ended otherwise than the fixture wants
    assert code in (128 + number, -number)


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("timeout_s", [0, 1])
def test_stop_waits_so_long_for_who_does_not_read(start_stuck, timeout_s, first):
    """Then it cuts the connection and ends as if all had gone well. The default is 10 s."""
    broker, _ = start_stuck(shutdown_timeout_s=timeout_s)
    start = time.monotonic()
    broker.tell_to_stop(first)
    assert broker.process.wait(GUARD) == 0
    assert timeout_s <= time.monotonic() - start < 8


def test_stop_waits_for_who_reads_slowly(start_stuck):
    """It gets all that was on its way, the DISCONNECT after it, and then the broker ends."""
    broker, slow = start_stuck(shutdown_timeout_s=60)
    broker.tell_to_stop()
    broker.wait_for_log("stopping")
    time.sleep(4)  # longer than the broker waits for a peer that has had its DISCONNECT
    got = [slow.receive()]
    while got[-1].type == packets.PUBLISH:
        got.append(slow.receive())
    assert len(got) > 1 and got[-1].reason == 0x8B
    slow.expect_end()
    assert broker.process.wait(GUARD) == 0


def test_signal_stops_cleanly(start_broker):
    broker = start_broker()
    peer = broker.connect()
    broker.tell_to_stop()
    assert peer.expect(packets.DISCONNECT).reason == 0x8B
    peer.expect_end()
    assert broker.process.wait(GUARD) == 0
