"""The broker, the yardstick and the peers: each a process on one CPU."""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60
STOP_SECONDS = 60

# All have their defaults but for this: queues are long, as a generator that is held up sends at once
# what was due, and a lost message costs nothing; and Mosquitto does not hold back small packets.
STARLING = ("--cores", 1, "--set", "limits.queue_messages=1000000",
            "--set", "limits.client_bytes=1000000000")
MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 1000000
set_tcp_nodelay true
log_type error
"""


class Failed(Exception):
    """A program did not do what the measurement needs. The text is for whoever runs it."""


class Server:
    """A started process: its `name`, `pid` and `port`."""

    def __init__(self, name, broker, cpu):
        self.name = name
        self.port = free_port()
        self._files = tempfile.TemporaryDirectory(prefix="bench-ratio-")
        self._log = Path(self._files.name) / "log"
        command = ["taskset", "-c", cpu, *self._command(name, broker)]
        with self._log.open("w") as log:
            self._process = subprocess.Popen([str(word) for word in command], stdout=log,
                                             stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        self.pid = self._process.pid  # taskset becomes what it starts
        self._wait_until_ready(name)

    def _command(self, name, broker):
        if name == "starling":
            return [broker, "serve", "--listen", f"127.0.0.1:{self.port}", *STARLING]
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
