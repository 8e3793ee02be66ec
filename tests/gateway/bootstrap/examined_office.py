"""A small installation for the doctor to look at, and its findings by name."""

from __future__ import annotations

import re
from pathlib import Path

from brokers import free_port
from gateway.fake_ports import ManualClock
from gateway.gateway_folder import Office
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.bootstrap.doctor.examination import examine
from siaga_gateway.domain.health_check import CheckResult, CheckState
from system.running_gateway import SECRET
from waiting import ENDS_S


def made_office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(made.data), "--time-zone", "Asia/Jakarta")
    config = tmp_path / "siaga.toml"
    config.write_text(config.read_text().replace("port = 1883", f"port = {free_port()}"))
    return made


def add(office: Office, text: str) -> None:
    with (office.folder / "siaga.toml").open("a", encoding="utf-8") as config:
        config.write(text)


def webhook(name: str, port: int) -> str:
    url = f"http://127.0.0.1:{port}/x"
    return f'\n[[outputs]]\nname = "{name}"\nkind = "webhook"\nurl = "{url}"\nsecret = "{SECRET}"\n'


def connect(office: Office, port: int, more: str = "") -> None:
    """To the broker at this port."""
    config = office.folder / "siaga.toml"
    config.write_text(re.sub(r"\[mqtt\]\n(.*)\nport = \d+", rf"[mqtt]\n\1\nport = {port}\n{more}", config.read_text()))


def look(office: Office, ahead_ms: int = 0) -> list[CheckResult]:
    clock = ManualClock(WallClock().now_ms() + ahead_ms)
    return examine(office.folder / "siaga.toml", office.folder / "copies", clock, ENDS_S)


def of(found: list[CheckResult], check: str, key: str = "") -> list[CheckResult]:
    return [each for each in found if each.check == check and each.cause.key.endswith(key)]


def one(found: list[CheckResult], check: str, key: str) -> CheckResult:
    (each,) = of(found, check, key)
    assert each.state is CheckState.OK or each.mend is not None, "no fault without its mend"
    return each
