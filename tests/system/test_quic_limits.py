"""Handshakes over QUIC by the network they come from, with networks of 127.0.0.0/8; and what the log
says of clients that were lost."""

import contextlib
import os
import selectors
import socket
import threading

import pytest

from harness.broker import Broker, external_port
from harness.cases import unique
from harness.figures import figure_becomes
from programs import run, starling

pytestmark = pytest.mark.skipif(external_port() != 0, reason="needs a broker of its own")

PLACES = 6  # of a network; half of them without an answer to a Retry
CLIENTS = 12


@pytest.fixture
def start_limited():
    """Starts a broker whose half-open handshakes last as long as the test."""
    with contextlib.ExitStack() as brokers:
        yield lambda *words: brokers.enter_context(
            Broker("--set", f"quic.half_open_per_network={PLACES}", "--set",
                   "quic.handshake_timeout_s=600", *words, transports=("tcp", "quic"), cores=1,
                   interval_s=1))


class Network:
    """Stands between clients of ours and a broker: each client is a host of its own, of PREFIX.0/24,
    and hears of what the broker says what `passes`."""

    def __init__(self, prefix, broker, passes):
        self._prefix = prefix
        self._broker = ("127.0.0.1", broker.quic_port)
        self._passes = passes
        self._inside = udp_socket("127.0.0.1")
        self.port = self._inside.getsockname()[1]
        self._hosts = {}  # by the connection ids of their clients
        self._hosts_by_server = {}  # and by those that the broker gave them
        self._awake, self._stop = socket.socketpair()
        self._ready = selectors.DefaultSelector()
        for one in (self._inside, self._awake):
            self._ready.register(one, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while True:
            for key, _ in self._ready.select():
                if key.fileobj is self._awake:
                    return
                datagram, sender = key.fileobj.recvfrom(2_000)
                if not datagram:  # how a client asks whether anybody listens
                    continue
                if key.fileobj is self._inside:
                    if host := self._host_of(datagram, sender):
                        host.sendto(datagram, self._broker)
                elif self._passes(datagram):
                    if has_source_id(datagram):
                        self._hosts_by_server[source_id(datagram)] = key.fileobj
                    self._inside.sendto(datagram, key.data)

    def _host_of(self, datagram, client):
        if not has_source_id(datagram):
            known = next(iter(self._hosts_by_server), b"")  # all are of one length
            return self._hosts_by_server.get(datagram[1:1 + len(known)])
        name = source_id(datagram)
        if name not in self._hosts:
            self._hosts[name] = udp_socket(f"{self._prefix}.{1 + len(self._hosts) % 254}")
            self._ready.register(self._hosts[name], selectors.EVENT_READ, client)
        return self._hosts[name]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *failure):
        self._stop.send(b"x")
        self._thread.join()
        for one in (self._inside, self._awake, self._stop, *self._hosts.values()):
            one.close()


def udp_socket(address):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((address, 0))
    return one


# RFC 8999: a long header has both ids, each after its length.


def has_source_id(datagram):
    return datagram[0] & 0x80 != 0


def source_id(datagram):
    at = 6 + datagram[5]
    return datagram[at + 1:at + 1 + datagram[at]]


def is_retry(datagram):
    return datagram[0] & 0xF0 == 0xF0


def crowd(watch, network):
    return watch(os.environ.get("STARLING_CROWD", "build/release/quic_crowd"), network.port,
                 CLIENTS)


def publish(broker):
    """By somebody at 127.0.0.1."""
    run(starling(), "pub", "--quic", "--cafile", broker.certificate.file, "-p", broker.quic_port,
        "-t", "t", "-m", "x", "-q", 1)


def test_a_network_has_so_many_places(start_limited, watch):
    """Its hosts answer a Retry and hear nothing more."""
    broker = start_limited("--set", "quic.unlimited_sources=")
    with Network("127.77.1", broker, is_retry) as network:
        crowd(watch, network)
        figure_becomes(broker, "quic/refused_per_network", lambda value: int(value) > 0)
        figure_becomes(broker, "quic/retries_sent", lambda value: int(value) > 0)
        figure_becomes(broker, "quic/connections", PLACES)
        publish(broker)
        figure_becomes(broker, "quic/handshakes", 1)
        figure_becomes(broker, "quic/connections", PLACES)
        with Network("127.77.2", broker, lambda _: True) as other:
            crowd(watch, other).until("connected")


def test_who_hears_nothing_is_asked_and_keeps_nobody_out(start_limited, watch):
    """As if somebody else sent under its addresses: half the places stay for who answers."""
    broker = start_limited("--set", "quic.unlimited_sources=")
    with Network("127.77.1", broker, lambda _: False) as spoofed:
        crowd(watch, spoofed)
        figure_becomes(broker, "quic/retries_sent", lambda value: int(value) > 0)
        figure_becomes(broker, "quic/connections", PLACES // 2)
        figure_becomes(broker, "quic/refused_per_network", 0)
        with Network("127.77.1", broker, lambda _: True) as honest:
            crowd(watch, honest).until("connected")


@pytest.mark.parametrize("words", [(), ("--set", "quic.unlimited_sources=10.0.0.0/8,127.77.0.0/16")],
                         ids=["default", "named"])
def test_unlimited_sources_have_no_limit(start_limited, watch, words):
    broker = start_limited(*words)
    with Network("127.77.1", broker, lambda _: False) as deaf:
        crowd(watch, deaf)
        figure_becomes(broker, "quic/connections", lambda value: int(value) >= CLIENTS)
        figure_becomes(broker, "quic/retries_sent", 0)


# --- The log --------------------------------------------------------------------------------------


def test_a_lost_client_is_told_with_address_and_reason(watch):
    with Broker("--set", "quic.user_timeout_ms=500", transports=("tcp", "quic")) as broker:
        name, topic = unique(), unique()
        sub = watch(starling(), "sub", "--quic", "--cafile", broker.certificate.file, "-p",
                    broker.quic_port, "-i", name, "-t", topic, "-d")
        sub.until("received SUBACK")
        at = broker.wait_for_log(rf"client {name} at (127\.0\.0\.1:\d+) connected")[1]
        sub.process.kill()
        sub.process.wait()
        broker.connect().publish(topic, b"", qos=1)
        broker.wait_for_log(rf"client {name} at {at} left: connection lost: "
                            r"the peer is silent and owes acknowledgements\n")
