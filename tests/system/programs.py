"""Other programs as clients: run one to its end, or watch one that listens."""

import os
import queue
import re
import subprocess
import threading

GUARD = 60  # seconds; only a failing test waits that long
READY = "ready"


def starling():
    return os.environ.get("STARLING", "build/release/starling")


def run(*command, code=0, stdin=""):
    """Runs a program to its end and returns what it printed: (stdout, stderr)."""
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True,
                          text=True, timeout=GUARD, check=False)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout, done.stderr


class Watched:
    """A program that runs beside the test; its lines are waited for, never slept for."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def tell(self, line):
        """Writes a line to its standard input."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.decode(errors="replace").rstrip("\n"))
        self._lines.put(None)

    def line(self, seconds=GUARD):
        """The next line; None at the end. Raises queue.Empty after so many seconds."""
        return self._lines.get(timeout=seconds)

    def has_said_more(self):
        """Whether a line is there that nobody has taken."""
        return not self._lines.empty()

    def until(self, part):
        """The next line that contains this."""
        return self.through(re.escape(part))[-1]

    def through(self, pattern):
        """The lines up to the next one in which this is found, and that one."""
        seen = []
        while (line := self.line()) is not None:
            seen.append(line)
            if re.search(pattern, line):
                return seen
        raise AssertionError(f"no {pattern!r} in {seen}")

    def rest(self):
        return list(iter(self.line, None))

    def end(self, code=0):
        """Waits for its end, and returns the lines that are left."""
        lines = self.rest()
        assert self.process.wait(GUARD) == code, lines
        return lines

    def kill(self):
        self.process.kill()
        self.process.wait(GUARD)
        self._reader.join(GUARD)
        self.process.stdin.close()
        self.process.stdout.close()
