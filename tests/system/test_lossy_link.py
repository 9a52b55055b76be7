"""bench/lossy_link carries what it is given, loses what its seed says, and leaves nothing behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from harness.lossy_link import SIDES, LossyLink, NotPermitted, program
from programs import GUARD, run

ROUNDS, AT_ONCE = 20, 100  # so many that a device and a socket hold
PORT = 9

# Makes a socket where it runs and passes it on, which stays there for good.
PASS_SOCKET = """
import socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((sys.argv[1], int(sys.argv[2])))
socket.send_fds(socket.socket(fileno=int(sys.argv[3])), [b"."], [udp.fileno()])
"""


@pytest.fixture
def start_link():
    """Starts a link that goes with the test: start_link(loss_percent=5)."""
    with contextlib.ExitStack() as links:
        def start(**how):
            try:
                return links.enter_context(LossyLink(**how))
            except NotPermitted as why:
                pytest.skip(f"no networks of one's own: {why}")

        yield start


def open_socket(link, side):
    """A socket for datagrams in the network of that side."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = link.words(side, sys.executable, "-c", PASS_SOCKET, link.address[side], PORT,
                             theirs.fileno())
        subprocess.run(command, pass_fds=[theirs.fileno()], check=True, timeout=GUARD)
        _, (descriptor,), _, _ = socket.recv_fds(ours, 1, 1)
    return socket.socket(fileno=descriptor)


def send_rounds(link, side, other):
    """Sends numbers from one side to the other; returns those that arrive, and the counts."""
    arrived = []
    with open_socket(link, side) as sender, open_socket(link, other) as receiver:
        for first in range(0, ROUNDS * AT_ONCE, AT_ONCE):
            for number in range(first, first + AT_ONCE):
                sender.sendto(number.to_bytes(2), (link.address[other], PORT))
            counts = link.counts()  # all that will arrive has
            with contextlib.suppress(BlockingIOError):
                while True:
                    arrived.append(int.from_bytes(receiver.recv(2, socket.MSG_DONTWAIT)))
    return arrived, counts


@pytest.mark.parametrize(("side", "other"), [SIDES, SIDES[::-1]])
def test_a_seed_says_which_packets_are_lost(start_link, side, other):
    total = ROUNDS * AT_ONCE
    runs = [send_rounds(start_link(loss_percent=5, delay_ms=1, seed=seed), side, other)
            for seed in (1, 1, 2)]
    for arrived, counts in runs:
        way = counts["down" if side == "near" else "up"]
        assert len(arrived) == way["carried"] == total - way["lost"]
        assert way["overflowed"] == 0
        assert 0.04 * total < way["lost"] < 0.06 * total
        assert arrived == sorted(set(arrived))
        assert sum(counts["up" if side == "near" else "down"].values()) == 0
    (first, _), (again, _), (different, _) = runs
    assert first == again
    assert first != different


def test_without_loss_everything_arrives(start_link):
    arrived, _ = send_rounds(start_link(delay_ms=0), "far", "near")
    assert arrived == list(range(ROUNDS * AT_ONCE))


def test_a_queue_holds_no_more_than_it_may(start_link):
    arrived, counts = send_rounds(start_link(delay_ms=100, queue=7), "far", "near")
    assert counts["up"]["overflowed"] > 0
    assert len(arrived) + counts["up"]["overflowed"] == ROUNDS * AT_ONCE
    assert len(arrived) >= ROUNDS * 7


# --- The end --------------------------------------------------------------------------------------

# Has a program in a network of a link, which writes its name, and waits for its own end.
OWNER = """
import subprocess, sys
from harness.lossy_link import LossyLink
link = LossyLink()
inside = link.words("near", sys.executable, "-c",
                    "import os; print(os.readlink('/proc/self/ns/net'), flush=True); input()")
with link, subprocess.Popen(inside, stdin=subprocess.PIPE):
    input()
"""


def networks():
    """Those that some process is in."""
    found = set()
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/{process}/ns/net"))
    return found


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_behind(start_link, watch, end):
    start_link()  # or there is none
    owner = watch("env", "PYTHONPATH=tests", sys.executable, "-c", OWNER)
    network = owner.line()
    assert network in networks()
    owner.process.send_signal(end)
    deadline = time.monotonic() + GUARD
    while network in networks():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # nobody tells of the end of processes that are not ours


# --- Usage ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("flags", [("--loss", "101"), ("--loss", "-1"), ("--queue", "0"), ("more",)])
def test_refuses_what_is_no_link(flags):
    assert run(program(), *flags, code=2)[1]


def test_says_what_it_may_not(start_link):
    start_link()  # where somebody may, a user who is nobody may not
    _, said = run("unshare", "--user", program(), code=1)
    assert said == "lossy_link: a network of one's own: Operation not permitted\n"


# --- What is measured with it ---------------------------------------------------------------------

def test_both_transports_lose_no_message(start_link):
    start_link()  # or there is none
    out, _ = run("/usr/bin/python3", "bench/loss.py", "--loss", 5, "--seconds", 1, "--json")
    rows = json.loads(out.splitlines()[-1])
    assert [(row["transport"], row["pairs"]) for row in rows] == \
        [("tcp", 1), ("quic", 1), ("tcp", 20), ("quic", 20)]
    for row in rows:
        assert row["lost"] == row["errors"] == row["unsent"] == 0
        assert row["link"]["up"]["lost"] > 0 < row["link"]["down"]["lost"]
        assert row["latency_ms"]["p50"] >= 20
