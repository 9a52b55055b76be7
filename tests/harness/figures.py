"""The broker's own figures, as a client sees them below $SYS/broker/."""

import time

from .packets import PUBLISH

FIGURE_SECONDS = 60

# Below $SYS/broker/, where there is a QUIC listener.
QUIC_FIGURES = {f"quic/{name}" for name in (
    "datagrams_received", "handshakes", "resumptions", "early_accepted", "early_refused",
    "early_replays", "early_unregistered", "handshakes_failed", "retries_sent", "tokens_refused",
    "refused_half_open", "refused_per_network", "refused_connections", "versions_negotiated",
    "resets_sent", "resets_withheld", "malformed", "strays", "departures", "arrivals",
    "moves_refused", "forwarded", "forwards_dropped", "stream_credits_withheld", "wakes_delayed",
    "turns_cut", "connections", "parked", "large", "pinned", "awake", "blob_bytes", "window_bytes",
    "window_hits", "window_loads")}


def figure_becomes(broker, name, wanted):
    """Waits until a figure is this number, or one that is right by this function: it comes once an
    interval, and what it sums up may come apart."""
    is_right = wanted if callable(wanted) else lambda value: value == str(wanted)
    watcher = broker.connect()
    watcher.subscribe("$SYS/broker/" + name)
    deadline = time.monotonic() + FIGURE_SECONDS
    while not is_right(value := watcher.expect(PUBLISH).payload.decode()):
        assert time.monotonic() < deadline, f"{name} is {value}"
    watcher.abort()
