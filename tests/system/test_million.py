"""scripts/million, with far fewer."""

import json
from pathlib import Path

import pytest

from programs import run

MILLION = Path(__file__).resolve().parents[2] / "scripts/million"


@pytest.mark.parametrize("transport", ["tcp", "quic"])
def test_each_client_gets_the_message(transport):
    out, _ = run(MILLION, "--count", 300, "--brokers", 2, "--settle", 0.5, "--json",
                 "--transport", transport)
    report = json.loads(out.splitlines()[-1])
    assert report["clients"] == report["received"] == 300
    assert report["missing"] == [] and report["errors"] == 0
    assert report["seconds"] > 0
    for key in ("rss_per_client", "heap_per_client", "kernel_per_client"):
        assert key in report
