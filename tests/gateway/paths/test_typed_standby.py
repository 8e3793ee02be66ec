"""The lines of gateway/STANDBY.md that go by ssh and rsync, typed as they stand there: a real sshd on loopback is the
second machine. The folders that both machines have by one name are two here, and `sudo` and systemd are left out."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from brokers import free_port
from gateway.gateway_folder import WATI, Office
from siaga_gateway.adapters.files.personal_key import FILE_NAME
from siaga_gateway.cli.standby import COPY
from source_files import ROOT
from waiting import RUNS_S, eventually

GUIDE: Final = ROOT / "gateway" / "STANDBY.md"
SERVICE: Final = ROOT / "gateway" / "operations" / "siaga-standby.service"
# What differs from the guide's machines; the rest of a line is as it is typed.
SUDO: Final = """#!/bin/bash
# The user of the service has its home and its key there; no other user is made for a test.
if [ "$1" = -u ]; then shift 2; export HOME="$SERVICE_HOME"; fi
program=$1; shift
case "$program" in apt-get | systemctl | usermod) exit 0 ;; esac
kept=()
while [ $# -gt 0 ]; do
    case "$program $1" in "install -o" | "install -g") shift 2 ;; *) kept+=("$1"); shift ;; esac
done
exec "$program" "${kept[@]}"
"""


def blocks(heading: str) -> list[str]:
    """The commands of one step of the guide, a block each."""
    _, found, rest = GUIDE.read_text(encoding="utf-8").partition(heading)
    assert found, heading
    lines = re.split(r"\n☐|\n## ", rest)[0].splitlines()
    made: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("    "):
            made[-1].append(line[4:])
        elif made[-1] and line:
            made.append([])
    return ["\n".join(block) for block in made if block]


def program(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is missing. On Debian or Ubuntu: sudo apt-get install {package}")
    return found


class Machine:
    """One with its own root folder, where somebody is signed in and types."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self.root = folder
        self.home = folder / "home" / "admin"
        self.service_home = folder / "var" / "lib" / "siaga"
        for each in (self.home / ".ssh", self.service_home, folder / "etc" / "siaga", folder / "etc/systemd/system"):
            each.mkdir(parents=True)
        self._tools = tools

    def here(self, text: str) -> str:
        """With this machine's folders for those that every machine has."""
        return re.sub(r"(?<![\w.~:])/(var/lib|etc|opt)/", rf"{self.root}/\1/", text).replace(
            "-C / ", f"-C {self.root} "
        )

    def types(self, block: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(block)],
            env={
                "PATH": f"{self._tools}:{os.environ['PATH']}",
                "HOME": str(self.home),
                "SERVICE_HOME": str(self.service_home),
                "LANG": "C.UTF-8",
            },
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=RUNS_S,
        )
        assert done.returncode == 0, (block, done.stdout, done.stderr)
        return done.stdout


class Pair:
    """The first machine reaches the second one by ssh, as `sos-b.example`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.tools = folder / "tools"
        self.tools.mkdir(parents=True)
        self.first, self.second = Machine(folder / "first", self.tools), Machine(folder / "second", self.tools)
        self._tool("sudo", SUDO)
        self._tool(
            "ssh",
            f'#!/bin/sh\nexec {program("ssh", "openssh-client")} -F {folder}/ssh_config -i "$HOME/.ssh/id_ed25519" '
            '-o UserKnownHostsFile="$HOME/.ssh/known_hosts" "$@"\n',
        )
        self._tool("asked", f'#!/bin/sh\nexport HOME={self.second.home}\ncd\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n')
        (folder / "ssh_config").write_text(
            f"Host sos-b.example\nHostName 127.0.0.1\nPort {port}\nUser {getpass.getuser()}\nIdentitiesOnly yes\n"
            "StrictHostKeyChecking accept-new\nBatchMode yes\n"
        )
        keygen = program("ssh-keygen", "openssh-client")
        admin = self.first.home / ".ssh" / "id_ed25519"
        for key in (folder / "host_key", admin):
            subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=RUNS_S)
        shutil.copy2(admin.with_suffix(".pub"), self.second.home / ".ssh" / "authorized_keys")
        keys = [machine / ".ssh" / "authorized_keys" for machine in (self.second.home, self.second.service_home)]
        (folder / "sshd_config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nPidFile none\nUsePAM no\n"
            f"StrictModes no\nPasswordAuthentication no\n"
            f"PermitRootLogin prohibit-password\nForceCommand {self.tools}/asked\n"
            f"AuthorizedKeysFile {' '.join(map(str, keys))}\n"
        )

    def _tool(self, name: str, text: str) -> None:
        path = self.tools / name
        path.write_text(text)
        path.chmod(0o755)

    def siaga(self, machine: Machine, office: Office) -> None:
        """Whoever types `siaga` there has that machine's settings."""
        made = Path(sys.executable).with_name("siaga")
        self._tool("siaga", f'#!/bin/sh\nexec {made} "$@" --config {office.folder}/siaga.toml\n')
        opt = machine.root / "opt" / "siaga" / "bin"
        opt.mkdir(parents=True, exist_ok=True)
        shutil.copy2(self.tools / "siaga", opt / "siaga")

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where its unprivileged half lives
        command = [program("sshd", "openssh-server"), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            eventually(lambda: self._answers() or process.poll() is not None, "sshd listens")
            assert process.poll() is None, (self.folder / "sshd.log").read_text()
            yield
        finally:
            process.terminate()
            process.wait(RUNS_S)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), RUNS_S):
            return True
        return False


def new_office(folder: Path) -> Office:
    folder.mkdir(parents=True, exist_ok=True)
    made = Office(folder)
    made.does("init", "--name", "siaga.test", "--data", "../../var/lib/siaga", "--time-zone", "Asia/Jakarta")
    return made


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    program("rsync", "rsync")
    made = Pair(tmp_path, free_port())
    with made.listening():
        yield made


def test_the_keys_and_the_copies_reach_the_second_machine_as_typed(pair: Pair) -> None:
    first, second = pair.first, pair.second
    office = new_office(first.root / "etc" / "siaga")
    settings = office.folder / "siaga.toml"
    settings.write_text(settings.read_text() + "\n[store]\nstandby_copy_s = 180\n")
    office.does("owner", "add", *WATI, "--by", "Dewi")
    secret = first.service_home / "console-secret"
    secret.write_bytes(bytes(32))

    send, unpack = blocks("☐ **1. Both machines alike.**")
    first.types(send)
    brought = second.home / "siaga-keys.tar"
    assert brought.stat().st_mode & 0o077 == 0, "keys are for who brings them"
    second.types(unpack)
    assert not brought.exists()
    for name in ("gateway-key.pem", FILE_NAME, "console-secret"):
        assert (second.service_home / name).read_bytes() == (first.service_home / name).read_bytes(), name
    assert (second.root / "etc/siaga/siaga.toml").read_text() == settings.read_text()

    (on_second,) = blocks("☐ **1. On the second machine**")
    second.types(on_second)
    made_key, let_in, serve = blocks("☐ **2. On the first machine**")
    first.types(made_key)
    assert (second.home / "siaga-ship.pub").read_text().startswith("restrict ssh-ed25519 ")
    second.types(let_in)
    checkout = first.home / "siaga" / "gateway"
    checkout.mkdir(parents=True)
    (checkout / "operations").symlink_to(SERVICE.parent)
    pair.siaga(first, office)
    first.types(serve)

    unit = (first.root / "etc/systemd/system" / SERVICE.name).read_text()
    found = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", unit, re.MULTILINE)
    assert found is not None
    command = found[1].replace("sos-b.example:/", f"sos-b.example:{second.root}/")
    began = time.monotonic()
    first.types("sudo -u siaga " + command.replace("--every 60 ", ""))
    told = first.types("sudo -u siaga siaga gateway standby status --json")
    age = re.search(r'"copy_age_s": ([\d.]+)', told)
    assert age is not None and float(age[1]) <= time.monotonic() - began

    pair.siaga(second, Office(second.root / "etc" / "siaga"))
    assert (second.service_home / "standby" / COPY).exists()
    (restore,) = blocks("☐ **3. When the first machine fails**")
    second.types(restore)
    assert "Contoh Wati" in Office(second.root / "etc" / "siaga").does("owner", "show", "1", "--by", "Dewi")
