"""The generator, `starling bench`, on a CPU of its own."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .servers import Failed

GUARD_SECONDS = 300  # beyond what a run is meant to take
# What makes the figures of a run worth nothing, as the generator names it.
FAULTS = ("lost", "duplicated", "unanswered", "given_up", "unsent", "errors")


@dataclass(frozen=True)
class Generator:
    program: Path
    cpu: int
    seconds: int

    def run(self, server, *load):
        """Returns what it reports of one run."""
        with self.start(server, *load) as running:
            return running.report()

    def start(self, server, *load):
        command = ["taskset", "-c", self.cpu, self.program, "bench", *load, *server.flags,
                   "--port", server.port,
                   "--mqtt", 4, "--broker-pid", server.pid, "--json"]
        if load[0] != "conn":
            command += ["--duration", self.seconds, "--warmup", 1]
        return Run([str(word) for word in command], self.seconds + GUARD_SECONDS)


class Run:
    """A generator at work."""

    def __init__(self, command, patience_seconds):
        self._patience_seconds = patience_seconds
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait_for(self, phase):
        """Until it says that it is there: it tells once a second what it does."""
        lines = []
        while not any(line.startswith(phase) for line in lines[-1:]):
            lines.append(self._process.stderr.readline())
            if not lines[-1]:
                raise Failed(f"never {phase}: {self._words()}:\n{''.join(lines)}")

    def report(self):
        """Waits for its end."""
        try:
            out, errors = self._process.communicate(timeout=self._patience_seconds)
            return json.loads(out.splitlines()[-1])
        except subprocess.TimeoutExpired:
            raise Failed(f"did not end: {self._words()}") from None
        except (IndexError, ValueError):
            raise Failed(f"{self._words()}:\n{errors or out}") from None

    def _words(self):
        return " ".join(self._process.args)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self._process.kill()
        self._process.communicate()


def faults(report):
    """What went wrong in words; empty when nothing did."""
    return ", ".join(f"{report[name]} {name.replace('_', ' ')}" for name in FAULTS if report[name])
