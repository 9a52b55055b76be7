"""The figures of a scenario in words and in JSON."""

import os
import platform
import re
import statistics
import subprocess
from pathlib import Path

from .servers import ROOT

WIDTH = 17


def table(scenario, runs):
    """`runs`: {server: [columns of a run]}. The best run, and in brackets each column's median."""
    figure = scenario.figure
    yardstick = scenario.yardstick
    lines = [f"{scenario.what}: {figure.title}",
             f"best of {len(runs[yardstick])} (median)".ljust(26) +
             "".join(column.rjust(WIDTH) for column in figure.columns)]
    lines += [name.ljust(26) + cells(best(rows), median(rows)) for name, rows in runs.items()]
    lines += [f"{name} / {yardstick}".ljust(26) + cells(*ratios(runs, name, yardstick))
              for name in runs if name != yardstick]
    return "\n".join(lines)


def cells(firsts, seconds):
    return "".join(f"{digits(first)} ({digits(second)})".rjust(WIDTH)
                   for first, second in zip(firsts, seconds, strict=True))


def digits(value):
    """Three that count: more were not measured."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def best(rows):
    """The run whose first column is least, whole: what is split stays a sum."""
    return min(rows)


def median(rows):
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def ratios(runs, name, yardstick):
    """Of the best and of the medians, column by column."""
    return tuple([over(one, other) for one, other in
                  zip(of(runs[name]), of(runs[yardstick]), strict=True)] for of in (best, median))


def over(one, other):
    return one / other if other else None


def record(name, scenario, runs, faults):
    """For --json: everything that was measured, and where."""
    columns, yardstick = scenario.figure.columns, scenario.yardstick
    return {
        "scenario": name,
        "what": scenario.what,
        "figure": scenario.figure.title,
        "machine": machine(),
        "commit": commit(),
        "faults": faults,
        "servers": {server: {
            "runs": [named(columns, row) for row in rows],
            "best": named(columns, best(rows)),
            "median": named(columns, median(rows)),
        } for server, rows in runs.items()},
        "ratios": {server: {
            "best": named(columns, ratios(runs, server, yardstick)[0]),
            "median": named(columns, ratios(runs, server, yardstick)[1]),
        } for server in runs if server != yardstick},
    }


def named(columns, row):
    return dict(zip(columns, row, strict=True))


def machine():
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {"processor": processor[1] if processor else platform.machine(),
            "cpus": os.cpu_count(), "kernel": platform.release()}


def commit():
    """Of this tree; with a "+" when it has changes."""
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty=+"],
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
