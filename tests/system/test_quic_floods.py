"""Datagrams of nobody who means well, and clients who do nothing but open streams, at full speed: who
is served notices at most that it takes longer, and memory stays within its bound."""

import contextlib
import json
import os
import random
import re
import socket
import threading
import time

import pytest

from harness.broker import Broker
from harness.figures import figure_becomes
from programs import starling

MEMORY_MAX = 256 << 20
PAIRS = 50
SECONDS = 8
FLOOD_SECONDS = 6  # what is under way at its end may arrive
HALF_OPEN = 64
SOURCES = 100  # addresses of 127.0.0.0/8


@pytest.fixture
def broker():
    with Broker("--set", f"quic.half_open={HALF_OPEN}", "--set", "quic.handshake_timeout_s=2",
                "--set", f"quic.retry_from={HALF_OPEN // 4}", "--set", f"memory.max={MEMORY_MAX}",
                transports=("tcp", "quic"), interval_s=1) as started:
        yield started


def junk(chance):
    """Of any length, with the first bytes of any kind of packet."""
    return [bytes([chance.choice((0x00, 0x40, 0x7F, 0xC0, 0xD0, 0xE0, 0xF0, 0xFF))]) +
            chance.choice((b"", b"\0\0\0\1", b"\0\0\0\0", b"\x1a\2\3\4")) +
            chance.randbytes(chance.randint(0, 1_400)) for _ in range(500)]


def initials(watch):
    """First packets of clients of ours, who hear no answer: sound, each of another connection."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.settimeout(60)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        clients = watch(os.environ.get("STARLING_CROWD", "build/release/quic_crowd"),
                        deaf.getsockname()[1], 200)
        found = {}
        while len(found) < 150:
            datagram = deaf.recv(2_000)
            if len(datagram) == 1_200:
                found.setdefault(datagram[6:6 + datagram[5]], datagram)
        clients.kill()
    return list(found.values())


class Flood:
    """Sends these, again and again, from many addresses; counts them."""

    def __init__(self, port, datagrams, chance):
        self.sent = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port, datagrams, chance))

    def _run(self, port, datagrams, chance):
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOURCES)]
        for number, one in enumerate(sockets):
            one.bind((f"127.{1 + number}.{chance.randrange(256)}.1", 0))
        end = time.monotonic() + FLOOD_SECONDS
        while not self._is_over.is_set() and time.monotonic() < end:
            for datagram in datagrams:
                chance.choice(sockets).sendto(datagram, ("127.0.0.1", port))
            self.sent += len(datagrams)
        for one in sockets:
            one.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *failure):
        self._is_over.set()
        self._thread.join()


def serve_pairs(broker, watch, flood=None):
    """Messages at QoS 1, of which none may be lost or doubled and no connection either; returns
    their p99 in milliseconds."""
    bench = watch(starling(), "bench", "p2p", "--quic", "--insecure", "--port", broker.quic_port,
                  "--clients", PAIRS, "--rate", 500, "--qos", 1, "--duration", SECONDS,
                  "--keepalive", 0, "--json", "--quiet")
    figure_becomes(broker, "clients/connected", lambda value: int(value) >= 2 * PAIRS)
    with flood or contextlib.nullcontext():
        lines = bench.end()
    return json.loads(lines[-1])["latency_us"]["p99"] / 1_000


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["junk", "spoofed initials"])
def test_who_is_served_loses_nothing(broker, watch, kind, record_property):
    chance = random.Random(1)
    datagrams = junk(chance) if kind == "junk" else initials(watch)
    quiet = serve_pairs(broker, watch)
    flood = Flood(broker.quic_port, datagrams, chance)
    loud = serve_pairs(broker, watch, flood)
    record_property("p99_ms_quiet", round(quiet, 1))
    record_property("p99_ms_flooded", round(loud, 1))
    print(f"{kind}: p99 {quiet:.1f} ms, {loud:.1f} ms beside {flood.sent} datagrams")
    assert flood.sent > 0
    assert broker.memory_bytes() < MEMORY_MAX
    if kind == "junk":
        figure_becomes(broker, "quic/malformed", lambda value: int(value) > 0)
    else:
        figure_becomes(broker, "quic/retries_sent", lambda value: int(value) > 0)
        figure_becomes(broker, "quic/connections", 0)  # those half open have been given up


# --- Streams that come and go ---------------------------------------------------------------------

CHURNERS = 20


class Churn:
    """Clients that the broker has let in, each opening and ending streams as fast as it may."""

    def __init__(self, watch, broker):
        self._watch, self._port = watch, broker.quic_port

    def __enter__(self):
        program = os.environ.get("STARLING_CHURN", "build/release/quic_churn")
        self._program = self._watch(program, self._port, CHURNERS)
        self._program.until("connected")
        return self

    def __exit__(self, *failure):
        self._program.tell("")
        counts = re.fullmatch(r"opened=(\d+) lost=(\d+)", self._program.line())
        self.opened, self.lost = map(int, counts.groups())
        self._program.process.stdin.close()
        self._program.end()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("settings", [
    ("quic.streams_per_second=5",), ("quic.streams=1024", "quic.streams_per_second=65535"),
], ids=["restrained", "without restraint"])
def test_streams_come_and_go(start_broker, watch, settings, record_property):
    words = (word for one in (f"memory.max={MEMORY_MAX}", *settings) for word in ("--set", one))
    broker = start_broker(*words, transports=("tcp", "quic"), interval_s=1)
    quiet = serve_pairs(broker, watch)
    churn = Churn(watch, broker)
    loud = serve_pairs(broker, watch, churn)
    record_property("p99_ms_quiet", round(quiet, 1))
    record_property("p99_ms_churned", round(loud, 1))
    record_property("streams", churn.opened)
    print(f"p99 {quiet:.1f} ms, {loud:.1f} ms beside {churn.opened} streams; "
          f"{broker.memory_bytes() >> 20} MiB")
    assert churn.opened > CHURNERS * 16 and churn.lost == 0
    assert broker.memory_bytes() < MEMORY_MAX
    figure_becomes(broker, "counters/channels_opened", lambda value: int(value) > 0)
    is_restrained = len(settings) == 1
    withheld = (lambda value: int(value) > 0) if is_restrained else (lambda value: int(value) == 0)
    figure_becomes(broker, "quic/stream_credits_withheld", withheld)
    for name, left in (("quic/connections", 0), ("quic/awake", 0), ("quic/blob_bytes", 0),
                       ("clients/total", 1), ("subscriptions/count", 1)):  # who asks
        figure_becomes(broker, name, left)
    assert " at  left" not in broker.log(), "of whom the address is not known any more"
