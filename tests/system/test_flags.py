"""Every flag of pub and sub; those of QUIC are in test_quic.py. What each is for is in its help."""

import contextlib
import json
import re
import socket
import time
from pathlib import Path

import pytest

from harness import packets
from harness.cases import case, unique
from harness.packets import Will
from harness.peer import QUIET
from programs import GUARD, run, starling


def words_of(command, *options):
    return starling(), command, *options


# --- The connection -------------------------------------------------------------------------------


@contextlib.contextmanager
def listening():
    """A port where somebody accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(GUARD)
        yield listener, listener.getsockname()[1]


def first_packet(listener):
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(GUARD)
        data = b""
        while not (found := packets.frame(data)) or len(data) < found[0]:
            data += connection.recv(1 << 20)
        return data[:found[0]]


# What CONNECT is with the flags, and a client id of c.
CONNECTS = [
    case("", "defaults", [], packets.connect("c", 4, keep_alive=60)),
    case("", "-V 31", ["-V", "31"], packets.connect("c", 3, keep_alive=60)),
    case("", "-V 311", ["-V", "mqttv311"], packets.connect("c", 4, keep_alive=60)),
    case("", "--protocol-version", ["--protocol-version", "mqttv5"],
         packets.connect("c", 5, keep_alive=60)),
    case("", "-V 5", ["-V", "5"], packets.connect("c", 5, keep_alive=60)),
    case("", "-k", ["-k", 7], packets.connect("c", 4, keep_alive=7)),
    case("", "--keepalive", ["--keepalive", 65535], packets.connect("c", 4, keep_alive=65535)),
    case("", "-u", ["-u", "me"], packets.connect("c", 4, keep_alive=60, user_name="me")),
    case("", "-P", ["-u", "me", "-P", "secret"],
         packets.connect("c", 4, keep_alive=60, user_name="me", password=b"secret")),
    case("", "--username, --pw", ["--username", "me", "--pw", ""],
         packets.connect("c", 4, keep_alive=60, user_name="me", password=b"")),
    case("", "-P alone", ["-V", 5, "-P", "secret"],
         packets.connect("c", 5, keep_alive=60, password=b"secret")),
    case("", "-c", ["-c"], packets.connect("c", 4, clean=False, keep_alive=60)),
    case("", "--disable-clean-session", ["--disable-clean-session"],
         packets.connect("c", 4, clean=False, keep_alive=60)),
    case("", "-c of version 5", ["-V", 5, "-c"],
         packets.connect("c", 5, clean=False, keep_alive=60, session_expiry=0xFFFFFFFF)),
    case("", "-x", ["-V", 5, "-c", "-x", 300],
         packets.connect("c", 5, clean=False, keep_alive=60, session_expiry=300)),
    case("", "-x -1", ["-V", 5, "-x", "-1"],
         packets.connect("c", 5, keep_alive=60, session_expiry=0xFFFFFFFF)),
    case("", "-D connect", ["-D", "connect", "user-property", "k", "v"],
         packets.connect("c", 5, keep_alive=60, user_property=("k", "v"))),
    case("", "--will-topic", ["--will-topic", "w"],
         packets.connect("c", 4, keep_alive=60, will=Will("w", b""))),
    case("", "--will-payload, --will-qos, --will-retain",
         ["--will-topic", "w", "--will-payload", "gone", "--will-qos", 2, "--will-retain"],
         packets.connect("c", 4, keep_alive=60, will=Will("w", b"gone", 2, True))),
    case("", "-D will", ["--will-topic", "w", "-D", "will", "will-delay-interval", 9],
         packets.connect("c", 5, keep_alive=60, will=Will("w", b"", properties={"will_delay": 9}))),
    case("", "--nodelay", ["--nodelay"], packets.connect("c", 4, keep_alive=60)),
]


@pytest.mark.parametrize("command", [["pub", "-m", "x"], ["sub", "-E"]], ids=["pub", "sub"])
@pytest.mark.parametrize("flags, connect", CONNECTS)
def test_connection_flags_are_what_connect_says(broker, watch, topic, command, flags, connect):
    """To the byte, and the broker takes it."""
    words = words_of(*command, "-t", topic, "-i", "c", *flags)
    with listening() as (listener, port):
        watch(*words, "-h", "127.0.0.1", "-p", port)
        assert first_packet(listener) == connect
    words = words_of(*command, "-t", topic, "-i", unique(), *flags)
    run(*words, "--host", "localhost", "--port", broker.port)


def test_client_id_is_given_or_made_of_a_prefix(start_broker, topic):
    broker = start_broker()
    server = "-p", broker.port, "-t", topic
    for option in ("-i", "--id"):
        name = unique()
        run(*words_of("sub", *server, "-E", option, name))
        broker.wait_for_log(f"client {name} at")
    for option in ("-I", "--id-prefix"):
        name = unique()
        run(*words_of("pub", *server, "-n", option, name))
        broker.wait_for_log(rf"client {name}\d+ at")
    run(*words_of("pub", *server, "-n"))
    broker.wait_for_log("client auto[0-9a-v]{12} at")


@pytest.mark.parametrize("login", ["", "me@", "me:secret@"])
@pytest.mark.parametrize("option", ["-L", "--url"])
def test_url_says_it_all(broker, watch, topic, option, login):
    watcher = broker.connect()
    watcher.subscribe(topic + "/#")
    run(*words_of("pub", option, f"mqtt://{login}127.0.0.1:{broker.port}/{topic}/x", "-m", "said"))
    assert watcher.message().topic == topic + "/x"
    user_name, _, password = login.rstrip("@").partition(":")
    asked = {"user_name": user_name or None, "password": password.encode() or None}
    with listening() as (listener, port):
        watch(*words_of("sub", option, f"mqtt://{login}127.0.0.1:{port}/{topic}", "-i", "c"))
        assert first_packet(listener) == packets.connect("c", 4, keep_alive=60, **asked)


@pytest.mark.parametrize("flags", [
    case("", " ".join(flags), flags) for flags in (
        ["--cafile", "x"], ["--capath", "x"], ["--cert", "x"], ["--key", "x"], ["--keyform", "x"],
        ["--ciphers", "x"], ["--psk", "x"], ["--psk-identity", "x"], ["--tls-version", "tlsv1.3"],
        ["--tls-alpn", "x"], ["--tls-engine", "x"], ["--tls-engine-kpass-sha1", "x"],
        ["--insecure"], ["--tls-use-os-certs"], ["--proxy", "x"], ["--unix", "x"], ["-A", "x"],
        ["-S"], ["-L", "mqtts://127.0.0.1/x"])
])
@pytest.mark.parametrize("command", [["pub", "-m", "x"], ["sub"]], ids=["pub", "sub"])
def test_what_this_build_has_not_is_said_so(command, flags):
    out, error = run(*words_of(*command, "-t", "x", *flags), code=2)
    assert "is not in this build" in error and not out


@pytest.mark.parametrize("option", ["-d", "--debug"])
def test_debug_prints_each_packet(publish, subscribe, topic, option):
    name = unique()
    out, _ = publish(option, "-i", name, "-q", 2, "-r", "-m", "four")
    assert [line.removeprefix(f"Client {name} ") for line in out.splitlines()] == [
        "sending CONNECT", "received CONNACK (0)",
        f"sending PUBLISH (d0, q2, r1, m1, '{topic}', ... (4 bytes))",
        "received PUBREC (Mid: 1, RC:0)", "sending PUBREL (Mid: 1, RC:0)",
        "received PUBCOMP (Mid: 1, RC:0)", "sending DISCONNECT (0)"]
    lines = subscribe(option, "-i", name, "-C", 1)
    assert f"Client {name} sending SUBSCRIBE (Mid: 1, Topic: {topic}, QoS: 0)" in lines
    assert "four" in lines


def test_quiet_prints_no_errors():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        for command in (["pub", "-n"], ["sub"]):
            words = words_of(*command, "-h", "127.0.0.1", "-p", port, "-t", "x")
            assert run(*words, code=1)[1]
            assert run(*words, "--quiet", code=1) == ("", "")


@pytest.mark.parametrize("command", ["pub", "sub"])
def test_version_and_help(command):
    out, _ = run(*words_of(command, "--version"))
    assert re.fullmatch(rf"starling {command} version \d+\.\d+\.\d+\S*\n", out)
    out, _ = run(*words_of(command, "--help"))
    assert "Usage: starling " + command in out


# --- pub ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options, stdin, payload", [
    case("", "-m", ["-m", "said"], "", b"said"),
    case("", "--message", ["--message", "said"], "", b"said"),
    case("", "-f", ["-f", "FILE"], "", b"two\nlines\n"),
    case("", "--file", ["--file", "FILE"], "", b"two\nlines\n"),
    case("", "-s", ["-s"], "all\nof it", b"all\nof it"),
    case("", "--stdin-file", ["--stdin-file"], "all\nof it", b"all\nof it"),
    case("", "-n", ["-n"], "", b""),
    case("", "--null-message", ["--null-message"], "", b""),
])
def test_message_comes_from(broker, publish, topic, tmp_path, options, stdin, payload):
    (tmp_path / "file").write_bytes(b"two\nlines\n")
    watcher = broker.connect()
    watcher.subscribe(topic)
    publish(*(tmp_path / "file" if word == "FILE" else word for word in options), stdin=stdin)
    assert watcher.message().payload == payload
    watcher.expect_nothing()


@pytest.mark.parametrize("option", ["-l", "--stdin-line"])
def test_each_line_is_a_message(broker, publish, topic, option):
    watcher = broker.connect()
    watcher.subscribe(topic)
    publish(option, "-q", 1, stdin="one\n\ntwo")
    assert [got.payload for got in watcher.messages(3)] == [b"one", b"", b"two"]
    watcher.expect_nothing()


def test_each_line_has_a_topic(broker, topic):
    watcher = broker.connect()
    watcher.subscribe(topic + "/#")
    lines = f"{topic}/a one\n{topic}/b two words\n{topic}/a \n"
    run(*words_of("pub", "-p", broker.port, "-l", "--line-topics"), stdin=lines)
    assert [(got.topic[-1], got.payload) for got in watcher.messages(3)] == \
        [("a", b"one"), ("b", b"two words"), ("a", b"")]


def test_a_line_without_a_topic_is_left_out(broker, topic):
    watcher = broker.connect()
    watcher.subscribe(topic)
    lines = f"{topic} one\nno_text\na/+ two\n{topic} three"
    _, said = run(*words_of("pub", "-p", broker.port, "-l", "--line-topics"), stdin=lines, code=1)
    assert "A line has no message" in said and "'a/+'" in said
    assert [got.payload for got in watcher.messages(2)] == [b"one", b"three"]


@pytest.mark.parametrize("options, qos, retain", [
    case("", "neither", [], 0, False),
    *(case("", f"{option} {qos}", [option, qos], qos, False)
      for option in ("-q", "--qos") for qos in (0, 1, 2)),
    case("", "-r", ["-r"], 0, True),
    case("", "--retain", ["--retain", "-q", 1], 1, True),
])
def test_qos_and_retain_of_a_message(broker, publish, topic, options, qos, retain):
    watcher = broker.connect()
    watcher.subscribe(topic, qos=2, retain_as_published=True)
    publish("-m", "x", *options)
    got = watcher.message()
    assert (got.qos, got.retain) == (qos, retain)


def test_the_last_topic_counts(broker, publish, topic):
    watcher = broker.connect()
    watcher.subscribe(topic + "/#")
    publish("-t", topic + "/a", "--topic", topic + "/b", "-m", "x")
    assert watcher.message().topic == topic + "/b"
    watcher.expect_nothing()


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_repeat_publishes_again(broker, publish, topic, qos):
    watcher = broker.connect()
    watcher.subscribe(topic, qos=2)
    publish("-q", qos, "-m", "again", "--repeat", 5)
    assert [got.payload for got in watcher.messages(5)] == [b"again"] * 5
    watcher.expect_nothing()


def test_repeat_delay_is_waited_for(broker, publish, topic):
    watcher, start = broker.connect(), time.monotonic()
    watcher.subscribe(topic)
    publish("-m", "again", "--repeat", 4, "--repeat-delay", 0.2)
    assert time.monotonic() - start >= 0.6
    watcher.messages(4)


@pytest.mark.parametrize("option", ["-M", "--max-inflight"])
@pytest.mark.parametrize("most", [1, 3])
def test_so_many_messages_wait_for_their_acknowledgement(watch, tmp_path, option, most):
    """Here for ever: nobody acknowledges."""
    (tmp_path / "lines").write_text("line\n" * 100)
    with listening() as (listener, port):
        words = words_of("pub", "-h", "127.0.0.1", "-p", port, "-t", "x", "-q", 1, "-l")
        watch("sh", "-c", 'exec "$@" <"$0"', tmp_path / "lines", *words, option, most)
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(GUARD)
            connection.recv(1000)
            connection.sendall(bytes.fromhex("20 02 00 00"))
            data = b""
            while data.count(b"line") < most:
                data += connection.recv(1000)
            connection.settimeout(QUIET)
            with contextlib.suppress(TimeoutError):
                data += connection.recv(1000)
            assert data.count(b"line") == most


# --- sub ------------------------------------------------------------------------------------------


@pytest.fixture
def keep(broker, topic):
    """Retains messages below the topic: keep(a="1", b="2")."""
    def start(**payloads):
        publisher = broker.connect()
        for level, payload in payloads.items():
            publisher.publish(f"{topic}/{level}", payload.encode(), qos=1, retain=True)
        return publisher

    return start


# Of three retained messages. The end is counted, so that what is left out cannot come late.
@pytest.mark.parametrize("options, printed", [
    case("", "-t", ["-t", "TOPIC/+", "-C", 3], ["1", "2", "3"]),
    case("", "--topic, twice", ["--topic", "TOPIC/a", "-t", "TOPIC/c", "-C", 2], ["1", "3"]),
    case("", "-T", ["-t", "TOPIC/+", "-T", "TOPIC/b", "-C", 2], ["1", "3"]),
    case("", "--filter-out, twice",
         ["-t", "TOPIC/+", "--filter-out", "TOPIC/a", "-T", "TOPIC/b", "-C", 1], ["3"]),
    case("", "-C", ["-t", "TOPIC/b", "-t", "TOPIC/b", "-C", 1], ["2"]),
    case("", "-v", ["-t", "TOPIC/+", "-v", "-C", 3], ["TOPIC/a 1", "TOPIC/b 2", "TOPIC/c 3"]),
    case("", "--verbose", ["-t", "TOPIC/b", "--verbose", "-C", 1], ["TOPIC/b 2"]),
    case("", "-F", ["-t", "TOPIC/a", "-F", "%t|%p|%x|%l|%q|%r", "-C", 1], ["TOPIC/a|1|31|1|0|1"]),
    case("", "-q", ["-t", "TOPIC/a", "-q", 1, "-F", "%q", "-C", 1], ["1"]),
    case("", "--qos", ["-t", "TOPIC/a", "--qos", 2, "-F", "%q", "-C", 1], ["1"]),
    case("", "-E", ["-t", "TOPIC/none", "-E"], []),
])
def test_what_is_printed(broker, keep, topic, options, printed):
    keep(a="1", b="2", c="3")
    words = [str(word).replace("TOPIC", topic) for word in options]
    out, _ = run(*words_of("sub", "-p", broker.port, *words))
    assert sorted(out.splitlines()) == [line.replace("TOPIC", topic) for line in printed]


def test_lines_stay_open_with_n(broker, keep, topic):
    keep(a="1", b="2", c="3")
    out, _ = run(*words_of("sub", "-p", broker.port, "-t", topic + "/+", "-N", "-C", 3))
    assert sorted(out) == ["1", "2", "3"]


def test_json_is_spread_over_lines_with_pretty(broker, keep, topic):
    keep(a='{"k": [1, 2]}')
    words = words_of("sub", "-p", broker.port, "-t", topic + "/+", "-C", 1, "-F", "%J")
    flat, _ = run(*words)
    spread, _ = run(*words, "--pretty")
    assert flat.count("\n") == 1 < spread.count("\n")
    assert json.loads(flat)["payload"] == json.loads(spread)["payload"] == {"k": [1, 2]}


class Traced:
    """A subscriber that tells each packet by -d."""

    def __init__(self, watched):
        self.watched = watched
        self.printed = []

    def until(self, part):
        """A packet like this was sent or received. What was printed before it is kept."""
        while (line := self.watched.line()) is not None:
            if not line.startswith("Client "):
                self.printed.append(line)
            elif part in line:
                return
        raise AssertionError(f"no {part!r}")

    def end(self):
        """All that it has printed but the packets."""
        rest = self.watched.end()
        return self.printed + [line for line in rest if not line.startswith("Client ")]


@pytest.fixture
def trace(broker, watch, topic):
    """Starts a subscriber to all below the topic, and returns when it is subscribed."""
    def start(*options):
        traced = Traced(watch(*words_of("sub", "-d", "-p", broker.port, "-t", topic + "/+",
                                        *options)))
        traced.until("received SUBACK")
        return traced

    return start


@pytest.mark.parametrize("option", ["-R", "--no-retained"])
def test_retained_messages_are_passed_over(keep, trace, topic, option):
    publisher = keep(a="1", b="2", c="3")
    subscriber = trace(option, "-C", 1)
    for _ in range(3):
        subscriber.until("received PUBLISH")
    publisher.publish(topic + "/a", b"live", qos=1, retain=True)
    assert subscriber.end() == ["live"]


def test_retained_only_ends_at_the_first_that_is_not(keep, trace, topic):
    publisher = keep(a="1", b="2", c="3")
    subscriber = trace("--retained-only")
    for _ in range(3):
        subscriber.until("received PUBLISH")
    publisher.publish(topic + "/a", b"live", qos=1, retain=True)
    assert sorted(subscriber.end()) == ["1", "2", "3"]


def test_remove_retained_clears_what_comes(broker, keep, subscribe, topic):
    keep(a="1", b="2", c="3")
    assert subscribe("-t", topic + "/a", "-t", topic + "/b", "-q", 1, "--remove-retained",
                     "-C", 2) == ["1", "2"]
    later = broker.connect()
    later.subscribe(topic + "/+")
    assert later.message().payload == b"3"
    later.expect_nothing()


@pytest.mark.parametrize("options, flag", [([], "0"), (["--retain-as-published"], "1")])
def test_retain_as_published_keeps_the_flag(keep, trace, topic, options, flag):
    subscriber = trace("-V", 5, "-F", "%r %p", "-C", 1, *options)
    keep(a="live")
    assert subscriber.end() == [f"{flag} live"]


@pytest.mark.parametrize("option", ["-U", "--unsubscribe"])
def test_unsubscribes(broker, trace, topic, option):
    subscriber = trace("-t", topic, option, topic + "/+", "-C", 1)
    subscriber.until("received UNSUBACK")
    publisher = broker.connect()
    publisher.publish(topic + "/a", b"no longer", qos=1)
    publisher.publish(topic, b"still", qos=1)
    assert subscriber.end() == ["still"]


def test_random_filter_prints_some(keep, trace):
    """Half of 400 is 200 on average: as few as 100 and as many as 300 are beyond belief."""
    keep(**{f"l{number}": "x" for number in range(400)})
    subscriber = trace("--random-filter", 50)
    for _ in range(400):
        subscriber.until("received PUBLISH")
    assert 100 < len(subscriber.printed) < 300


def test_gives_up_after_so_many_seconds(subscribe):
    start = time.monotonic()
    assert subscribe("-W", 1, code=27) == []
    assert time.monotonic() - start >= 1


# --- Properties -----------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["-D", "--property"])
def test_properties_of_a_subscription_and_its_end(broker, trace, topic, option):
    subscriber = trace(option, "subscribe", "subscription-identifier", 7,
                       option, "unsubscribe", "user-property", "k", "v", "-U", topic + "/none",
                       "-C", 1, "-F", "%S %p")
    subscriber.until("received UNSUBACK")
    broker.connect().publish(topic + "/a", b"x", qos=1)
    assert subscriber.end() == ["7 x"]


def test_properties_of_a_message(broker, publish, topic):
    watcher = broker.connect()
    watcher.subscribe(topic)
    publish("-m", "x", "-D", "publish", "payload-format-indicator", 1,
            "-D", "publish", "message-expiry-interval", 100,
            "-D", "publish", "content-type", "text/plain", "-D", "publish", "response-topic", "r",
            "-D", "publish", "correlation-data", "7", "-D", "publish", "user-property", "k", "v")
    expiry = watcher.message().properties
    assert 1 <= expiry.pop("message_expiry") <= 100
    assert expiry == {"payload_format": 1, "content_type": "text/plain", "response_topic": "r",
                      "correlation_data": b"7", "user_property": [("k", "v")]}


@pytest.mark.parametrize("expiry, is_left", [(0, False), (200, True)])
def test_properties_of_disconnect(broker, subscribe, expiry, is_left):
    client_id = unique()
    subscribe("-V", 5, "-i", client_id, "-c", "-x", 300, "-E",
              "-D", "disconnect", "session-expiry-interval", expiry)
    assert broker.connect(client_id, clean=False).connack.session_present == is_left


# --- This file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["pub", "sub"])
def test_every_flag_of_the_help_is_tried_here(command):
    out, _ = run(*words_of(command, "--help"))
    flags = {flag for names in re.findall(r"^  (-\S+)", out, re.MULTILINE)
             for flag in names.split(",")}
    assert len(flags) > 40
    here = Path(__file__)
    tests = here.read_text() + here.with_name("test_quic_clients.py").read_text()
    tried = set(re.findall(r'"(-\S+?)"', tests))
    assert flags <= tried, f"never tried: {sorted(flags - tried)}"
