"""What can be read of a run: for each figure its columns, and how one run yields them."""

import contextlib
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .load import faults
from .servers import Failed


class PerMessage:
    """CPU time of the server for each delivered message."""

    title = "CPU microseconds per delivered message"
    columns = ("cpu", "user", "system")

    def prepare(self, generator, broker, load):
        """Returns the load that all servers get."""
        return load

    def measure(self, generator, server, load):
        """Returns the columns, and what went wrong."""
        report = self.run(generator, server, load)
        return self.read(report), faults(report)

    def run(self, generator, server, load):
        report = generator.run(server, *load)
        if not report["counted"]["received"]:
            raise Failed(f"{server.name} delivered nothing")
        return report

    def read(self, report):
        # Not the figures per message, which are rounded: the yardstick's are small.
        user, system = (report["broker"][key] * 1e6 / report["counted"]["received"]
                        for key in ("cpu_user_s", "cpu_system_s"))
        return [user + system, user, system]


class WakeUps(PerMessage):
    """Also, how often its threads slept and were woken for each message."""

    columns = (*PerMessage.columns, "wake-ups")

    def measure(self, generator, server, load):
        before = sleeps(server.pid)
        report = self.run(generator, server, load)
        return [*self.read(report), (sleeps(server.pid) - before) / report["received"]], \
            faults(report)


def sleeps(pid):
    """How often the threads of a process have waited for something."""
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.M)[1])
               for status in Path(f"/proc/{pid}/task").glob("*/status"))


class PerConnect(PerMessage):
    """CPU time from the first accept to the last CONNACK, and not of the leaving."""

    title = "CPU microseconds per connection"
    columns = ("cpu",)
    hold = ("--hold", 2)

    def measure(self, generator, server, load):
        before = cpu_seconds(server.pid)
        with generator.start(server, *load, *self.hold) as running:
            running.wait_for("holding")
            used = cpu_seconds(server.pid) - before
            report = running.report()
        return [used * 1e6 / report["connect"]["count"]], faults(report)


def cpu_seconds(pid):
    """User and system time of all threads: CLOCK_PROCESS_CPUTIME_ID, as another process has it."""
    return time.clock_gettime(~pid << 3 | 2)


class Latency(PerMessage):
    """From when a message was due, in an open loop, to its arrival."""

    title = "microseconds from due to received"
    columns = ("p50", "p90", "p99", "p99_9", "p99_99")

    def prepare(self, generator, broker, load):
        """An open loop batches nothing, so what saturates is a closed one that does not either."""
        with broker() as server:
            saturated = generator.run(server, *load, "--window", 1)
        rate = round(saturated["messages_per_second"] / 2)
        print(f"half of saturation: {rate} messages/s")
        return (*load, "--rate", rate)

    def read(self, report):
        return [report["latency_us"][column] for column in self.columns]


class Syscalls(PerMessage):
    """Counted by strace, which slows the server: nothing else is read of such a run."""

    title = "system calls per delivered message"
    columns = ("calls",)

    def measure(self, generator, server, load):
        with tempfile.NamedTemporaryFile("r") as table:
            with tracing(server.pid, table.name):
                report = generator.run(server, *load)
            counts = dict(self.rows(table))
        self._print(server, counts, report["received"])
        return [sum(counts.values()) / report["received"]], faults(report)

    def rows(self, table):
        """(name, calls) of "% time  seconds  usecs/call  calls  [errors]  syscall"."""
        for line in table:
            words = line.split()
            if len(words) >= 5 and re.fullmatch(r"[\d.]+", words[0]) and words[-1] != "total":
                yield words[-1], int(words[3])

    def _print(self, server, counts, messages):
        text = ", ".join(f"{name} {calls / messages:.3f}" for name, calls in
                         sorted(counts.items(), key=lambda row: -row[1]) if calls * 100 > messages)
        print(f"  {server.name}: {text}")


@contextlib.contextmanager
def tracing(pid, out):
    """Counts the process's system calls meanwhile; the table is in `out` afterwards."""
    command = ["strace", "-c", "-f", "-o", out, "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        try:
            line = tracer.stderr.readline()
            if "attached" not in line:
                raise Failed(line.strip())
            yield
        finally:
            tracer.send_signal(signal.SIGINT)


MESSAGE, WAKE_UPS, CONNECT = PerMessage(), WakeUps(), PerConnect()
LATENCY, SYSCALLS = Latency(), Syscalls()
