"""A broker over QUIC that can be killed and started anew where it was."""

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .broker import REPORT
from .cases import unique
from .peer import Peer
from .quic import Certificate

START_SECONDS = 60


class RestartableBroker:
    """Owns its process, one after the other, on the same QUIC port and data folder. `port` is
    where peers reach it over TCP, another one in each life. `words` go to its command line."""

    def __init__(self, *words):
        self.certificate = Certificate()
        self._folder = tempfile.TemporaryDirectory(prefix="starling-")
        self._words = words
        self._lives = 0
        self.quic_port = 0
        self.start()

    def start(self):
        self._lives += 1
        self._log = Path(self._folder.name, f"log-{self._lives}")
        words = [os.environ.get("STARLING", "build/release/starling"), "serve",
                 "--data-dir", f"{self._folder.name}/data",
                 "--listen", "127.0.0.1:0", "--listen", f"quic://127.0.0.1:{self.quic_port}",
                 "--set", f"quic.certificate={self.certificate.file}",
                 "--set", f"quic.key={self.certificate.key}", *self._words]
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen([str(word) for word in words], stdout=log,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.quic_port = self._listening(r"listening on quic://127\.0\.0\.1:(\d+)")
        self.port = self._listening(r"listening on 127\.0\.0\.1:(\d+)")

    def _listening(self, pattern):
        deadline = time.monotonic() + START_SECONDS
        while not (found := re.search(pattern, self._log.read_text(errors="replace"))):
            assert self.process.poll() is None and time.monotonic() < deadline, \
                self._log.read_text(errors="replace")
            time.sleep(0.01)
        return int(found[1])

    def connect(self):
        return Peer(self.port).connect(unique())

    def kill(self):
        """It has no time to say anything to anybody."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.kill()
        self.process.wait()
        for log in Path(self._folder.name).glob("log-*"):
            text = log.read_text(errors="replace")
            assert not REPORT.search(text), text
