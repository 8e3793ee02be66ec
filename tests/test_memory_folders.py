"""Where tests have their folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import memory_folders

GB = 1 << 20  # in the kB of /proc/meminfo


@pytest.mark.parametrize(
    ("meminfo", "chosen"),
    [
        (f"MemTotal: {32 * GB} kB\nMemAvailable: {24 * GB} kB\n", True),
        (f"MemTotal: {32 * GB} kB\nMemAvailable: {4 * GB} kB\n", False),
        ("MemTotal: 1 kB\n", False),
        ("no line of it\n", False),
    ],
)
def test_they_are_in_memory_where_there_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meminfo: str, chosen: bool
) -> None:
    monkeypatch.delenv(memory_folders._ROOT, raising=False)
    monkeypatch.setattr(memory_folders, "_ROOM", 0)
    told = tmp_path / "meminfo"
    told.write_text(meminfo, encoding="ascii")
    memory_folders.choose(tmp_path, told)
    assert os.environ.get(memory_folders._ROOT) == (str(tmp_path) if chosen else None)


def test_they_stay_where_somebody_wants_them_and_where_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "meminfo"
    told.write_text(f"MemAvailable: {24 * GB} kB\n", encoding="ascii")
    monkeypatch.setattr(memory_folders, "_ROOM", 1 << 60)
    monkeypatch.setenv(memory_folders._ROOT, "/somewhere")
    memory_folders.choose(tmp_path, told)
    monkeypatch.setattr(memory_folders, "_ROOM", 0)
    memory_folders.choose(tmp_path, told)
    memory_folders.choose(tmp_path / "not there", told)
    assert os.environ[memory_folders._ROOT] == "/somewhere"
