"""Two networks of one's own, with a link between them that is slow and loses packets: what
bench/lossy_link makes, and programs that run there."""

import contextlib
import json
import os
import re
import subprocess
from pathlib import Path

STOP_SECONDS = 60
SIDES = ("near", "far")


def program():
    return Path(os.environ.get("STARLING", "build/release/starling")).with_name("lossy_link")


class NotPermitted(Exception):
    """The machine makes no such network for us. The text says why."""


class LossyLink:
    """Owns the process that carries the packets. Whatever way this one ends, that one notices, and
    nothing of the networks stays."""

    def __init__(self, loss_percent=0, delay_ms=10, seed=1, queue=1_000):
        command = ["unshare", "--map-root-user", program(), "--loss", loss_percent,
                   "--delay-ms", delay_ms, "--seed", seed, "--queue", queue]
        # Who interrupts us by the terminal does not interrupt it: it ends with its input.
        self._process = subprocess.Popen([str(word) for word in command], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, start_new_session=True)
        if not (line := self._process.stdout.readline()):
            _, why = self._process.communicate()
            raise NotPermitted(why.strip())
        self._descriptors, self.address = {}, {}
        for side in SIDES:
            found = re.search(rf"{side}=(\d+) (\S+)", line)
            self._descriptors[side], self.address[side] = int(found[1]), found[2]

    def words(self, side, *command):
        """The command that runs this one in the network of that side, and not beyond our end."""
        pid = self._process.pid  # unshare becomes what it starts
        return ["nsenter", f"--user=/proc/{pid}/ns/user", "--preserve-credentials",
                f"--net=/proc/{pid}/fd/{self._descriptors[side]}",
                "setpriv", "--pdeathsig", "KILL", *map(str, command)]

    def set_congestion_control(self, name):
        """TCP's, in both networks: by their routes, as the system's own is not theirs to change."""
        for side, peer in zip(SIDES, reversed(SIDES), strict=True):
            command = self.words(side, "ip", "route", "replace", self.address[peer], "dev", "link",
                                 "src", self.address[side], "congctl", name)
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise NotPermitted(f"congestion control {name}: {done.stderr.strip()}")

    def counts(self):
        """What became of all packets so far, once none is on its way."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def stop(self):
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        assert self._process.wait(STOP_SECONDS) == 0

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()
