"""Putting an installation in place: typed in one line, asked at a terminal, typed again, over what somebody changed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from siaga_gateway.bootstrap.setup.installation_plan import Plan, template
from siaga_gateway.bootstrap.setup.settings_text import NewSettings
from siaga_gateway.cli.group import gateway
from siaga_gateway.config.loading import load
from source_files import ROOT
from waiting import ENDS_S, RUNS_S

PASSWORD = "Rahasia-contoh-1"
WHOLE = (
    *("--name", "siaga.contoh", "--host", "sos.contoh.example", "--site", 'Polda "Contoh"', "--area=-4.9,105.0"),
    *("--time-zone", "Asia/Makassar", "--administrator", "Contoh Operator"),
)


def typed(root: Path, *more: str, asked: str = PASSWORD) -> Result:
    arguments = ["setup", "--preview", str(root), *more, "--language", "en"]
    return CliRunner().invoke(gateway, arguments, input=f"{asked}\n", catch_exceptions=False)


def everything(root: Path) -> dict[str, tuple[str, int]]:
    """Text and mode of each file by its path on the machine."""
    return {
        f"/{file.relative_to(root)}": (file.read_text(), file.stat().st_mode & 0o7777)
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def test_one_line_writes_all_that_the_guide_names(tmp_path: Path) -> None:
    done = typed(tmp_path, *WHOLE)
    assert done.exit_code == 0, done.output
    found = everything(tmp_path)
    assert found["/etc/siaga/siaga.toml"][1] == 0o640 and found["/etc/siaga/secrets.env"] == ("", 0o600)
    settings = load(tmp_path / "etc/siaga/siaga.toml", {})
    assert (settings.name, settings.site.name, settings.site.time_zone) == (
        "siaga.contoh",
        'Polda "Contoh"',
        "Asia/Makassar",
    )
    assert settings.area.area() is not None and settings.store.shared is False
    assert settings.console.allowed_hosts == ["sos.contoh.example"] and settings.console.proxies == ["127.0.0.1"]
    assert PASSWORD not in found["/etc/siaga/siaga.toml"][0]
    assert settings.certificates.addresses == [("127.0.0.1", 8883), ("127.0.0.1", 443)]
    assert str(settings.broker.passwords) == "/etc/mosquitto/siaga/passwords"
    for name in ("siaga-gateway.service", "siaga-backup.service", "siaga-backup.timer", "siaga-certificate.timer"):
        path = ROOT / "gateway/operations" / name
        assert found[f"/etc/systemd/system/{name}"][0] == path.read_text(), "one text, not two"
    assert found["/opt/siaga/bin/siaga-backup"][1] == 0o755
    nginx = found["/etc/nginx/conf.d/siaga.conf"][0]
    assert "server_name sos.contoh.example;" in nginx and "sos.example" not in nginx
    assert nginx.count("access_log off;") == nginx.count("server {") == 2, "what is searched for stands in addresses"
    assert found["/etc/siaga/certificate.env"][0] == "NAME=sos.contoh.example\n"
    assert "acl_file /etc/mosquitto/siaga/rules" in found["/etc/mosquitto/siaga/mosquitto.conf"][0]
    assert "-c /etc/mosquitto/siaga/mosquitto.conf" in found["/etc/systemd/system/mosquitto.service.d/siaga.conf"][0]


def test_typed_again_it_changes_nothing(tmp_path: Path) -> None:
    typed(tmp_path, *WHOLE)
    before = everything(tmp_path)
    again = typed(tmp_path)
    assert again.exit_code == 0 and "made" not in again.output, again.output
    assert everything(tmp_path) == before
    other = typed(tmp_path, "--site", "Polda Lain")
    assert "never rewritten" in other.output and everything(tmp_path) == before


def test_what_somebody_changed_is_shown_kept_and_on_demand_replaced_with_the_old_beside(tmp_path: Path) -> None:
    typed(tmp_path, *WHOLE)
    unit = tmp_path / "etc/systemd/system/siaga-gateway.service"
    mine = unit.read_text().replace("Nice=-5", "Nice=-10")
    unit.write_text(mine)
    settings = tmp_path / "etc/siaga/siaga.toml"
    settings.write_text(settings.read_text() + "\n[metrics]\nport = 9110\n")
    left = typed(tmp_path)
    assert left.exit_code == 1 and "-Nice=-10" in left.output and "+Nice=-5" in left.output
    assert unit.read_text() == mine
    replaced = typed(tmp_path, "--replace")
    assert replaced.exit_code == 0 and "Nice=-5" in unit.read_text()
    (beside,) = unit.parent.glob("siaga-gateway.service.*.before")
    assert beside.read_text() == mine
    assert "port = 9110" in settings.read_text(), "the administrator's own"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (WHOLE[:6] + WHOLE[7:], "--area"),
        ((*WHOLE, "--time-zone", "WIB"), "Asia/Jakarta"),
        ((*WHOLE, "--name", "Not A Name"), "name"),
        ((*WHOLE, "--area=hier"), "hier"),
        ((*WHOLE, "--broker", "elsewhere"), "host:port"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_written(
    tmp_path: Path, more: tuple[str, ...], said: str
) -> None:
    done = typed(tmp_path, *more)
    assert done.exit_code in (1, 2) and said in done.output + done.stderr
    assert everything(tmp_path) == {}


def test_a_short_password_writes_nothing(tmp_path: Path) -> None:
    assert typed(tmp_path, *WHOLE, asked="kurang").exit_code == 1 and everything(tmp_path) == {}


def test_other_choices_leave_out_what_they_do_not_need(tmp_path: Path) -> None:
    more = ("--broker", "broker.example:8883", "--proxy", "caddy", "--certificate", "existing")
    done = typed(tmp_path, *WHOLE, *more, "--database", "postgresql:///siaga")
    assert done.exit_code == 0, done.output
    found = everything(tmp_path)
    assert not [path for path in found if "mosquitto" in path or "nginx" in path or "certificate." in path]
    assert "sos.contoh.example {" in found["/etc/caddy/Caddyfile"][0]
    settings = load(tmp_path / "etc/siaga/siaga.toml", {})
    assert settings.mqtt.tls and (settings.mqtt.host, settings.mqtt.port) == ("broker.example", 8883)
    assert settings.store.shared and settings.certificates.buttons is None


def test_in_a_container_no_unit_and_no_program_is_written(tmp_path: Path) -> None:
    done = typed(tmp_path, *WHOLE, "--container")
    assert done.exit_code == 0, done.output
    found = everything(tmp_path)
    assert not [path for path in found if path.startswith(("/etc/systemd", "/opt", "/etc/nginx"))]
    assert "acl_file /etc/mosquitto/siaga/rules" in found["/etc/mosquitto/siaga/mosquitto.conf"][0]
    assert "sos.contoh.example {" in found["/etc/caddy/Caddyfile"][0]
    settings = load(tmp_path / "etc/siaga/siaga.toml", {})
    assert settings.store.shared and settings.store.password is None and settings.broker.passwords is not None
    assert typed(tmp_path, "--container").exit_code == 0 and everything(tmp_path) == found


def test_beside_another_one_it_writes_nothing(tmp_path: Path) -> None:
    """Of two administrators who type it together each would have drawn a password for the broker."""
    typed(tmp_path, *WHOLE)
    before = everything(tmp_path)
    for folder in (tmp_path / "etc", tmp_path / "etc/siaga"):
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        busy = typed(tmp_path, "--replace")
        assert busy.exit_code == 1 and "another siaga gateway setup is at work" in busy.output + busy.stderr
        os.close(descriptor)
        assert everything(tmp_path) == before
    assert typed(tmp_path).exit_code == 0


def test_what_others_read_is_open_to_them_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        assert typed(tmp_path, *WHOLE).exit_code == 0
    finally:
        os.umask(old)
    for folder in ("etc/systemd/system/mosquitto.service.d", "etc/nginx/conf.d", "etc/systemd"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "etc/siaga").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "etc/siaga/secrets.env").stat().st_mode & 0o777 == 0o600


def test_who_is_not_root_is_told_how() -> None:
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable]
    else:
        command = [sys.executable]
    done = subprocess.run(
        [*command, "-m", "siaga_gateway", "setup", "--language", "en"],
        capture_output=True,
        text=True,
        timeout=RUNS_S,
        check=False,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT / "gateway")},
    )
    assert done.returncode == 1 and "sudo siaga gateway setup" in done.stderr, done.stderr


def test_at_a_terminal_it_asks_and_takes_what_is_there_as_the_answer(tmp_path: Path) -> None:
    """A person types the answers; the password is not shown."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "siaga_gateway", "setup", "--preview", str(tmp_path), "--language", "id"]
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, close_fds=True)
    os.close(follower)
    answers = [
        ("Nama gateway", "siaga.contoh"),
        ("Nama pemasangan", "Polda Contoh"),
        ("Zona waktu", "Asia/Jakarta"),
        ("Nama komputer ini", "sos.contoh.example"),
        ("Titik tengah", "-4.9,105.0"),
        ("administrator pertama", "Contoh Operator"),
        ("Kata sandi: ", PASSWORD),
        ("Ulangi sekali lagi: ", PASSWORD),
    ]
    shown, until = "", time.monotonic() + RUNS_S
    for asked, answer in answers:
        shown += _until(leader, asked, until)
        os.write(leader, f"{answer}\n".encode())
    shown += _until(leader, "mosquitto.conf", until)
    assert process.wait(ENDS_S) == 0, shown
    os.close(leader)
    assert PASSWORD not in shown
    settings = load(tmp_path / "etc/siaga/siaga.toml", {})
    assert settings.site.time_zone == "Asia/Jakarta"


def _until(leader: int, words: str, until: float) -> str:
    said = b""
    while words.encode() not in said:
        assert time.monotonic() < until, said.decode(errors="replace")
        if select.select([leader], [], [], 0.2)[0]:
            try:
                said += os.read(leader, 4096)
            except OSError:
                raise AssertionError(said.decode(errors="replace")) from None
    return said.decode(errors="replace")


def test_templates_are_in_the_wheel_and_in_the_checkout() -> None:
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert included["force-include"]["gateway/operations"] == "siaga_gateway/operations"
    assert template("nginx.conf") == (ROOT / "gateway/operations/nginx.conf").read_text()


def test_what_is_left_to_type_starts_all_that_was_planned() -> None:
    plan = Plan(
        NewSettings("x", Path("/var/lib/siaga"), broker=Path("/etc/mosquitto/siaga")), "y.example", "nginx", True
    )
    units = {planned.path.name for planned in plan.files() if planned.path.suffix in (".timer", ".path")}
    started = " ".join(plan.commands())
    assert units and all(unit in started for unit in units)
    assert re.search(r"enable --now siaga-gateway$", "\n".join(plan.commands()), re.MULTILINE)
