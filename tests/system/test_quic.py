"""`starling serve` over QUIC: how it starts, its certificate, its folder, its figures. That clients are
served is src/app/quic_service_test.cc's."""

import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from harness.cases import case
from harness.certificates import fingerprint, make_identity
from harness.figures import QUIC_FIGURES
from programs import run, starling

@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files by name: good.crt, good.key, and others that are of no use."""
    folder = tmp_path_factory.mktemp("certificates")
    for name, days in {"good": (-1, 1), "other": (-1, 1), "expired": (-2, -1),
                       "early": (1, 2)}.items():
        make_identity(folder, name, *days)
    (folder / "nonsense.crt").write_text("nonsense")
    (folder / "folder.crt").mkdir()
    return folder


def words_for(files, data_dir, certificate="good.crt", key="good.key"):
    """A command line that listens on QUIC."""
    return ["--listen", "quic://127.0.0.1:0", "--data-dir", data_dir,
            "--set", f"quic.certificate={files / certificate}", "--set", f"quic.key={files / key}"]


@pytest.fixture
def start_quic(start_broker, files, tmp_path):
    def start(**options):
        broker = start_broker(*words_for(files, tmp_path / "data"), cores=1, **options)
        broker.wait_for_log(r"listening on quic://127\.0\.0\.1:\d+")
        return broker

    return start


# --- Certificates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["serve", "check-config"])
@pytest.mark.parametrize("certificate, key, said", [
    case("", "certificate missing", "absent.crt", "good.key", "absent.crt: No such file"),
    case("", "key missing", "good.crt", "absent.key", "absent.key: No such file"),
    case("", "expired", "expired.crt", "expired.key", "expired.crt: the certificate has expired"),
    case("", "not valid yet", "early.crt", "early.key", "early.crt: the certificate is not valid"),
    case("", "mismatched", "good.crt", "other.key", "other.key: the key does not belong to"),
    case("", "no PEM", "nonsense.crt", "good.key", "nonsense.crt: no PEM certificate"),
    case("", "unreadable", "folder.crt", "good.key", "folder.crt: Is a directory"),
    case("", "no key", "good.crt", "good.crt", "good.crt: the key cannot be used"),
])
def test_a_certificate_of_no_use_is_refused(files, tmp_path, command, certificate, key, said):
    out, error = run(starling(), command, *words_for(files, tmp_path, certificate, key), code=1)
    assert said in error and not out


@pytest.mark.parametrize("command", ["serve", "check-config"])
@pytest.mark.parametrize("origin", ["flag", "environment", "file", "any file"])
def test_who_configures_brings_a_certificate(tmp_path, monkeypatch, command, origin):
    words = ["--data-dir", tmp_path / "data"]
    if origin == "flag":
        words += ["--listen", "quic://127.0.0.1:0"]
    elif origin == "environment":
        monkeypatch.setenv("STARLING_LISTEN", "quic://127.0.0.1:0")
    else:
        text = 'listen = ["quic://127.0.0.1:0"]' if origin == "file" else "[limits]\nsessions = 9"
        (tmp_path / "starling.toml").write_text(text)
        words += ["--config", tmp_path / "starling.toml"]
    _, error = run(starling(), command, *words, code=1)
    assert "takes a certificate: set quic.certificate and quic.key" in error


def test_check_config_takes_a_good_certificate(files, tmp_path):
    out, _ = run(starling(), "check-config", *words_for(files, tmp_path / "data"))
    assert f'quic.certificate = "{files / "good.crt"}"' in out
    assert not (tmp_path / "data").exists()


def test_the_fingerprint_is_in_the_log(start_quic, files):
    assert f"SHA-256 {fingerprint(files / 'good.crt')}" in start_quic().log()


def test_sighup_reads_the_certificate_again(start_broker, tmp_path):
    """New handshakes get it: src/app/quic_service_test.cc. A bad one is told, and the old stays."""
    shown = make_identity(tmp_path, "shown")
    broker = start_broker(*words_for(tmp_path, tmp_path / "data", "shown.crt", "shown.key"),
                          cores=1)
    broker.wait_for_log("listening on quic")
    fresh = make_identity(tmp_path, "fresh")
    for old, new in zip(shown, fresh):
        old.write_text(new.read_text())
    peer = broker.connect()
    broker.process.send_signal(signal.SIGHUP)
    broker.wait_for_log(f"was read again, SHA-256 {fingerprint(fresh.certificate)}")
    shown.certificate.write_text("nonsense")
    broker.process.send_signal(signal.SIGHUP)
    broker.wait_for_log(rf"the certificate stays the old one: {shown.certificate}: no PEM")
    peer.ping()


def test_sighup_without_quic_changes_nothing(start_broker):
    broker = start_broker()
    peer = broker.connect()
    broker.process.send_signal(signal.SIGHUP)
    broker.wait_for_log("no certificate to read again")
    peer.ping()


# --- The first start ------------------------------------------------------------------------------

# Brings up the loopback of a network of its own, where the default ports are free.
IN_OWN_NETWORK = """
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x41))
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_without_configuration_it_makes_a_certificate_once(watch, tmp_path):
    apart = ["unshare", "-rn"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("may not make a network of its own")
    data = tmp_path / "state" / "starling"
    prints = []
    for _ in range(2):
        broker = watch("env", f"XDG_STATE_HOME={tmp_path / 'state'}", *apart, "/usr/bin/python3",
                       "-c", IN_OWN_NETWORK, Path(starling()).absolute(), "serve", "--cores", "1")
        line = broker.until("self-signed certificate")
        prints.append(re.search(r"SHA-256 (\S+)", line)[1])
        broker.until("listening on 127.0.0.1:1883")
        broker.until("listening on quic://127.0.0.1:14567")
        broker.until("1 core")
        broker.process.send_signal(signal.SIGTERM)
        broker.end()
    assert prints == [fingerprint(data / "self-signed.crt")] * 2
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in data.iterdir()} == \
        dict.fromkeys(("lock", "quic.keys", "self-signed.crt", "self-signed.key"), "0o600")
    assert data.stat().st_mode & 0o777 == 0o700


# --- The data folder, and the port ----------------------------------------------------------------


def test_a_folder_is_one_brokers(start_quic, files, tmp_path):
    start_quic()
    _, error = run(starling(), "serve", *words_for(files, tmp_path / "data"), code=1)
    assert f"data folder {tmp_path / 'data'}: another broker uses it" in error


@pytest.mark.parametrize("listen", ["quic://127.0.0.1:0", "127.0.0.1:0"])
def test_a_folder_that_cannot_be_written_is_an_error(files, tmp_path, listen):
    (tmp_path / "file").touch()
    words = words_for(files, tmp_path / "file" / "below")
    words[1] = listen
    _, error = run(starling(), "serve", *words, code=1)
    assert f"data folder {tmp_path / 'file' / 'below'}: " in error


def test_without_a_home_the_folder_must_be_named(files, tmp_path, monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    words = words_for(files, tmp_path)
    del words[2:4]
    _, error = run(starling(), "serve", *words, code=1)
    assert "no folder for the data: give one with --data-dir" in error


@pytest.mark.parametrize("cores", [1, 2])
def test_an_address_in_use_is_an_error(files, tmp_path, cores):
    with socket.socket(type=socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        address = f"quic://127.0.0.1:{holder.getsockname()[1]}"
        words = words_for(files, tmp_path / "data")
        words[1] = address
        _, error = run(starling(), "serve", *words, "--cores", cores, code=1)
    assert f"{address}: address in use: another program listens there" in error


def test_too_little_address_space_is_an_error(files, tmp_path):
    program = Path(starling()).read_bytes()
    if b"__asan_init" in program or b"__tsan_init" in program:
        pytest.skip("a sanitizer takes more than that itself")
    limited = ["sh", "-c", 'ulimit -v 8000000; exec "$@"', "sh"]
    words = words_for(files, tmp_path / "data")
    _, error = run(*limited, starling(), "serve", *words, "--cores", 1, code=1)
    assert "quic.windows is 1024, which takes 16 GiB of address space" in error


def test_an_unknown_scheme_names_those_there_are():
    _, error = run(starling(), "serve", "--listen", "wss://127.0.0.1:1", code=1)
    assert "there are tcp:// and quic://" in error


# --- Keys -----------------------------------------------------------------------------------------


def make_old(keys, seconds):
    """Has a file of keys say that the newest are so much older."""
    content = keys.read_bytes()
    made = int.from_bytes(content[16:24], "big") - seconds
    keys.write_bytes(content[:16] + made.to_bytes(8, "big") + content[24:])


def test_old_keys_are_replaced_while_it_runs(start_broker, files, tmp_path):
    """Nothing is lost: src/app/quic_service_test.cc and src/transport/quic/renewed_keys_test.cc."""

    def start(port=0):
        words = words_for(files, tmp_path / "data")
        words[1] = f"quic://127.0.0.1:{port}"
        broker = start_broker(*words, cores=2)
        return broker, broker.wait_for_log(r"listening on quic://127\.0\.0\.1:(\d+)")[1]

    def say():
        return run(starling(), "pub", "--quic", "--insecure", "-p", port, "-t", "t", "-n", "-d",
                   "--ticket-file", tmp_path / "ticket")[0]

    keys = tmp_path / "data" / "quic.keys"
    broker, port = start()
    assert "QUIC full handshake" in say()
    before = keys.read_bytes()
    broker.stop()
    make_old(keys, 30 * 86_400 - 3)
    broker, port = start(port)
    broker.wait_for_log("the QUIC keys were replaced; sets that are known: 2")
    assert keys.read_bytes()[16:].endswith(before[24:]), "the old ones stay, behind the new"
    assert keys.stat().st_mode & 0o7777 == 0o600
    assert "QUIC session resumed" in say()
    broker.stop()
    start(port)
    assert "QUIC session resumed" in say()


# --- Figures --------------------------------------------------------------------------------------


def test_quic_has_figures_of_its_own(start_quic):
    """Without QUIC there are none: tests/conformance/test_sys.py."""
    broker = start_quic(interval_s=1)
    peer = broker.connect()
    peer.subscribe("$SYS/broker/quic/#")
    got = {}
    while not QUIC_FIGURES <= {*got}:
        packet = peer.message()
        got[packet.topic.removeprefix("$SYS/broker/")] = packet.payload
    assert {*got} == QUIC_FIGURES
    assert all(re.fullmatch(rb"\d+", value) for value in got.values())


def test_what_comes_by_datagram_is_counted(start_quic):
    broker = start_quic(interval_s=1)
    port = int(broker.wait_for_log(r"listening on quic://127\.0\.0\.1:(\d+)")[1])
    peer = broker.connect()
    peer.subscribe("$SYS/broker/quic/malformed")
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"nonsense", ("127.0.0.1", port))
    while int(peer.message().payload) != 1:
        pass
