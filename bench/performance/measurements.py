"""What docs/performance.md tells of, and the command that measures each part."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ratio.report import commit, machine

ROOT = Path(__file__).resolve().parent.parent.parent
RECORDS = ROOT / "docs/performance"


@dataclass(frozen=True)
class Measurement:
    command: str  # its last line of output is JSON, or FILE in it is where the JSON goes
    takes: str


MEASUREMENTS = {
    "messages": Measurement("scripts/bench-ratio all --runs 3 --seconds 2 --json FILE",
                            "10 minutes"),
    "peers": Measurement("scripts/bench-ratio p2p p2p-qos1 window1 fanout fanin"
                         " --peers mosquitto,aedes --runs 1 --seconds 2 --json FILE", "3 minutes"),
    "loss": Measurement("/usr/bin/python3 bench/loss.py --json", "7 minutes"),
    "idle": Measurement("/usr/bin/python3 bench/idle_memory.py --cores 1 --versions 4 --json",
                        "5 minutes"),
    "million-tcp": Measurement("scripts/million --count 19000 --json", "1 minute"),
    "million-quic": Measurement("scripts/million --transport quic --count 100000 --keepalive 120"
                                " --hold 600 --json", "20 minutes"),
}


def measure(name):
    """Runs the command, and keeps what it found with where that was."""
    command = MEASUREMENTS[name].command
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        words = [file.name if word == "FILE" else word for word in command.split()]
        done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        text = file.read() or done.stdout.strip().rpartition("\n")[2]
    if not text:
        raise SystemExit(f"{command}: no figures, exit status {done.returncode}")
    record = {"command": command, "commit": commit(), "machine": machine(),
              "exit_status": done.returncode, "result": json.loads(text)}
    RECORDS.mkdir(exist_ok=True)
    (RECORDS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")


def records():
    """{name: what was kept}, in the order above."""
    files = {name: RECORDS / f"{name}.json" for name in MEASUREMENTS}
    return {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
