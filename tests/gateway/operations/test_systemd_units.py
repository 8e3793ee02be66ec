"""The units for systemd: two that differ only in the name, each restriction named once, read by systemd where it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

OPERATIONS = Path(__file__).parents[3] / "gateway" / "operations"
UNIT, TEMPLATE = OPERATIONS / "siaga-gateway.service", OPERATIONS / "siaga-gateway@.service"
WATCHER = OPERATIONS / "siaga-watch.service"


def settings(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_the_template_is_the_unit_with_a_name() -> None:
    one, many = settings(UNIT), settings(TEMPLATE)
    assert one.keys() == many.keys()
    differing = {name for name in one if one[name] != many[name]}
    assert differing == {"Description", "ExecStart", "EnvironmentFile", "WorkingDirectory", "StateDirectory"}
    assert [value.replace("/%i", "") for value in many["StateDirectory"]] == one["StateDirectory"]
    assert "--config /etc/siaga/%i.toml" in many["ExecStart"][0]


def test_the_end_has_time_to_finish_the_batch_and_what_hangs_is_started_anew() -> None:
    found = settings(UNIT)
    assert found["Type"] == ["notify"] and found["Restart"] == ["always"]
    # Ingest 10 s, commands 10 s, a delivery 15 s, the farewell to the broker 2 s: service/ and adapters/ say so.
    assert int(found["TimeoutStopSec"][0]) >= 40
    from siaga_gateway.service.scheduling.gateway_health import HANGS_S

    assert int(found["WatchdogSec"][0]) > HANGS_S, "a long batch is no hanging"


@pytest.mark.parametrize("unit", [UNIT, TEMPLATE, WATCHER], ids=lambda unit: unit.name)
def test_it_may_do_nothing_that_it_need_not(unit: Path) -> None:
    found = settings(unit)
    for name, value in (
        ("DynamicUser", "yes") if unit == WATCHER else ("User", "siaga"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("PrivateDevices", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("StateDirectoryMode", "0700"),
    ):
        assert found[name] == [value]
    if (analyze := shutil.which("systemd-analyze")) is None:
        return  # what it would find is held above; a container has none
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"}
    command = [analyze, "security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    for unit in (UNIT, TEMPLATE, WATCHER):
        text = unit.read_text(encoding="utf-8")
        sections = re.findall(r"^\[(\w+)\]$", text, re.MULTILINE)
        assert sections == ["Unit", "Service", "Install"]
        if analyze is None:
            continue
        copy = tmp_path / unit.name.replace("@", "@trial")
        copy.write_text(text.replace("/opt/siaga/bin/siaga", "/bin/true"), encoding="utf-8")
        done = subprocess.run([analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False)
        complaints = [line for line in done.stderr.splitlines() if unit.name.split("@")[0].split(".")[0] in line]
        assert not complaints, complaints
