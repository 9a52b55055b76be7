"""CPU time of the broker per message, with one core and with two, under the same load.

    /usr/bin/python3 bench/cores.py                     # about two minutes
    /usr/bin/python3 bench/cores.py --at-once 10        # other loads
    /usr/bin/python3 bench/cores.py --messages 50000 --times 5

50 clients publish and 50 subscribe, each to the topic of one of them: with two cores about half of
the messages change cores. Each publisher writes some messages at once, all are received, then the
next ones follow. One core and two take turns, several times; the last line of a QoS has the ratio of
the medians. The fewer at once, the more of it is the system's: reads, writes and wake-ups, of which
two cores that idle in between need more than one.
"""

import argparse
import socket
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from harness import packets  # noqa: E402
from harness.broker import Broker  # noqa: E402

PAIRS = 50
PAYLOAD = bytes(64)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--at-once", type=int, default=100, help="of each publisher")
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    for qos in (0, 1):
        totals = {1: [], 2: []}
        for _ in range(arguments.times):
            for cores, runs in totals.items():
                runs.append(microseconds_per_message(cores, qos, arguments))
                print(f"QoS {qos}, --cores {cores}: {runs[-1]:.2f} us a message", flush=True)
        one, two = (statistics.median(runs) for runs in totals.values())
        print(f"QoS {qos}: {one:.2f} us with one core, {two:.2f} with two, ratio {two / one:.2f}")


def microseconds_per_message(cores, qos, load):
    with Broker(cores=cores, interval_s=0) as broker:
        pairs = [Pair(broker.port, index, qos, load.at_once) for index in range(PAIRS)]
        run(pairs, rounds=3)  # warm
        before = cpu_seconds(broker.process)
        rounds = load.messages // (PAIRS * load.at_once)
        run(pairs, rounds)
        spent = cpu_seconds(broker.process) - before
        for pair in pairs:
            pair.close()
    return spent * 1e6 / (rounds * PAIRS * load.at_once)


def cpu_seconds(process):
    """User and system time of all its threads: CLOCK_PROCESS_CPUTIME_ID, as another process has it."""
    return time.clock_gettime(~process.pid << 3 | 2)


def run(pairs, rounds):
    for _ in range(rounds):
        for pair in pairs:
            pair.publish()
        for pair in pairs:
            pair.receive()


class Pair:
    """A publisher and its subscriber."""

    def __init__(self, port, index, qos, at_once):
        self.qos = qos
        self.at_once = at_once
        self.packet_id = 0  # of the broker's deliveries; both ends count alike
        self.topic = f"pair/{index}/measured"
        self.publisher, self.subscriber = (connect(port, f"{role}{index}") for role in "ps")
        self.subscriber.sendall(packets.subscribe(1, (self.topic, qos), version=4))
        receive(self.subscriber, 5)
        self.size = len(self.packet(1))

    def packet(self, packet_id):
        return packets.publish(self.topic, PAYLOAD, self.qos, packet_id, version=4)

    def publish(self):
        self.ids = [(self.packet_id + i) % 65535 + 1 for i in range(self.at_once)]
        self.packet_id = self.ids[-1]
        self.publisher.sendall(b"".join(map(self.packet, self.ids)))

    def receive(self):
        receive(self.subscriber, self.size * self.at_once)
        if self.qos:
            receive(self.publisher, 4 * self.at_once)
            self.subscriber.sendall(b"".join(map(packets.puback, self.ids)))

    def close(self):
        self.publisher.close()
        self.subscriber.close()


def connect(port, client_id):
    client = socket.create_connection(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(packets.connect(client_id, version=4))
    receive(client, 4)  # CONNACK
    return client


def receive(client, size):
    while size:
        size -= len(client.recv(size))


if __name__ == "__main__":
    main()
