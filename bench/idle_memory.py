"""Resident bytes of the broker per idle client: the slope from 5,000 to 19,000 connections.

    /usr/bin/python3 bench/idle_memory.py              # with one core and with two, about 4 minutes
    /usr/bin/python3 bench/idle_memory.py --cores 2

For each it prints clients without a subscription and with one of their own, that have been idle
ever since they connected, and that have published and received a message at QoS 1 before.

The slope leaves out what the process costs once. A process may open 20,000 descriptors on many
machines, hence 19,000. Kernel memory of the sockets is not in it.
"""

import argparse
import itertools
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
PAYLOAD = bytes(100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    for cores, subscribes, talks in itertools.product(arguments.cores, (0, 1), (0, 1)):
        print(f"{bytes_per_client(cores, subscribes, talks):4.0f} bytes per client: "
              f"--cores {cores}, {'a' if subscribes else 'no'} subscription, "
              f"{'after traffic' if talks else 'idle from the beginning'}", flush=True)


def bytes_per_client(cores, subscribes, talks):
    # Ten per cent of the descriptors would be kept for sockets without CONNECT.
    broker = Broker(cores=cores, interval_s=0, connections=MANY, handshakes=500)
    clients, sizes = [], []
    for count in (FEW, MANY):
        fresh = range(len(clients), count)
        clients += [connect(broker.port, index, subscribes) for index in fresh]
        if talks:
            talk(clients, fresh, subscribes)
        time.sleep(SETTLE_SECONDS)
        sizes.append(resident_bytes(broker.process))
    for client in clients:
        client.close()
    broker.stop()
    return (sizes[1] - sizes[0]) / (MANY - FEW)


def own_topic(index):
    return f"own/{index:06d}/x"


def connect(port, index, subscribes):
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(packets.connect(f"client{index:06d}", version=4))
    receive(client, 4)  # CONNACK
    if subscribes:
        client.sendall(packets.subscribe(1, (own_topic(index), 1), version=4))
        receive(client, 5)
    return client


def talk(clients, indices, subscribes):
    """Each publishes to its own topic, for the first time; they acknowledge once all have sent."""
    for index in indices:
        clients[index].sendall(own_publish(index))
    for index in indices:
        receive(clients[index], 4)  # PUBACK, and the message under identifier 1
        if subscribes:
            receive(clients[index], len(own_publish(index)))
            clients[index].sendall(packets.puback(1))


def own_publish(index):
    return packets.publish(own_topic(index), PAYLOAD, qos=1, packet_id=1, version=4)


def receive(client, size):
    while size:
        size -= len(client.recv(size))


def resident_bytes(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024


if __name__ == "__main__":
    main()
