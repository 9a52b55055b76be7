"""QUIC for suites that speak TCP: a certificate, and a bridge in between."""

import os
import subprocess
import tempfile
from pathlib import Path

STOP_SECONDS = 60


class Certificate:
    """For localhost and 127.0.0.1, signed by itself; its files go with this object."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="starling-")
        self.file = str(Path(self._folder.name, "certificate.pem"))
        self.key = str(Path(self._folder.name, "key.pem"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", self.key, "-out", self.file],
            check=True, capture_output=True)


class Bridge:
    """Whatever connects to its port over TCP talks to a server over QUIC."""

    def __init__(self, port):
        program = os.environ.get("STARLING_BRIDGE", "build/release/quic_bridge")
        self.process = subprocess.Popen([program, "127.0.0.1", str(port)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, "the bridge did not start"
        self.port = int(line)

    def stop(self):
        """It ends with its standard input, and has nothing to complain of."""
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(STOP_SECONDS) == 0
