"""The broker, the yardstick and the peers: each a process on one CPU, but for more cores than one."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from harness.quic import Certificate  # noqa: E402

START_SECONDS = 60
STOP_SECONDS = 60

# All have their defaults but for this: queues are long, as a generator that is held up sends at once
# what was due, and a lost message costs nothing; and Mosquitto does not hold back small packets.
SETTINGS = ("limits.queue_messages=1000000", "limits.client_bytes=1000000000")
MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 1000000
set_tcp_nodelay true
log_type error
"""


@dataclass(frozen=True)
class Starling:
    """The broker in one of its ways to work."""

    cores: int = 1
    is_quic: bool = False
    settings: tuple = ()

    def listen(self, port):
        return f"127.0.0.1:{port}" + (f",quic://127.0.0.1:{port}" if self.is_quic else "")


# Parked: as good as no connection of a thousand finds its window or its ciphers in memory.
STARLINGS = {
    "starling": Starling(),
    "starling on 2 cores": Starling(cores=2),
    "starling over QUIC": Starling(is_quic=True),
    "starling over QUIC, parked": Starling(is_quic=True, settings=(
        "quic.windows=8", "quic.retry_from=4", "quic.live_ciphers=8")),
}


class Failed(Exception):
    """A program did not do what the measurement needs. The text is for whoever runs it."""


class Server:
    """A started process: its `name`, `pid` and `port`, and what the generator needs to reach it."""

    def __init__(self, name, broker, cpu):
        self.name = name
        self.port = free_port()
        self._files = tempfile.TemporaryDirectory(prefix="bench-ratio-")
        self._log = Path(self._files.name) / "log"
        flavour = STARLINGS.get(name, Starling())
        self.flags = ("--quic", "--insecure") if flavour.is_quic else ()
        cpus = cpu if flavour.cores == 1 else f"0-{os.cpu_count() - 1}"
        command = ["taskset", "-c", cpus, *self._command(name, broker)]
        with self._log.open("w") as log:
            self._process = subprocess.Popen([str(word) for word in command], stdout=log,
                                             stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        self.pid = self._process.pid  # taskset becomes what it starts
        self._wait_until_ready(name)

    def _command(self, name, broker):
        if name in STARLINGS:
            flavour = STARLINGS[name]
            settings = [*SETTINGS, *flavour.settings, f"data_dir={self._files.name}/data"]
            if flavour.is_quic:
                self._certificate = Certificate()
                settings += [f"quic.certificate={self._certificate.file}",
                             f"quic.key={self._certificate.key}"]
            return [broker, "serve", "--listen", flavour.listen(self.port), "--cores",
                    flavour.cores, *(word for one in settings for word in ("--set", one))]
        if name == "lightspeed":
            return [ROOT / "build/release/lightspeed", "--port", self.port]
        if name == "aedes":
            return ["node", ROOT / "bench/peers/aedes.js", self.port]
        configuration = Path(self._files.name) / "mosquitto.conf"
        configuration.write_text(MOSQUITTO.format(port=self.port))
        return [mosquitto(), "-c", configuration]

    def _wait_until_ready(self, name):
        deadline = time.monotonic() + START_SECONDS
        while not is_listening(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = self._log.read_text(errors="replace")
                self.stop()
                raise Failed(f"{name} did not start:\n{text}")
            time.sleep(0.01)

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._process.kill()
        self._process.wait()
        self._files.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()


def mosquitto():
    """Debian puts it where only root looks."""
    return shutil.which("mosquitto") or "/usr/sbin/mosquitto"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def is_listening(port):
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False
