"""A broker that dies and comes back: what its QUIC clients notice."""

import os
import re
import time

import pytest

from harness.figures import figure_becomes
from harness.restartable import RestartableBroker

GUARD = 600  # seconds: thousands of handshakes, perhaps under a sanitizer


@pytest.fixture
def crowd(watch):
    """Starts so many clients, and returns once all are connected."""
    def start(broker, count):
        program = os.environ.get("STARLING_CROWD", "build/release/quic_crowd")
        clients = watch(program, broker.quic_port, count)
        assert clients.line(GUARD) == "connected"
        return clients

    return start


# Sessions are in memory: nobody finds one there again, but who was accepted by the second broker and
# gave up before it heard of it.
@pytest.mark.timeout(2 * GUARD)
@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_every_client_learns_by_a_reset_and_comes_back(crowd, record_property, count):
    with RestartableBroker("--set", "sys.interval_s=1") as broker:
        clients = crowd(broker, count)
        broker.kill()
        broker.start()
        begin = time.monotonic()
        clients.tell("publish")
        answer = clients.line(GUARD)
        seconds = time.monotonic() - begin

        ends = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", answer)}
        failed, present = ends.pop("failed"), ends.pop("present")
        assert ends == {"returned": count, "reset": count, "otherwise": 0}
        assert present <= failed
        figure_becomes(broker, "quic/resets_sent", lambda value: int(value) >= count)
        record_property("seconds_until_all_were_back", round(seconds, 2))
        print(f"{count} clients back, each with its message, after {seconds:.1f} s; "
              f"{failed} attempts failed on the way")
