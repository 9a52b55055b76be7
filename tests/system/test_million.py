"""scripts/million, with far fewer."""

import json
from pathlib import Path

from programs import run

MILLION = Path(__file__).resolve().parents[2] / "scripts/million"


def test_each_client_gets_the_message():
    out, _ = run(MILLION, "--count", 300, "--brokers", 2, "--settle", 0.5, "--json")
    report = json.loads(out.splitlines()[-1])
    assert report["clients"] == report["received"] == 300
    assert report["missing"] == [] and report["errors"] == 0
    assert report["seconds"] > 0
    for key in ("rss_per_client", "heap_per_client", "kernel_per_client"):
        assert key in report


def test_transport_that_is_not_there():
    _, said = run(MILLION, "--transport", "quic", code=2)
    assert "not in this build" in said
