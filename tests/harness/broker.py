"""A broker to test: a process of ours, or one that already runs on $STARLING_TEST_PORT."""

import os
import re
import resource
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .cases import unique
from .peer import Peer
from .quic import Bridge, Certificate

# The options that tests set. In Python they go by the part after the dot.
OPTIONS = {key.split(".")[-1]: key for key in (
    "cores", "limits.connections", "limits.handshakes", "limits.packet_bytes_max",
    "limits.inflight_out", "limits.inflight_in",
    "limits.subscriptions_per_client", "limits.queue_messages", "limits.topic_levels",
    "limits.topic_aliases", "limits.client_id_bytes",
    "mqtt.maximum_qos", "mqtt.retain_available", "mqtt.wildcard_subscriptions",
    "mqtt.shared_subscriptions", "mqtt.subscription_identifiers", "mqtt.server_keep_alive_s",
    "mqtt.keep_alive_max_s", "mqtt.share_strategy", "limits.shutdown_timeout_s",
    "limits.connect_timeout_s", "limits.queue_drop", "limits.client_bytes", "limits.outbox_bytes",
    "limits.retained_messages", "limits.retained_bytes", "limits.sessions",
    "limits.session_expiry_max_s", "quic.client_ca", "sys.interval_s", "log.level", "log.format", "memory.max",
)}

START_SECONDS = 60
STOP_SECONDS = 60
LOG_SECONDS = 60
READY = {"tcp": re.compile(r"listening on 127\.0\.0\.1:(\d+)"),
         "quic": re.compile(r"listening on quic://127\.0\.0\.1:(\d+)")}
# How sanitizers, assertions and the C++ library say that something is wrong.
REPORT = re.compile(r"Sanitizer|runtime error:|[Aa]ssertion|terminate called", re.MULTILINE)


def external_port():
    return int(os.environ.get("STARLING_TEST_PORT", 0))


def transport():
    """How peers reach a broker of ours: tcp, or quic by a bridge. See --transport."""
    return os.environ.get("STARLING_TEST_TRANSPORT", "tcp")


class Broker:
    """Owns the connections made through it, too.

    `transports`: what it listens on, "tcp" or "quic" or both; without, what peers run over. `port`
    is where peers connect; with "quic" there are `quic_port`, and `certificate`, which signs itself.
    `words` go to its command line.
    """

    def __init__(self, *words, transports=None, **options):
        self.peers = []
        self.process = None
        self.bridge = None
        self._transports = transports or (transport(),)
        self._is_told = False
        self.port = external_port()
        if not self.port:
            self._start(words, options)

    def _start(self, words, options):
        binary = os.environ.get("STARLING", "build/release/starling")
        command = [binary, "serve", *map(str, words)]
        if "tcp" in self._transports:
            command += ["--listen", "127.0.0.1:0"]
        if "quic" in self._transports:
            command += self._quic_words()
        for name, value in options.items():
            command += ["--set", f"{OPTIONS[name]}={str(value).lower()}"]
        self._log = tempfile.NamedTemporaryFile(prefix="starling-", suffix=".log")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log,
                                        stderr=subprocess.STDOUT)
        if "quic" in self._transports:
            self.quic_port = self._wait_until_ready("quic")
        if "tcp" in self._transports:
            self.port = self._wait_until_ready("tcp")
        elif transport() == "quic":
            self.bridge = Bridge(self.quic_port)
            self.port = self.bridge.port

    def _quic_words(self):
        self.certificate = Certificate()
        self._data = tempfile.TemporaryDirectory(prefix="starling-")
        return ["--listen", "quic://127.0.0.1:0", "--data-dir", self._data.name,
                "--set", f"quic.certificate={self.certificate.file}",
                "--set", f"quic.key={self.certificate.key}"]

    def _wait_until_ready(self, kind):
        deadline = time.monotonic() + START_SECONDS
        while not (ready := READY[kind].search(self.log())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"the broker did not start:\n{self.log()}")
            time.sleep(0.01)
        return int(ready[1])

    def log(self):
        return Path(self._log.name).read_text(errors="replace")

    def wait_for_log(self, pattern):
        """Returns the match of a line that is there or comes."""
        deadline = time.monotonic() + LOG_SECONDS
        while not (match := re.search(pattern, self.log())):
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.log()[-4000:]}"
            time.sleep(0.005)  # the broker writes into a file, which nobody can wait for
        return match

    def leave_descriptors(self, count):
        """From now on the process may open so many more than now, or little more than that."""
        highest = max(map(int, os.listdir(f"/proc/{self.process.pid}/fd")))
        limit = highest + 1 + count
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (limit, limit))

    def memory_bytes(self):
        """The resident set of the process; 0 under a sanitizer, where it means nothing."""
        if self._is_sanitized():
            return 0
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def _is_sanitized(self):
        binary = Path(self.process.args[0]).read_bytes()
        return b"__asan_init" in binary or b"__tsan_init" in binary

    # --- Connections ------------------------------------------------------------------------------

    def dial(self, version=5):
        """Returns a peer that has not said CONNECT."""
        peer = Peer(self.port, version)
        self.peers.append(peer)
        return peer

    def connect(self, client_id=None, version=5, **fields):
        """Returns a peer that was accepted."""
        return self.dial(version).connect(unique() if client_id is None else client_id, **fields)

    def hang_up(self):
        """Closes what a test left open, having judged what had come."""
        peers, self.peers = self.peers, []
        for peer in peers:
            peer.hang_up()

    # --- The end ----------------------------------------------------------------------------------

    def tell_to_stop(self, number=signal.SIGTERM):
        """Once: a second signal would end it at once."""
        if not self._is_told:
            self.process.send_signal(number)
        self._is_told = True

    def stop(self):
        """The broker stops when told to, cleanly, and no sanitizer has found anything."""
        if not self.process:
            return
        self.tell_to_stop()
        if self.bridge:
            self.bridge.stop()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the broker does not stop:\n{self.log()[-4000:]}") from None
        log = self.log()
        assert code == 0 and not REPORT.search(log), f"exit code {code}:\n{log[-8000:]}"

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        try:
            self.hang_up()
        finally:
            self.stop()
