"""What bench-ratio measures: a name, the generator's arguments, and the figure that is read."""

from dataclasses import dataclass

from .figures import CONNECT, LATENCY, MESSAGE, SYSCALLS, WAKE_UPS

CROWD = 1_000
CONNECTS = 15_000  # a process may often open 20,000 descriptors
BACKGROUND = ("--background-filters", 100_000)
ALONE = ("--window", 1)

# A publisher's window is open again with its PUBACK: many would send one subscriber more than it is
# allowed to have in flight, and what queues above a broker's bounds is dropped. So they get a rate
# that all can bear.
BEARABLE = ("--rate", 20_000)


@dataclass(frozen=True)
class Scenario:
    what: str  # in words
    load: tuple  # of words for `starling bench`
    figure: object = MESSAGE
    servers: tuple = ("starling", "lightspeed")  # the last is what the others are compared with

    @property
    def yardstick(self):
        return self.servers[-1]


def pairs(qos, bytes, *pace, clients=100):
    return ("p2p", "--clients", clients, "--qos", qos, "--size", bytes, *pace)


def crowd(mode, qos, *pace):
    one, many = ("--publishers", "--subscribers") if mode == "fanout" else \
        ("--subscribers", "--publishers")
    return (mode, one, 1, many, CROWD, "--qos", qos, "--size", 16, *pace)


def busy_pairs(qos, bytes=16, *more):
    return Scenario(f"100 pairs, {bytes} bytes, window 32, QoS {qos}",
                    pairs(qos, bytes, "--window", 32, *more))


def lone_pairs(qos):
    return Scenario(f"100 pairs, 16 bytes, window 1, QoS {qos}", pairs(qos, 16, *ALONE))


def on_two_cores(scenario):
    return Scenario(f"{scenario.what}, on two cores", scenario.load, WAKE_UPS,
                    ("starling on 2 cores", "starling"))


def over_quic(scenario):
    return Scenario(f"{scenario.what}, over QUIC", scenario.load,
                    servers=("starling over QUIC", "starling over QUIC, parked", "starling"))


def fanout(qos):
    return Scenario(f"1 to 1,000, 16 bytes, window 1, QoS {qos}", crowd("fanout", qos, *ALONE))


SCENARIOS = {
    "p2p": busy_pairs(0),
    "p2p-qos1": busy_pairs(1),
    "p2p-qos2": busy_pairs(2),
    "p2p-1k": busy_pairs(0, 1024),
    "window1": lone_pairs(0),
    "window1-qos1": lone_pairs(1),
    "fanout": fanout(0),
    "fanout-qos1": fanout(1),
    "fanin": Scenario("1,000 to 1, 16 bytes, window 1, QoS 0", crowd("fanin", 0, *ALONE)),
    "fanin-qos1": Scenario("1,000 to 1, 16 bytes, QoS 1, at 20,000 messages/s",
                           crowd("fanin", 1, *BEARABLE)),
    "background": Scenario("as p2p, among 100,000 wildcard filters that match nothing",
                           busy_pairs(0, 16, *BACKGROUND).load),
    "connect": Scenario("from accept to CONNACK", ("conn", "--clients", CONNECTS), CONNECT),
    "latency": Scenario("100 pairs, 16 bytes, QoS 0, at half the rate that saturates the broker",
                        pairs(0, 16), LATENCY),
    "cores": on_two_cores(busy_pairs(0)),
    "cores-qos1": on_two_cores(busy_pairs(1)),
    "cores-window1": on_two_cores(lone_pairs(0)),
    "quic": over_quic(busy_pairs(0, 64)),
    "quic-window1": over_quic(Scenario("100 pairs, 64 bytes, window 1, QoS 0",
                                       pairs(0, 64, *ALONE))),
    "syscalls": Scenario("one pair, 16 bytes, window 1, QoS 0: nothing is batched",
                         pairs(0, 16, *ALONE, clients=1), SYSCALLS),
}
