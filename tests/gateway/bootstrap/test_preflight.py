"""What an administrator meets in the first hour: folders that are not theirs, a disk that is not mounted, no memory."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.gateway_folder import Office
from siaga_gateway.adapters.sql import open_store
from siaga_gateway.bootstrap.preflight import check_name
from siaga_gateway.cli.group import gateway
from siaga_gateway.config.loading import load
from waiting import ENDS_S, RUNS_S

SIAGA = (sys.executable, "-m", "siaga_gateway")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(tmp_path / "data"))
    return made


class Stranger:
    """Somebody with a folder that is closed to them: of mode 0, and root without the power to pass over that."""

    PREFIX = () if os.geteuid() else ("setpriv", "--bounding-set=-dac_override,-dac_read_search")

    def __init__(self, tmp_path: Path) -> None:
        self.closed = tmp_path / "closed"
        self.closed.mkdir()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([*SIAGA, *arguments])

    def _run(self, command: list[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        self.closed.chmod(0)
        try:
            return subprocess.run(
                [*self.PREFIX, *command], cwd=folder, capture_output=True, text=True, check=False, timeout=RUNS_S
            )
        finally:
            self.closed.chmod(0o700)

    def refused(self, *arguments: str) -> str:
        return self._refused(self.run(*arguments))

    def refused_python(self, program: str, folder: Path) -> str:
        return self._refused(self._run([sys.executable, "-c", program], folder))

    def _refused(self, done: subprocess.CompletedProcess[str]) -> str:
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
        return done.stderr


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    return Stranger(tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        ("init", "--name", "siaga.test", "--config", "{closed}/siaga.toml"),
        ("init", "--name", "siaga.test", "--data", "{closed}/data", "--config", "{open}/siaga.toml"),
        ("log", "--config", "{closed}/siaga.toml"),
        ("log", "--config", "{open}/of-a-closed-folder.toml"),
        ("key", "--config", "{open}/of-a-closed-folder.toml"),
        ("run", "--config", "{open}/of-a-closed-folder.toml"),
        ("backup", "{open}", "--by", "cron", "--config", "{open}/of-a-closed-folder.toml"),
        ("audit", "verify", "--config", "{open}/of-a-closed-folder.toml"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_folder_that_may_not_be_read_is_said_in_a_sentence(
    stranger: Stranger, tmp_path: Path, command: tuple[str, ...]
) -> None:
    free = tmp_path / "open"
    free.mkdir()
    (free / "of-a-closed-folder.toml").write_text(f'name = "siaga.test"\ndata_dir = "{stranger.closed}/data"\n')
    said = stranger.refused(*(part.format(closed=stranger.closed, open=free) for part in command))
    assert said.startswith("siaga: ") and str(stranger.closed) in said
    assert "ermission denied" in said, said
    assert not (free / "siaga.toml").exists() and not list(free.glob(".*")), "half an installation"


@pytest.mark.parametrize("dest", ["not-mounted", "not-mounted/", "not-mounted/copy.db", "copy.sqlite"])
def test_a_backup_into_a_folder_that_is_not_there_makes_no_file_of_its_name(office: Office, dest: str) -> None:
    before = sorted(office.folder.iterdir())
    said = office.refuses("backup", f"{office.folder}/{dest}", "--by", "cron")
    assert "folder" in said and "mount" in said
    assert sorted(office.folder.iterdir()) == before
    assert "backup_made" not in office.does("log")


def test_a_store_keeps_its_gateways_name_and_no_other_starts_on_it(office: Office, tmp_path: Path) -> None:
    settings = load(tmp_path / "siaga.toml")
    with closing(open_store(settings, 0)) as store:
        check_name(store, "siaga.test")
        check_name(store, "siaga.test")
    path = tmp_path / "siaga.toml"
    path.write_text(path.read_text().replace('"siaga.test"', '"siaga.other"').replace("port = 8110", "port = 0"))
    done = subprocess.run(
        [*SIAGA, "run", "--config", str(path)], capture_output=True, text=True, check=False, timeout=RUNS_S
    )
    assert done.returncode == 1 and "Put name = 'siaga.test' back" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_a_backup_has_the_name_that_it_was_given(office: Office) -> None:
    office.does("backup", f"{office.folder}/copy.db", "--by", "cron")
    (office.folder / "copies").mkdir()
    office.does("backup", f"{office.folder}/copies/", "--by", "cron")
    assert (office.folder / "copy.db").is_file()
    assert len(list((office.folder / "copies").glob("siaga-*.db"))) == 1


def hidden() -> None:
    try:
        raise MemoryError
    finally:
        raise RuntimeError("cannot join thread before it is started")


def c_says_nothing() -> None:
    raise SystemError("<built-in method x> returned NULL without setting an exception")


def no_thread() -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("fault", [hidden, c_says_nothing, no_thread])
def test_no_memory_is_said_so_not_shown_as_a_fault_of_python(
    office: Office, monkeypatch: pytest.MonkeyPatch, fault: Callable[[], None]
) -> None:
    from siaga_gateway.cli import inspect_store

    monkeypatch.setattr(inspect_store, "opened", lambda _config: fault())
    assert office.refuses("log").startswith("siaga: there is not enough memory")


def test_a_fault_of_the_program_stays_one(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from siaga_gateway.cli import inspect_store

    def broken(_config: Path) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(inspect_store, "opened", broken)
    with pytest.raises(RuntimeError, match="a fault"):
        office.run("log")


def test_a_process_that_gets_too_little_memory_says_so(office: Office) -> None:
    """For real: an address space in which Python just starts, and one in which it has room for the text as well."""
    for megabytes in (80, 88, 96, 104, 112):
        command = f"ulimit -v {megabytes * 1024}; exec {' '.join(SIAGA)} run --config {office.folder}/siaga.toml"
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False, timeout=RUNS_S)
        assert "Traceback" not in done.stderr
        if "there is not enough memory" in done.stderr:
            return
    pytest.fail(f"never said: {done.stderr}")


def test_the_settings_fit_the_broker_that_will_be_made(tmp_path: Path) -> None:
    """Nothing has to be copied by hand between `init --broker` and `broker-config`."""
    office, folder = Office(tmp_path), tmp_path / "broker"
    office.does("init", "--name", "siaga.test", "--data", str(tmp_path / "data"), "--broker", str(folder))
    config = tmp_path / "siaga.toml"
    assert config.stat().st_mode & 0o077 == 0, "it holds a password"
    settings = load(config, {})
    assert settings.mqtt.user == "gateway" and not settings.mqtt.retained_status
    assert settings.mqtt.password is not None and len(settings.mqtt.password.get_secret_value()) >= 32
    assert settings.broker.passwords == folder / "passwords"
    for name in ("broker.pem", "broker.key"):
        (tmp_path / name).write_text("of no matter here")
    said = office.does(
        "broker-config", str(folder), "--certificate", f"{tmp_path}/broker.pem", "--key", f"{tmp_path}/broker.key"
    )
    assert "password = " not in said
    assert settings.mqtt.password.get_secret_value() not in (folder / "gateway-passwords").read_text()
    assert (folder / "gateway-passwords").read_text().startswith("gateway:$7$")


def test_broker_config_takes_a_key_that_only_mosquitto_may_read(stranger: Stranger, tmp_path: Path) -> None:
    free = tmp_path / "open"
    free.mkdir()
    for name in ("broker.pem", "broker.key"):
        (stranger.closed / name).write_text("of no matter here")
    config = ("--config", f"{free}/siaga.toml")
    assert stranger.run("init", "--name", "siaga.test", "--data", f"{free}/data", *config).returncode == 0
    files = ("--certificate", f"{stranger.closed}/broker.pem", "--key", f"{stranger.closed}/broker.key")
    done = stranger.run("broker-config", f"{free}/broker", *files, *config)
    assert done.returncode == 0, done.stderr
    assert f"{stranger.closed}/broker.key: cannot be looked at from here; user mosquitto must" in done.stderr
    assert f"keyfile {stranger.closed}/broker.key" in (free / "broker" / "mosquitto.conf").read_text()


def test_broker_config_takes_a_key_that_is_there_and_closed(stranger: Stranger, tmp_path: Path) -> None:
    """As the guide lays it: in a folder that all may look into."""
    key = tmp_path / "broker.key"
    for name in ("broker.pem", "broker.key"):
        (tmp_path / name).write_text("of no matter here")
    key.chmod(0)
    config = ("--config", f"{tmp_path}/siaga.toml")
    assert stranger.run("init", "--name", "siaga.test", "--data", f"{tmp_path}/data", *config).returncode == 0
    files = ("--certificate", f"{tmp_path}/broker.pem", "--key", str(key))
    done = stranger.run("broker-config", f"{tmp_path}/broker", *files, *config)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("readable", [True, False])
def test_certificate_and_key_the_wrong_way_round_are_no_configuration(
    stranger: Stranger, tmp_path: Path, readable: bool
) -> None:
    """Mosquitto would not start with them."""
    key, certificate = tmp_path / "broker.key", tmp_path / "broker.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\n")
    certificate.write_text("-----BEGIN CERTIFICATE-----\n")
    key.chmod(0o600 if readable else 0)
    config = ("--config", f"{tmp_path}/siaga.toml")
    assert stranger.run("init", "--name", "siaga.test", "--data", f"{tmp_path}/data", *config).returncode == 0
    files = ("--certificate", str(key), "--key", str(certificate))
    said = stranger.refused("broker-config", f"{tmp_path}/broker", *files, *config)
    assert "the wrong way round" in said and not (tmp_path / "broker").exists()


def test_settings_are_looked_for_here_and_then_where_the_guide_puts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from siaga_gateway.cli import common

    installed = tmp_path / "etc" / "siaga.toml"
    installed.parent.mkdir()
    monkeypatch.setattr(common, "INSTALLED", installed)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def named() -> str:
        return CliRunner().invoke(gateway, ["key"]).stderr

    assert named().startswith("siaga: siaga.toml: no such file")
    installed.write_text('name = "siaga.installed"\n')
    assert named().startswith(f"siaga: {installed}: data_dir: is missing")
    Path("siaga.toml").write_text('name = "siaga.here"\n')
    assert named().startswith("siaga: siaga.toml: data_dir: is missing")


@pytest.mark.parametrize("closed", ["folder", "file"])
def test_who_forgot_sudo_is_told_so_and_not_to_make_another_gateway(
    stranger: Stranger, tmp_path: Path, closed: str
) -> None:
    """The settings are installed where the guide puts them, and not for the eyes of whoever types."""
    installed = stranger.closed / "siaga.toml" if closed == "folder" else tmp_path / "siaga-installed.toml"
    installed.write_text('name = "siaga.test"\n')
    installed.chmod(0)
    command = f"""
from pathlib import Path
from siaga_gateway.cli import common as shared
shared.INSTALLED = Path({str(installed)!r})
from siaga_gateway.cli.group import gateway
gateway(["key"])
"""
    said = stranger.refused_python(command, tmp_path)
    assert said.startswith(f"siaga: {installed}: ") and "sudo -u siaga siaga gateway" in said
    assert "init" not in said
    named = stranger.refused("key", "--config", str(installed))
    assert named.startswith(f"siaga: {installed}: ") and "sudo -u siaga siaga gateway" in named


def test_what_is_asked_does_not_come_into_the_hash(tmp_path: Path) -> None:
    """As `hash=$(siaga gateway operator-hash)` has it: a terminal to type at, and only the hash on stdout."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*SIAGA, "operator-hash"],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    ) as process:
        os.close(slave)
        shown = b""
        for times in (1, 2):
            while shown.count(b":") < times:  # a prompt
                assert select.select([master], [], [], ENDS_S)[0], shown
                shown += os.read(master, 4096)
            os.write(master, b"Rahasia-contoh-1\n")
        assert process.stdout is not None
        hashed = process.stdout.read()
    os.close(master)
    assert hashed.startswith(b"$argon2id$") and hashed.count(b"\n") == 1, hashed
