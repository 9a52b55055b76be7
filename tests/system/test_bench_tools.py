"""What bench/instructions, scripts/bench-ratio and scripts/performance make of their figures."""

import importlib.machinery
import importlib.util
import json
import sys
from pathlib import Path

import pytest

from programs import run

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

from performance.measurements import records  # noqa: E402
from performance.page import page  # noqa: E402
from ratio import report  # noqa: E402
from ratio.figures import SYSCALLS  # noqa: E402
from ratio.scenarios import SCENARIOS, Scenario  # noqa: E402


@pytest.fixture(scope="module")
def instructions():
    loader = importlib.machinery.SourceFileLoader("instructions", str(ROOT / "bench/instructions"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(("counts", "status", "said"), [
    ({"a": 100, "b": 50}, 0, "+0.0%"),
    ({"a": 102, "b": 50}, 0, "+2.0%"),
    ({"a": 102.1, "b": 50}, 1, "GROWN from 100"),
    ({"a": 97, "b": 50}, 0, "the baseline can go down"),
    ({"a": 100, "b": 50, "c": 1}, 1, "NEW, not in the baseline"),
    ({"a": 100}, 0, "gone"),
])
def test_instructions_may_grow_by_two_percent(instructions, tmp_path, capsys, counts, status, said):
    instructions.ROOT = tmp_path
    baseline = tmp_path / "baseline.json"
    recorded = {"machine": instructions.machine(), "counts": {"a": 100, "b": 50}}
    baseline.write_text(json.dumps(recorded))
    assert instructions.compare(baseline, counts, is_whole=True) == status
    assert said in capsys.readouterr().out
    baseline.write_text(json.dumps(recorded | {"machine": "an abacus"}))
    assert instructions.compare(baseline, counts, is_whole=True) == 0, "on another machine"
    assert "made on an abacus" in capsys.readouterr().out


def test_a_part_of_the_baseline_is_updated_alone(instructions, tmp_path):
    instructions.ROOT = tmp_path
    baseline = tmp_path / "some/baseline.json"
    instructions.update(baseline, {"b": 2, "a": 1}, is_whole=True)
    instructions.update(baseline, {"b": 3}, is_whole=False)
    assert json.loads(baseline.read_text())["counts"] == {"a": 1, "b": 3}
    instructions.update(baseline, {"b": 3}, is_whole=True)
    assert json.loads(baseline.read_text())["counts"] == {"b": 3}


def test_the_allocator_and_what_stands_in_are_left_out(instructions, tmp_path):
    profile = tmp_path / "callgrind.out"
    profile.write_text("""fn=(1) counted_turn
1 10
cfn=(2) malloc
calls=3 0
1 40
cfn=(3) malloc_usable_size
calls=1 0
1 5
cfn=(4) starling::TestStream::read()
calls=1 0
1 100
fn=(2)
1 40
totals: 155
""")
    assert instructions.instructions(profile) == 15


def test_ratios_are_of_the_best_runs_and_of_the_medians():
    scenario = Scenario("some traffic", ())
    runs = {"starling": [[6, 3, 3], [4, 2, 2], [9, 8, 1]],
            "lightspeed": [[2, 0, 2], [1, 0, 1], [3, 0, 3]]}
    record = report.record("some", scenario, runs, [])
    assert record["ratios"] == {"starling": {"best": {"cpu": 4, "user": None, "system": 2},
                                             "median": {"cpu": 3, "user": None, "system": 1}}}
    assert record["servers"]["lightspeed"]["best"] == {"cpu": 1, "user": 0, "system": 1}
    last = report.table(scenario, runs).splitlines()[-1]
    assert last.split() == ["starling", "/", "lightspeed", "4.00", "(3.00)", "-", "(-)", "2.00",
                            "(1.00)"]


def test_reads_the_table_of_strace():
    table = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.12    0.100000           5     20000           sendmsg
 39.88    0.000001           1     20001         7 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.100001           2     40001         7 total
"""
    assert list(SYSCALLS.rows(table.splitlines())) == [("sendmsg", 20000), ("recvfrom", 20001)]


def test_the_page_is_made_of_the_figures():
    assert records()
    assert (ROOT / "docs/performance.md").read_text() == page(records()), "run scripts/performance"


def test_a_figure_of_a_run_that_lost_messages_is_marked():
    scenario = {"what": "some traffic", "faults": [{"server": "aedes", "what": "1 lost"}],
                "servers": {name: {"best": {"cpu": value, "user": 1, "system": 1}}
                            for name, value in (("starling", 2.0), ("lightspeed", 1.0),
                                                ("aedes", 1234.5))},
                "ratios": {"starling": {"best": {"cpu": 2.0}}}}
    record = {"command": "this", "commit": "abc", "result": [scenario],
              "machine": {"processor": "an abacus", "cpus": 2, "kernel": "none"}}
    text = page({"peers": record})
    assert "| some traffic | 2.00 | 1.00 | 1,234* | 2.00 |" in text
    assert "`this`, commit abc, an abacus, 2 CPUs" in text


def test_help_names_every_scenario():
    text, _ = run(ROOT / "scripts/bench-ratio", "--help")
    for name, scenario in SCENARIOS.items():
        assert f"{name} " in text
        assert scenario.what in text


@pytest.mark.parametrize("words", [(), ("nothing",), ("p2p", "--peers", "nobody"),
                                   ("p2p", "--runs", "0"), ("p2p", "--bogus")])
def test_wrong_usage_is_refused(words):
    assert "usage:" in run(ROOT / "scripts/bench-ratio", *words, code=2)[1]
