"""quiche as a client: tests/peers/quiche."""

import shutil
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "peers" / "quiche"

REFUSES_STRANGERS_BY = 0x130  # unknown_ca, as errors of the handshake go
KEEPS_ADDRESS_TOKENS = False


def reason_to_skip():
    """Why the program cannot run here; None: it can."""
    if not shutil.which("node"):
        return "node is missing"
    # The package has its native part for some machines only, as a package of its own.
    is_there = any(SOURCE.glob("node_modules/@matrixai/quic-*-*/*.node"))
    return None if is_there else "quiche is missing"


def command(_):
    """Returns how to start the program."""
    return ["node", SOURCE / "main.js"]
