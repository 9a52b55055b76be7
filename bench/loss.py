#!/usr/bin/python3
"""How late messages come when the network loses packets, over TCP and over QUIC.

    /usr/bin/python3 bench/loss.py                    # 12 runs, about seven minutes
    /usr/bin/python3 bench/loss.py --loss 5 --seconds 5

The broker is in one network and `starling bench` in another; bench/lossy_link carries each packet
between them in 10 ms and loses some, each way. A message crosses twice, so without loss it takes 20
ms. Messages of 64 bytes at QoS 1 are due at even distances, 500 a second over all pairs of a
publisher and a subscriber, and count from when they were due: one pair has many on its way at once,
where one that is lost holds up those behind it; of many pairs each has rarely two. Both transports
control congestion by the same rule, CUBIC. Every run has networks of its own, so nothing is
remembered from one to the next.

Needs the right to make network namespaces: root's, or that of users who may have a user namespace,
and /dev/net/tun. With --json all of it is one list, on the last line.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from harness.lossy_link import LossyLink, NotPermitted  # noqa: E402
from harness.quic import Certificate  # noqa: E402

STARLING = Path(os.environ.get("STARLING", ROOT / "build/release/starling"))
DELAY_MS, RATE, BYTES = 10, 500, 64
PAIRS = (1, 20)
TRANSPORTS = {"tcp": (1883, ()), "quic": (14567, ("--quic", "--insecure"))}
COLUMNS = ("p50", "p90", "p99", "p99_9", "max")
CONGESTION_CONTROL = "cubic"  # also that of our QUIC
READY_SECONDS, GUARD_SECONDS = 60, 300
# Nothing is to be dropped because a connection stands still for a while.
SETTINGS = ("limits.queue_messages=1000000", "limits.client_bytes=1000000000")


class Failed(Exception):
    """A program did not do what the measurement needs."""


def main():
    arguments = parse_arguments()
    # Who is told to end still ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("loss: told to end"))
    rows = []
    for pairs in PAIRS:
        for loss in arguments.loss:
            for transport in TRANSPORTS:
                rows.append(measure(transport, pairs, loss, arguments))
                print(line(rows[-1]), flush=True)
    if arguments.json:
        print(json.dumps(rows))
    return 1 if any(row["lost"] for row in rows) else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loss", type=float, nargs="+", default=[0, 1, 5], metavar="PERCENT",
                        help="of the packets, each way (default: 0 1 5)")
    parser.add_argument("--seconds", type=int, default=25, help="counted in each run (default: 25)")
    parser.add_argument("--seed", type=int, default=1, help="of what is lost (default: 1)")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(transport, pairs, loss, arguments):
    with LossyLink(loss, DELAY_MS, arguments.seed) as link:
        link.set_congestion_control(CONGESTION_CONTROL)
        with broker(link, transport):
            found = load(link, transport, pairs, arguments.seconds)
        carried = link.counts()
    return {"transport": transport, "pairs": pairs, "loss_percent": loss,
            "latency_ms": {name: round(found["latency_us"][name] / 1_000, 2) for name in COLUMNS},
            "messages": found["counted"]["received"], "lost": found["lost"],
            "unsent": found["unsent"], "unanswered": found["unanswered"],
            "errors": found["errors"], "link": carried}


@contextlib.contextmanager
def broker(link, transport):
    """Serves in the near network."""
    port, _ = TRANSPORTS[transport]
    address = f"{link.address['near']}:{port}"
    with tempfile.TemporaryDirectory(prefix="starling-") as folder:
        settings = [*SETTINGS]
        if transport == "quic":
            certificate = Certificate()
            settings += [f"quic.certificate={certificate.file}", f"quic.key={certificate.key}"]
            address = f"quic://{address}"
        log = Path(folder, "log")
        command = link.words("near", STARLING, "serve", "--listen", address, "--cores", 1,
                             "--data-dir", Path(folder, "data"),
                             *(word for one in settings for word in ("--set", one)))
        with log.open("w") as out, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                                    stderr=subprocess.STDOUT) as process:
            try:
                wait_until_ready(process, log)
                yield
            finally:
                process.kill()


def wait_until_ready(process, log):
    deadline = time.monotonic() + READY_SECONDS
    while "listening on" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Failed(f"the broker did not start:\n{log.read_text()}")
        time.sleep(0.01)


def load(link, transport, pairs, seconds):
    """What `starling bench` in the far network reports."""
    port, flags = TRANSPORTS[transport]
    command = link.words("far", STARLING, "bench", "p2p", "--host", link.address["near"],
                         "--port", port, *flags, "--clients", pairs, "--rate", RATE, "--qos", 1,
                         "--size", BYTES, "--duration", seconds, "--processes", 1, "--json",
                         "--quiet")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        try:
            out, errors = process.communicate(timeout=seconds + GUARD_SECONDS)
            return json.loads(out.splitlines()[-1])
        except subprocess.TimeoutExpired:
            raise Failed("the load did not end") from None
        except (IndexError, ValueError):
            raise Failed(f"the load reported nothing: {errors or out}") from None
        finally:
            process.kill()


def line(row):
    latency = ", ".join(f"{name.replace('_', '.')} {row['latency_ms'][name]:.1f}"
                        for name in COLUMNS)
    return (f"{row['transport']:4}, {row['pairs']:2} pairs, {row['loss_percent']:g} % loss: "
            f"{latency} ms; {row['lost']} of {row['messages']} lost")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, NotPermitted) as failure:
        sys.exit(f"loss: {failure}")
    except KeyboardInterrupt:
        sys.exit("loss: interrupted")
