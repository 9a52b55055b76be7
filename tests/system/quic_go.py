"""quic-go as a client: tests/peers/quic_go."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "peers" / "quic_go"
GO_PATH = "/usr/share/gocode"  # where Debian's packages have their sources
LIBRARY = Path(GO_PATH, "src/github.com/lucas-clemente/quic-go")

REFUSES_STRANGERS_BY = 0x12A  # bad_certificate, as errors of the handshake go
KEEPS_ADDRESS_TOKENS = True


def reason_to_skip():
    """Why the program cannot be built here; None: it can."""
    if not shutil.which("go"):
        return "go is missing"
    return None if LIBRARY.is_dir() else "quic-go is missing"


def command(folder):
    """Builds the program, which goes into this folder with all that is needed for it, and returns
    how to start it. Who comes while another builds it there waits."""
    program = Path(folder, "quic_go")
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": GO_PATH, "GOFLAGS": "-trimpath",
                   "GOCACHE": str(Path(folder, "cache"))}
    with open(Path(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            subprocess.run(["go", "build", "-o", program, "."], cwd=SOURCE, env=environment,
                           check=True)
    return [program]
