"""starling bench: each mode against a real broker, the arithmetic of its report, its exit status."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness.broker import Broker
from harness.cases import case
from programs import GUARD, run, starling

DONE, FAILED, BROKEN = 0, 1, 3


def command(broker, *words):
    port = broker if isinstance(broker, int) else broker.port
    return [starling(), "bench", *words, "--port", port, "--json", "--quiet"]


def bench(broker, *words, code=DONE):
    """Runs it for a second without warm-up, and returns its report."""
    if words[0] != "conn":
        words = *words, "--warmup", 0
    if words[0] != "conn" or "--broadcast" in words:
        words = *words, "--duration", 1
    out, _ = run(*command(broker, *words), code=code)
    return check(json.loads(out.splitlines()[-1]))


def start(broker, *words):
    """Starts a long run, and returns when it publishes."""
    process = subprocess.Popen(
        [str(word) for word in (starling(), "bench", *words, "--port", broker.port, "--json",
                                "--warmup", 0, "--duration", 600)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "running" not in (line := process.stderr.readline()):
        assert line, "it ended early"
    return process


def interrupt(process, code=DONE):
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=GUARD)
    assert process.returncode == code, out
    return check(json.loads(out))


def check(report):
    """What holds for every report."""
    latency, seconds = report["latency_us"], report["seconds"]
    assert report["missing"] == [] or report["lost"] > 0
    listed = sum(one["last"] - one["first"] + 1 for one in report["missing"])
    assert listed <= report["lost"]
    assert report["lost_promised"] <= report["lost"]
    if latency:
        steps = [latency[key] for key in ("p50", "p90", "p99", "p99_9", "p99_99", "max")]
        assert steps == sorted(steps)
    if seconds:
        counted = report["counted"]
        count = counted["received"] or counted["answered"] or counted["sent"]
        assert report["messages_per_second"] == pytest.approx(count / seconds, rel=0.01)
    return report


def all_came(report, receivers=1):
    """Each message came to so many receivers, once and in order."""
    assert report["sent"] > 0
    assert report["received"] == report["sent"] * receivers
    for fault in ("lost", "duplicated", "out_of_order", "errors", "unanswered"):
        assert report[fault] == 0, report


versions = pytest.mark.parametrize("version", [4, 5])
levels = pytest.mark.parametrize("qos", [0, 1, 2])


# --- Modes ----------------------------------------------------------------------------------------


@versions
@levels
def test_pairs(shared_broker, topic, version, qos):
    report = bench(shared_broker, "p2p", "--clients", 3, "--mqtt", version, "--qos", qos,
                   "--topic", topic, "--window", 4)
    all_came(report)
    assert report["mode"] == "p2p" and report["clients"] == 6


@levels
def test_fan_out(shared_broker, topic, qos):
    report = bench(shared_broker, "fanout", "--publishers", 2, "--subscribers", 5, "--qos", qos,
                   "--window", 2, "--topic", topic)
    all_came(report, receivers=5)


@levels
def test_fan_in_by_wildcard(shared_broker, topic, qos):
    report = bench(shared_broker, "fanin", "--publishers", 5, "--subscribers", 2, "--qos", qos,
                   "--window", 2, "--wildcard", "--topic", topic)
    all_came(report, receivers=2)


@levels
def test_shared_subscribers_get_each_message_once_together(shared_broker, topic, qos):
    report = bench(shared_broker, "fanin", "--publishers", 5, "--subscribers", 3, "--qos", qos,
                   "--window", 2, "--shared", "group", "--topic", topic)
    all_came(report)


@pytest.mark.parametrize("qos", [1, 2])
def test_publishers_alone_count_answers(shared_broker, topic, qos):
    report = bench(shared_broker, "pub", "--clients", 2, "--qos", qos, "--topic", topic)
    assert report["received"] == 0 and report["lost"] == 0 and report["unanswered"] == 0
    assert 0 < report["counted"]["answered"] <= report["sent"]
    assert report["latency_us"]["count"] > 0


def test_publishers_alone_at_qos_0_count_what_they_send(shared_broker, topic):
    report = bench(shared_broker, "pub", "--clients", 1, "--rate", 100, "--topic", topic)
    assert report["counted"]["sent"] == report["sent"] == 100
    assert report["latency_us"] is None


def test_subscribers_hear_the_publishers_of_another_run(shared_broker, topic):
    listening = subprocess.Popen(
        [str(word) for word in command(shared_broker, "sub", "--clients", 2, "--qos", 1,
                                       "--topic", topic, "--warmup", 0, "--duration", 3)],
        stdout=subprocess.PIPE, text=True)
    sent = bench(shared_broker, "pub", "--clients", 2, "--qos", 1, "--rate", 200,
                 "--topic", topic)["sent"]
    report = check(json.loads(listening.communicate(timeout=GUARD)[0]))
    assert listening.returncode == DONE
    assert 0 < report["received"] <= 2 * sent
    assert report["lost"] == report["duplicated"] == report["out_of_order"] == 0


def test_clients_connect_and_stay(shared_broker):
    report = bench(shared_broker, "conn", "--clients", 50, "--own-subscription",
                   "--background-filters", 700, "--hold", 1, "--keepalive", 1)
    assert report["connect"]["count"] == report["clients"] == 52
    assert report["errors"] == 0 and report["sent"] == 0


def test_broadcast_reaches_every_client_in_every_process(shared_broker, topic):
    report = bench(shared_broker, "conn", "--clients", 50, "--own-subscription", "--broadcast",
                   "--qos", 1, "--processes", 3, "--topic", topic)
    assert report["sent"] == 1
    all_came(report, receivers=50)


def test_fleet_of_a_file(shared_broker, topic, tmp_path):
    profile = tmp_path / "fleet.toml"
    profile.write_text(f"""
        [[clients]]
        name = "meter"
        count = 20
        publish = [{{ topic = "{topic}/{{}}/reading", rate = 5, size = 30, qos = 1 }}]
        subscribe = [{{ filter = "{topic}/{{}}/command", qos = 2 }}]

        [[clients]]
        name = "control"
        publish = [{{ topic = "{topic}/7/command", window = 1, qos = 2 }}]

        [[clients]]
        name = "archive"
        count = 3
        subscribe = [{{ filter = "{topic}/+/reading", qos = 1, share = "archive" }}]
    """)
    report = bench(shared_broker, "mixed", "--profile", profile)
    all_came(report)
    assert report["clients"] == 24 and report["sent"] > 100


def test_processes_together_lose_nothing(shared_broker, topic):
    report = bench(shared_broker, "fanout", "--publishers", 3, "--subscribers", 6, "--qos", 1,
                   "--rate", 300, "--processes", 3, "--topic", topic)
    all_came(report, receivers=6)
    assert report["processes"] == 3 and report["sent"] == 300


# --- Open loop ------------------------------------------------------------------------------------


@levels
def test_rate_is_kept(shared_broker, topic, qos):
    report = bench(shared_broker, "p2p", "--clients", 4, "--rate", 500, "--qos", qos,
                   "--topic", topic)
    all_came(report)
    assert report["sent"] == report["counted"]["sent"] == 500
    assert report["unsent"] == 0


def test_what_a_slow_broker_holds_up_counts_from_when_it_was_due(topic):
    with Broker(interval_s=0) as broker:
        process = start(broker, "p2p", "--clients", 1, "--rate", 200, "--topic", topic)
        broker.process.send_signal(signal.SIGSTOP)
        for _ in range(3):  # one a second
            process.stderr.readline()
        broker.process.send_signal(signal.SIGCONT)
        report = interrupt(process)
    all_came(report)
    # It stood still for two seconds at least, of four or so; what was due then has waited.
    assert report["latency_us"]["max"] > 1_900_000
    assert report["latency_us"]["p90"] > 1_000_000


# --- The broker's process -------------------------------------------------------------------------


def test_broker_is_measured(topic):
    with Broker(interval_s=0) as broker:
        report = bench(broker, "p2p", "--clients", 10, "--broker-pid", broker.process.pid,
                       "--topic", topic)
    used = report["broker"]
    assert used["cpu_user_s"] + used["cpu_system_s"] > 0
    assert used["rss_bytes"] > used["anon_bytes"] > 0
    per_message = used["cpu_user_us_per_message"] + used["cpu_system_us_per_message"]
    assert per_message == pytest.approx(used["cpu_us_per_message"], abs=0.01)
    assert report["connect"]["cpu_us_per_connect"] > 0
    cpu_us = (used["cpu_user_s"] + used["cpu_system_s"]) * 1e6
    assert per_message == pytest.approx(cpu_us / report["counted"]["received"], abs=0.01)


# --- Losses and failures --------------------------------------------------------------------------


def test_broker_that_is_killed_breaks_its_promise(topic):
    with Broker(interval_s=0) as broker:
        process = start(broker, "p2p", "--clients", 2, "--qos", 1, "--topic", topic)
        broker.process.send_signal(signal.SIGSTOP)
        for _ in range(2):  # one a second: now every window is full
            process.stderr.readline()
        broker.process.kill()
        broker.process.wait()
        broker.process = None
        report = interrupt(process, code=BROKEN)
    assert report["errors_by_kind"]["connections"] == 4
    assert report["unanswered"] > 0


def test_nobody_there():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        report = bench(holder.getsockname()[1], "p2p", "--clients", 2, code=FAILED)
    assert report["connect"]["count"] == 0
    assert report["errors_by_kind"]["connects"] == 4
    assert "refused" in report["errors_by_kind"]["first"]


class Forger(threading.Thread):
    """A broker of two clients, a subscriber and a publisher, that passes on what it likes."""

    def __init__(self, pass_on):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pass_on = pass_on
        self.subscriber = None
        self.count = 0
        self.start()

    def run(self):
        serving = [threading.Thread(target=self.serve, args=(self.listener.accept()[0],),
                                    daemon=True) for _ in range(2)]
        for one in serving:
            one.start()
        for one in serving:
            one.join()
        self.listener.close()

    def serve(self, client):
        with client:
            waiting = b""
            while fresh := client.recv(65536):
                waiting += fresh
                while len(waiting) >= 2 and len(waiting) >= 2 + waiting[1]:  # all are short
                    size = 2 + waiting[1]
                    self.answer(client, waiting[:size])
                    waiting = waiting[size:]

    def answer(self, client, packet):
        kind = packet[0] >> 4
        if kind == 1:
            client.sendall(bytes.fromhex("20020000"))
        elif kind == 8:
            self.subscriber = client
            client.sendall(bytes.fromhex("9003") + packet[2:4] + packet[-1:])
        elif kind == 3:
            if packet[0] & 2:
                topic = int.from_bytes(packet[2:4], "big")
                client.sendall(bytes.fromhex("4002") + packet[4 + topic:6 + topic])
            for one in self.pass_on(self.count, packet):
                self.subscriber.sendall(one)
            self.count += 1


def drops_the_tenth(count, packet):
    return [] if count == 9 else [packet]


def doubles_the_tenth(count, packet):
    return [packet] * (2 if count == 9 else 1)


class Swaps:
    """The tenth goes after the eleventh."""

    def __init__(self):
        self.held = []

    def __call__(self, count, packet):
        if count == 9:
            self.held = [packet]
            return []
        held, self.held = self.held, []
        return [packet, *held]


@pytest.mark.parametrize(("qos", "pass_on", "code", "faults"), [
    case("", "lost at QoS 0", 0, drops_the_tenth, DONE, {"lost": 1, "lost_promised": 0}),
    case("", "lost at QoS 1", 1, drops_the_tenth, BROKEN, {"lost": 1, "lost_promised": 1}),
    case("", "doubled at QoS 0", 0, doubles_the_tenth, BROKEN, {"duplicated": 1}),
    case("", "doubled at QoS 1", 1, doubles_the_tenth, DONE, {"duplicated": 1}),
    case("", "swapped", 0, Swaps(), DONE, {"out_of_order": 1, "lost": 0}),
])
def test_faults_are_counted(qos, pass_on, code, faults):
    forger = Forger(pass_on)
    report = bench(forger.port, "p2p", "--clients", 1, "--mqtt", 4, "--qos", qos, "--rate", 50,
                   "--size", 16, code=code)
    forger.join(GUARD)
    assert report["sent"] == 50
    assert {key: report[key] for key in faults} == faults
    if faults.get("lost"):
        (missing,) = report["missing"]
        assert (missing["first"], missing["last"]) == (9, 9)


@pytest.mark.parametrize("words", [
    case("", "no mode", ""),
    case("", "an unknown mode", "sideways"),
    case("", "too small for a stamp", "p2p --size 15"),
    case("", "both loops", "p2p --rate 1 --window 1"),
    case("", "not for this mode", "sub --size 20"),
    case("", "only with --broadcast", "conn --qos 1"),
    case("", "no fleet", "mixed"),
    case("", "a fleet that is not there", "mixed --profile /nowhere"),
])
def test_wrong_usage(words):
    _, said = run(starling(), "bench", *words.split(), code=FAILED)
    assert said


def test_interrupt_ends_it_with_a_report(shared_broker, topic):
    report = interrupt(start(shared_broker, "p2p", "--clients", 2, "--topic", topic))
    assert report["interrupted"] and report["seconds"] < 600
    all_came(report)


# --- Other brokers --------------------------------------------------------------------------------


@pytest.fixture
def mosquitto(tmp_path):
    program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        pytest.skip("mosquitto is not installed")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen([program, "-c", str(configuration)], stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.01)  # it tells nobody when it listens
    yield port
    process.terminate()
    process.wait(GUARD)


@versions
@levels
def test_mosquitto(mosquitto, version, qos):
    all_came(bench(mosquitto, "p2p", "--clients", 3, "--mqtt", version, "--qos", qos,
                   "--window", 4))
