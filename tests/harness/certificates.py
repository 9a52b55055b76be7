"""Certificates to try a server with, made by openssl."""

import base64
import hashlib
import re
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

# What `openssl ca` wants to know; it is the one that takes dates.
SETTINGS = """
[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = DNS:localhost, IP:127.0.0.1
"""


class Identity(NamedTuple):
    certificate: Path
    key: Path


def make_identity(folder, name, from_days=-1, to_days=1):
    """A self-signed certificate and its key, good from one day to another, counted from now."""
    work = Path(folder) / f"{name}.work"
    work.mkdir()
    (work / "settings").write_text(SETTINGS)
    (work / "index").touch()
    identity = Identity(Path(folder) / f"{name}.crt", Path(folder) / f"{name}.key")

    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], cwd=work, check=True, capture_output=True)

    def date(days):
        return (datetime.now(timezone.utc) + timedelta(days)).strftime("%Y%m%d%H%M%SZ")

    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=localhost", "-keyout", identity.key, "-out", "request")
    openssl("ca", "-selfsign", "-batch", "-notext", "-config", "settings", "-keyfile", identity.key,
            "-in", "request", "-out", identity.certificate,
            "-startdate", date(from_days), "-enddate", date(to_days))
    return identity


def fingerprint(certificate):
    """The SHA-256 of the certificate in a PEM file, as the broker writes it."""
    body = re.search(r"-----BEGIN CERTIFICATE-----(.*?)-----END", Path(certificate).read_text(),
                     re.DOTALL)
    digest = hashlib.sha256(base64.b64decode(body[1])).digest()
    return ":".join(f"{byte:02X}" for byte in digest)
