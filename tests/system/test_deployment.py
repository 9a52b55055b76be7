"""What deploy/ promises: the installed program, its completion, its unit, its configuration."""

import functools
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from documents import ROOT, commands
from harness.cases import case
from programs import GUARD, run, starling

BUILD = Path(starling()).resolve().parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The root of a file system in which deploy/README.md has been followed, up to systemd."""
    if not (BUILD / "cmake_install.cmake").exists():
        pytest.skip(f"{BUILD} is no build to install from")
    root = tmp_path_factory.mktemp("root")
    for line in commands((ROOT / "deploy/README.md").read_text()):
        if line.startswith("systemctl "):
            break
        line = line.replace("build/release", str(BUILD)).replace(" /etc", f" {root}/etc")
        subprocess.run(shlex.split(line), check=True, cwd=ROOT, env={**os.environ, "DESTDIR": str(root)},
                       stdout=subprocess.DEVNULL)
    return root


@pytest.fixture
def program(installed):
    return installed / "usr/bin/starling"


# --- The program ----------------------------------------------------------------------------------


def test_the_installed_program_says_its_version(program):
    assert re.fullmatch(r"starling version \d+\.\d+\.\d+\n", run(program, "--version")[0])


def test_the_installed_program_serves(program, watch, topic):
    broker = watch(program, "serve", "--listen", "127.0.0.1:0")
    port = broker.until("listening").rpartition(":")[2]
    broker.until("core")
    run(program, "pub", "-p", port, "-t", topic, "-m", "hello", "-r", "-q", 1)
    assert run(program, "sub", "-p", port, "-t", topic, "-C", 1)[0] == "hello\n"
    broker.process.send_signal(signal.SIGTERM)
    assert "stopped" in broker.end()[-1]


def test_the_documents_are_installed(installed):
    folder = installed / "usr/share/doc/starling"
    assert {*os.listdir(folder)} >= {"README.md", "LICENSE", "starling.toml", "configuration.md"}


# Calls the function that bash would call, as it would call it, and prints what is offered.
COMPLETE = """
PATH=$1:$PATH
source "$2"
COMP_WORDS=("${@:3}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function=$(complete -p starling | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
"$function" starling "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize("typed, offered", [
    case("", "subcommands", ["s"], {"serve", "sub"}),
    case("", "flags", ["serve", "--log"], {"--log-level", "--log-format"}),
    case("", "flags of a client", ["sub", "--will-t"], {"--will-topic"}),
    case("", "options", ["serve", "--set", "limits.conne"],
         {"limits.connections=", "limits.connect_timeout_s="}),
    case("", "values", ["serve", "--log-format", ""], {"text", "json"}),
    case("", "pages", ["check-config", "--page", "l"], {"limits"}),
    case("", "modes of bench", ["bench", "fan"], {"fanin", "fanout"}),
])
def test_bash_completes(installed, typed, offered):
    completion = installed / "usr/share/bash-completion/completions/starling"
    out, _ = run("bash", "-c", COMPLETE, "bash", installed / "usr/bin", completion, "starling",
                 *typed)
    assert {*out.split()} == offered


# --- The configuration ----------------------------------------------------------------------------


def test_the_configuration_to_start_from_is_accepted(installed):
    run(installed / "usr/bin/starling", "check-config", "--config",
        installed / "etc/starling/starling.toml")


def test_what_it_proposes_is_accepted_too(tmp_path):
    """Its examples are comments that look like TOML; one replaces the setting of its name. Files
    that they name are made, a certificate and its key."""
    text = (ROOT / "deploy/starling.toml").read_text().replace("/etc/starling", str(tmp_path))
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
        "-out", tmp_path / "server.crt", "-keyout", tmp_path / "server.key")
    example = re.compile(r"^# (\[\w+\]|(\w+) = .*)$", re.MULTILINE)
    names = {name for _, name in example.findall(text)}
    assert names
    settings = [line for line in text.splitlines() if line.partition(" = ")[0] not in names]
    file = tmp_path / "starling.toml"
    file.write_text(example.sub(r"\1", "\n".join(settings)))
    few = "limits.connections=100"  # the example is for a machine that may open many descriptors
    run(starling(), "check-config", "--config", file, "--set", few)


# --- The unit -------------------------------------------------------------------------------------


def unit(installed):
    return (installed / "usr/lib/systemd/system/starling.service").read_text()


def setting(text, name):
    (value,) = re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)
    return value


def started_by(installed):
    """The command line of ExecStart, inside that root: %S is where systemd keeps states."""
    state = installed / "var/lib"
    (state / "starling").mkdir(parents=True, exist_ok=True)
    line = setting(unit(installed), "ExecStart").replace("%S", str(state))
    program, *flags = shlex.split(line.replace("/etc", f"{installed}/etc"))
    return [installed / "usr/bin" / program, *flags]


@pytest.fixture
def systemd_analyze():
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not there: scripts/setup --peers installs it")
    return functools.partial(run, "systemd-analyze")


def test_systemd_accepts_the_unit(installed, systemd_analyze, tmp_path):
    file = tmp_path / "starling.service"
    file.write_text(unit(installed).replace("ExecStart=", f"ExecStart={installed}/usr/bin/"))
    assert systemd_analyze("verify", "--man=no", "--recursive-errors=no", file) == ("", "")


def test_the_command_line_of_the_unit_is_accepted(installed):
    program, command, *flags = started_by(installed)
    assert command == "serve"
    run(program, "check-config", *flags)


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """Where a broker that is started now tells how it is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(GUARD)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def test_the_manager_is_told_when_it_serves_and_when_it_stops(installed, network, watch, manager):
    """As Type=notify wants it."""
    assert setting(unit(installed), "Type") == "notify"
    broker = watch(*network.words(*started_by(installed)))
    assert manager.recv(100) == b"READY=1"
    assert ("tcp", "127.0.0.1", 1883) in network.bound()
    broker.process.send_signal(signal.SIGTERM)
    assert manager.recv(100) == b"STOPPING=1"
    broker.end()


@pytest.fixture
def calls(installed, network, watch, manager, tmp_path):
    """The system calls of a broker that starts as the unit says, serves and stops: [(name, words)]."""
    trace = tmp_path / "trace"
    traced = watch(*network.words("strace", "-f", "-qq", "-o", trace, *started_by(installed)))
    said = traced.through(r"\d+ cores?$|strace: ")
    if "strace: " in said[-1]:
        pytest.skip(said[-1])
    assert manager.recv(100) == b"READY=1"
    client = ("-t", "t", "-q", "1")
    for words in (["pub", *client, "-m", "x", "-r"], ["sub", *client, "-C", "1"]):
        assert network.run(starling(), *words).returncode == 0
    os.kill(int(trace.read_text().split()[0]), signal.SIGTERM)
    traced.end()
    return re.findall(r"^\d+ +(\w+)\((.*)", trace.read_text(), re.MULTILINE)


def test_the_unit_permits_every_system_call(installed, calls, systemd_analyze):
    def members(group):
        """The names in a group of systemd's, with those of the groups in it."""
        if not group.startswith("@"):
            return {group}
        lines = systemd_analyze("syscall-filter", group)[0].splitlines()[1:]
        words = [line.strip() for line in lines if not line.strip().startswith("#")]
        return set().union(*map(members, words))

    permitted = members(setting(unit(installed), "SystemCallFilter"))
    assert {name for name, _ in calls} <= permitted


def test_the_unit_permits_every_socket(installed, calls):
    families = {words.split(",")[0] for name, words in calls if name == "socket"}
    assert families <= {*setting(unit(installed), "RestrictAddressFamilies").split()}


def test_no_memory_is_to_be_written_and_run(installed, calls):
    assert setting(unit(installed), "MemoryDenyWriteExecute") == "yes"
    assert not [words for name, words in calls if name in ("mmap", "mprotect")
                and {"PROT_WRITE", "PROT_EXEC"} <= {*re.findall(r"PROT_\w+", words)}]
