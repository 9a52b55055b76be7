"""Resident bytes of the broker per idle client: the slope from 5,000 to 19,000 of them.

    /usr/bin/python3 bench/idle_memory.py              # one core and two, both versions: 12 minutes
    /usr/bin/python3 bench/idle_memory.py --cores 2 --versions 5

For each it prints clients without a subscription and with one of their own, that have been idle
ever since they connected, and that have published and received ten messages at QoS 1 before. Then
sessions with a subscription whose clients have left and that are kept. With --json all of it is one
list, on the last line.

The slope leaves out what the process costs once. A process may open 20,000 descriptors on many
machines, hence 19,000. Kernel memory of the sockets is not in it.
"""

import argparse
import itertools
import json
import re
import socket
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from harness import packets  # noqa: E402
from harness.broker import Broker  # noqa: E402

FEW, MANY = 5_000, 19_000
SETTLE_SECONDS = 8  # the broker gives memory back every 5
MESSAGES = 10
PAYLOAD = bytes(100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--versions", type=int, nargs="+", default=[4, 5], choices=[4, 5])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for cores, version in itertools.product(arguments.cores, arguments.versions):
        def report(what, crowd, cores=cores, version=version):
            bytes_each = slope(cores, crowd)
            rows.append({"what": what, "cores": cores, "version": version, "bytes": bytes_each})
            print(f"{bytes_each:4.0f} bytes per {what}: --cores {cores}, version {version}",
                  flush=True)

        for subscribes, talks in itertools.product((False, True), repeat=2):
            report(f"client with {'a' if subscribes else 'no'} subscription, "
                   f"{'after traffic' if talks else 'idle from the beginning'}",
                   Clients(version, subscribes, talks))
        report("absent session with a subscription", Absentees(version))
    if arguments.json:
        print(json.dumps(rows))


def slope(cores, crowd):
    """Bytes that each costs of those that `crowd` adds between the first look and the second."""
    # Ten per cent of the descriptors would be kept for sockets without CONNECT.
    broker = Broker(cores=cores, interval_s=0, connections=MANY, handshakes=500)
    sizes = []
    for indices in (range(FEW), range(FEW, MANY)):
        crowd.grow(broker.port, indices)
        time.sleep(SETTLE_SECONDS)
        sizes.append(resident_bytes(broker.process))
    crowd.leave()
    broker.stop()
    return (sizes[1] - sizes[0]) / (MANY - FEW)


class Clients:
    """Clients that stay."""

    def __init__(self, version, subscribes, talks):
        self._version, self._subscribes, self._talks = version, subscribes, talks
        self._sockets = []

    def grow(self, port, indices):
        for index in indices:
            self._sockets.append(connect(port, index, self._version))
            if self._subscribes:
                subscribe(self._sockets[index], index, self._version)
        for message in range(1, MESSAGES + 1) if self._talks else ():
            self._talk(indices, message)

    def _talk(self, indices, message):
        """Each publishes to its own topic; they acknowledge once all have sent."""
        for index in indices:
            self._sockets[index].sendall(packets.publish(own_topic(index), PAYLOAD, qos=1,
                                                         packet_id=message, version=self._version))
        for index in indices:
            receive_packet(self._sockets[index])  # PUBACK, and the message under the same identifier
            if self._subscribes:
                receive_packet(self._sockets[index])
                self._sockets[index].sendall(packets.puback(message))

    def leave(self):
        for one in self._sockets:
            one.close()


class Absentees:
    """Clients that come, subscribe and go; their sessions stay."""

    def __init__(self, version):
        self._version = version
        self._properties = {"session_expiry": 3600} if version == 5 else {}

    def grow(self, port, indices):
        for index in indices:
            with connect(port, index, self._version, clean=False, **self._properties) as client:
                subscribe(client, index, self._version)
                client.sendall(packets.disconnect())
                assert not client.recv(1)

    def leave(self):
        """They have."""


def own_topic(index):
    return f"own/{index:06d}/x"


def connect(port, index, version, **fields):
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(packets.connect(f"client{index:06d}", version=version, **fields))
    receive_packet(client)  # CONNACK
    return client


def subscribe(client, index, version):
    client.sendall(packets.subscribe(1, (own_topic(index), 1), version=version))
    receive_packet(client)  # SUBACK


def receive_packet(client):
    """Reads one, of whatever type and length."""
    client.recv(1)
    length, shift, byte = 0, 0, 0x80
    while byte & 0x80:
        (byte,) = client.recv(1)
        length |= (byte & 0x7F) << shift
        shift += 7
    while length:
        length -= len(client.recv(length))


def resident_bytes(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024


if __name__ == "__main__":
    main()
