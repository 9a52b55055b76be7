"""A network of our own, with nothing in it but a loopback: there every port is free, the fixed ones
too, and nobody else listens."""

import ipaddress
import subprocess
import sys
from pathlib import Path

import pytest

from programs import GUARD, Watched

# Brings the loopback up, says so, and holds the network for as long as somebody listens.
HOLD = """
import fcntl, socket, struct, sys
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
print("up", flush=True)
sys.stdin.read()
"""


class PrivateNetwork:
    """Owns the process that holds the network. Where the machine permits none, the test is skipped."""

    def __init__(self):
        may_be = subprocess.run(["unshare", "--map-root-user", "--net", "true"],
                                capture_output=True, text=True, check=False)
        if may_be.returncode:
            pytest.skip(f"no network of one's own: {may_be.stderr.strip()}")
        self._holder = Watched("unshare", "--map-root-user", "--net", sys.executable, "-c", HOLD)
        self._holder.until("up")

    def words(self, *command):
        """The command that runs this one there."""
        return ("nsenter", f"--target={self._holder.process.pid}", "--user", "--net",
                "--preserve-credentials", *map(str, command))

    def run(self, *command):
        """Runs this there to its end: returncode, stdout, stderr."""
        return subprocess.run(self.words(*command), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=GUARD, check=False)

    def turn_ipv6_off(self):
        done = self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6")
        if done.returncode:
            pytest.skip(f"IPv6 cannot be turned off: {done.stderr.strip()}")

    def bound(self):
        """Where somebody listens or waits for datagrams: {(protocol, host, port)}."""
        return {(protocol.rstrip("6"), *address)
                for protocol in ("tcp", "tcp6", "udp", "udp6")
                for address in self._bound_of(protocol)}

    def _bound_of(self, protocol):
        table = Path(f"/proc/{self._holder.process.pid}/net/{protocol}")
        if not table.exists():  # a machine without IPv6
            return
        listens = "0A" if protocol.startswith("tcp") else "07"
        for line in table.read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == listens:
                yield parse_address(local)

    def close(self):
        self._holder.kill()


def parse_address(text):
    """(host, port) of what the kernel prints: 32-bit words in the machine's order."""
    words, port = text.split(":")
    raw = b"".join(int(words[at:at + 8], 16).to_bytes(4, sys.byteorder)
                   for at in range(0, len(words), 8))
    return str(ipaddress.ip_address(raw)), int(port, 16)
