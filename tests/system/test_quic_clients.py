"""pub, sub and bench over QUIC: every flag of theirs that goes with it."""

import contextlib
import json
import re
import shutil
import socket

import pytest

from harness.broker import Broker, external_port
from harness.cases import case
from harness.figures import figure_becomes
from harness.packets import PUBLISH
from harness.quic import Certificate
from harness.restartable import RestartableBroker
from programs import run, starling


pytestmark = pytest.mark.skipif(external_port() != 0, reason="needs a broker of its own")


@pytest.fixture(scope="module")
def quic_broker():
    with Broker(transports=("tcp", "quic"), interval_s=0) as broker:
        yield broker


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """A user who has no broker: the folder where one would keep its certificate."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "starling"
    folder.mkdir()
    return folder


@pytest.fixture
def publish(quic_broker, topic):
    def start(*options, **how):
        return run(starling(), "pub", "--quic", "-p", quic_broker.quic_port, "-t", topic, *options,
                   **how)

    return start


def trusting(broker):
    return "--cafile", broker.certificate.file


def test_messages_come_and_go(quic_broker, publish, watch, topic):
    sub = watch(starling(), "sub", "--quic", "-p", quic_broker.quic_port, "-t", topic, "-C", 3,
                *trusting(quic_broker), "-q", 2, "-d")
    sub.until("received SUBACK")
    for qos in range(3):
        publish(*trusting(quic_broker), "-q", qos, "-m", f"at {qos}")
    lines = sub.end()
    assert [line for line in lines if line.startswith("at ")] == ["at 0", "at 1", "at 2"]


def test_a_large_message_arrives(quic_broker, publish, topic):
    watcher = quic_broker.connect()
    watcher.subscribe(topic)
    text = "x" * 1_000_000
    publish(*trusting(quic_broker), "-q", 1, "-s", stdin=text)
    assert watcher.message().payload == text.encode()


def test_disconnect_arrives(quic_broker, publish, topic):
    """So the will is not published."""
    watcher = quic_broker.connect()
    watcher.subscribe(topic + "/+")
    publish(*trusting(quic_broker), "-m", "x", "--will-topic", topic + "/will")
    quic_broker.connect().publish(topic + "/sign", b"", qos=1)
    assert watcher.message().topic == topic + "/sign"


# --- Trust ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_trusts_whom_it_is_told_to(quic_broker, publish, tmp_path, host):
    publish("-h", host, *trusting(quic_broker), "-n")
    folder = tmp_path / "authorities"
    folder.mkdir()
    shutil.copy(quic_broker.certificate.file, folder)
    publish("-h", host, "--capath", folder, "-n")
    publish("-h", host, "--insecure", "-n")


def test_strangers_are_refused(publish):
    other = Certificate()
    _, said = publish("--cafile", other.file, "-n", code=1)
    assert "the server's certificate is of an unknown authority" in said
    assert "--cafile" in said and "--insecure" in said


def test_own_brokers_certificate_is_known(quic_broker, publish, state):
    file = state / "self-signed.crt"
    shutil.copy(quic_broker.certificate.file, file)
    file.chmod(0o644)
    publish("-n")
    publish("-h", "127.0.0.1", "-n")
    file.chmod(0o666)
    publish("-n", code=1)


@pytest.mark.parametrize("flags, said", [
    case("", "absent", ["--cafile", "/absent"], "/absent: No such file or directory"),
    case("", "nonsense", ["--cafile", "/dev/null"], "/dev/null: no certificate of an authority"),
    case("", "no folder", ["--capath", "/absent"], "/absent: no certificate of an authority"),
    case("", "no key", ["--cert", "/absent"], "--cert and --key are needed together"),
    case("", "two minds", ["--cafile", "x", "--insecure"], "--insecure trusts anybody"),
])
def test_files_that_are_wrong_are_named(publish, flags, said):
    assert said in publish("-n", *flags, code=1)[1]


def test_shows_its_certificate(topic):
    mine = Certificate()
    with Broker(transports=("quic",), client_ca=mine.file) as broker:
        words = starling(), "pub", "--quic", "-p", broker.quic_port, "-t", topic, "-n"
        _, said = run(*words, *trusting(broker), code=1)
        assert "the server wants a certificate of the client" in said
        run(*words, *trusting(broker), "--cert", mine.file, "--key", mine.key)


def test_nobody_there_is_known_at_once(topic):
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    _, said = run(starling(), "pub", "--quic", "--insecure", "-p", port, "-t", topic, "-n", code=1)
    assert "Connection refused" in said


# --- Tickets --------------------------------------------------------------------------------------


def test_the_second_run_resumes(quic_broker, publish, tmp_path):
    ticket = tmp_path / "ticket"
    words = *trusting(quic_broker), "--ticket-file", ticket, "-d", "-n"
    first, _ = publish(*words)
    assert "QUIC no ticket" in first and "QUIC full handshake" in first
    assert ticket.stat().st_mode & 0o7777 == 0o600
    assert "QUIC session resumed" in publish(*words)[0]
    assert "QUIC session resumed" in publish(*words)[0], "each run leaves one to the next"


@pytest.mark.parametrize("spoil", [
    case("", "damaged", lambda file: file.write_bytes(file.read_bytes()[:-1] + b"?")),
    case("", "empty", lambda file: file.write_bytes(b"")),
    case("", "others may read it", lambda file: file.chmod(0o644)),
])
def test_a_ticket_that_is_no_good_is_left_alone(quic_broker, publish, tmp_path, spoil):
    ticket = tmp_path / "ticket"
    words = *trusting(quic_broker), "--ticket-file", ticket, "-d", "-n"
    publish(*words)
    spoil(ticket)
    out, _ = publish(*words)
    assert "QUIC no ticket: " in out and "QUIC full handshake" in out
    assert "QUIC session resumed" in publish(*words)[0]


def test_a_ticket_is_of_one_server_and_one_trust(quic_broker, publish, tmp_path):
    """What was not verified then is not trusted now."""
    ticket = tmp_path / "ticket"
    words = "--ticket-file", ticket, "-d", "-n"
    publish("--insecure", *words)
    assert "QUIC full handshake" in publish(*trusting(quic_broker), *words)[0]
    assert "QUIC full handshake" in publish(*trusting(quic_broker), "-h", "127.0.0.1", *words)[0]


@pytest.mark.parametrize("policy, accepted", [
    case("", "off", "off", 0),
    case("", "connect", "connect", 1),
    case("", "full", "full", 1),
])
def test_connect_is_said_early(topic, tmp_path, policy, accepted):
    with Broker("--set", f"quic.early_data={policy}", transports=("tcp", "quic"),
                interval_s=1) as broker:
        def publish(*options):
            return run(starling(), "pub", "--quic", "-p", broker.quic_port, "-t", topic, "-d",
                       *trusting(broker), "--ticket-file", tmp_path / "ticket", *options)[0]

        watcher = broker.connect()
        watcher.subscribe(topic)
        assert "early data" not in publish("--early-data", "-m", "no ticket yet")
        assert "early data" not in publish("-m", "nobody asks for it")
        out = publish("--early-data", "-m", "early", "-q", 1)
        assert "QUIC session resumed" in out
        assert ("QUIC early data accepted" in out) == bool(accepted)
        for text in b"no ticket yet", b"nobody asks for it", b"early":
            assert watcher.expect(PUBLISH).payload == text
        figure_becomes(broker, "quic/early_accepted", accepted)
        figure_becomes(broker, "quic/early_refused", 0)


@pytest.mark.parametrize("policy", [case("", "connect", "connect"), case("", "full", "full")])
def test_who_speaks_early_is_heard_at_home(topic, tmp_path, policy):
    """Each run is another client with the ticket and token of the one before: its CONNECT comes to
    the core of that one."""
    with Broker("--set", f"quic.early_data={policy}", transports=("tcp", "quic"), cores=2,
                interval_s=1) as broker:
        watcher = broker.connect()
        watcher.subscribe(topic)
        for number in range(12):
            out, _ = run(starling(), "pub", "--quic", "-p", broker.quic_port, "-t", topic, "-d",
                         *trusting(broker), "--ticket-file", tmp_path / "ticket", "--early-data",
                         "-i", f"client {number}", "-m", number, "-q", 1)
            assert ("QUIC early data accepted" in out) == (number != 0)
            assert watcher.expect(PUBLISH).payload == str(number).encode()
        figure_becomes(broker, "quic/early_accepted", 11)


# --- Further streams ------------------------------------------------------------------------------


def streams_of_topics(said, packet):
    """By the notes of -d, the streams on which each topic has gone or come."""
    streams = {}
    for topic, stream in re.findall(rf"{packet} .*'(.*?)', \.\.\. .*?( on stream \d+|)$", said,
                                    re.MULTILINE):
        streams.setdefault(topic, set()).add(stream)
    return streams


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_topics_are_spread_over_streams(quic_broker, topic, qos):
    """Each message comes, and in the order of its topic."""
    topics = [f"{topic}/{number}" for number in range(60)]
    watcher = quic_broker.connect()
    watcher.subscribe(topic + "/#", qos=2)
    lines = "".join(f"{each} {text}\n" for text in range(10) for each in topics)
    said, _ = run(starling(), "pub", "--quic", "-p", quic_broker.quic_port, *trusting(quic_broker),
                  "--streams", 4, "-l", "--line-topics", "-q", qos, "-d", stdin=lines)
    got = {each: [] for each in topics}
    for message in watcher.messages(600):
        got[message.topic].append(message.payload)
    assert all(texts == [str(text).encode() for text in range(10)] for texts in got.values())
    streams = streams_of_topics(said, "sending PUBLISH")
    assert all(len(each) == 1 for each in streams.values()), "a topic keeps to its stream"
    assert set.union(*streams.values()) == {f" on stream {number}" for number in range(1, 5)}


def test_filters_are_spread_over_streams(quic_broker, watch, topic):
    topics = [f"{topic}/{number}" for number in range(40)]
    filters = [word for each in topics for word in ("-t", each)]
    sub = watch(starling(), "sub", "--quic", "-p", quic_broker.quic_port, *trusting(quic_broker),
                "--streams", 3, *filters, "-U", topics[0], "-d", "-C", 39)
    for _ in range(4):
        sub.through("received (UN)?SUBACK")
    publisher = quic_broker.connect()
    for each in topics:
        publisher.publish(each, b"", qos=1)
    streams = streams_of_topics("\n".join(sub.end()), "received PUBLISH")
    assert set(streams) == set(topics[1:])
    assert set.union(*streams.values()) == {f" on stream {number}" for number in range(1, 4)}


def test_a_server_of_fewer_streams_is_not_used(topic):
    with Broker("--set", "quic.streams=3", transports=("quic",)) as broker:
        words = (starling(), "pub", "--quic", "-p", broker.quic_port, *trusting(broker), "-t", topic,
                 "-n", "--streams")
        run(*words, 2)
        _, said = run(*words, 3, code=1)
        assert "The server allows fewer than 3 streams beside the first." in said


def test_streams_need_quic(topic):
    _, said = run(starling(), "pub", "-t", topic, "-n", "--streams", 2, code=1)
    assert "--streams needs --quic." in said


@pytest.mark.parametrize("lasting", [
    case("", "3.1.1", ("-V", "mqttv311")), case("", "5", ("-V", "mqttv5", "-x", 300)),
])
def test_a_lasting_session_keeps_what_streams_subscribed_to(quic_broker, topic, lasting):
    client = (starling(), "sub", "--quic", "-p", quic_broker.quic_port, *trusting(quic_broker),
              *lasting, "-c", "-i", topic.replace("/", "-"), "-q", 1)
    run(*client, "--streams", 2, "-t", topic, "-E")
    quic_broker.connect().publish(topic, b"meanwhile", qos=1)
    out, _ = run(*client, "-t", topic + "/other", "-C", 1, "-v")
    assert out == f"{topic} meanwhile\n"


def test_streams_are_opened_anew_with_the_next_connection(watch, topic):
    with RestartableBroker() as broker:
        pub = watch(starling(), "pub", "--quic", "-p", broker.quic_port, *trusting(broker),
                    "--streams", 4, "-l", "--line-topics", "-q", 1, "-d")
        for number in range(8):
            pub.tell(f"{topic}/{number} before")
        for _ in range(8):
            pub.until("received PUBACK")
        broker.kill()
        broker.start()
        watcher = broker.connect()
        watcher.subscribe(topic + "/#")
        for number in range(8):
            pub.tell(f"{topic}/{number} after")
        assert {got.topic for got in watcher.messages(8)} == \
            {f"{topic}/{number}" for number in range(8)}


# --- bench ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["conn", "pub", "p2p", "fanout", "fanin"])
def test_bench_runs_over_quic(quic_broker, mode):
    window = [] if mode == "conn" else ["--duration", 1, "--warmup", 0]
    out, _ = run(starling(), "bench", mode, "--quic", *trusting(quic_broker), "--host", "localhost",
                 "--port", quic_broker.quic_port, *window, "--quiet", "--json")
    report = json.loads(out.splitlines()[-1])
    assert report["transport"] == "quic"
    assert report["errors"] == 0 and report["lost"] == 0
    assert report["connect"]["count"] == report["clients"]


def test_bench_says_why_it_cannot_connect(quic_broker):
    words = starling(), "bench", "conn", "--quic", "--clients", 1, "--quiet", "--port"
    other = Certificate()
    out, _ = run(*words, quic_broker.quic_port, "--cafile", other.file, code=1)
    assert "the server's certificate is of an unknown authority" in out
    _, said = run(*words, quic_broker.quic_port, "--cafile", "/absent", code=1)
    assert "/absent: No such file or directory" in said
