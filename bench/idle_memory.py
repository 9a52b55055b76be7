"""Resident bytes of the broker per idle client: the slope from 5,000 to 19,000 connections.

    /usr/bin/python3 bench/idle_memory.py              # clients without a subscription
    /usr/bin/python3 bench/idle_memory.py --subscribe  # each with a subscription of its own

The slope leaves out what the process costs once. A process may open 20,000 descriptors on many
machines, hence 19,000. Kernel memory of the sockets is not in it.
"""

import argparse
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
SETTLE_SECONDS = 1


def resident_bytes(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024


def connect(port, index, subscribes):
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(packets.connect(f"client{index:06d}", version=4))
    assert len(client.recv(64)) == 4, "CONNACK"
    if subscribes:
        client.sendall(packets.subscribe(1, (f"own/{index:06d}/x", 0), version=4))
        assert len(client.recv(64)) == 5
    return client


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subscribe", action="store_true", help="one subscription for each")
    arguments = parser.parse_args()
    # Ten per cent of the descriptors would be kept for sockets without CONNECT.
    broker = Broker(interval_s=0, connections=MANY, handshakes=500)
    clients, sizes = [], []
    for count in (FEW, MANY):
        while len(clients) < count:
            clients.append(connect(broker.port, len(clients), arguments.subscribe))
        time.sleep(SETTLE_SECONDS)
        sizes.append(resident_bytes(broker.process))
    print(f"{(sizes[1] - sizes[0]) / (MANY - FEW):.0f} bytes per client")
    for client in clients:
        client.close()
    broker.stop()


if __name__ == "__main__":
    main()
