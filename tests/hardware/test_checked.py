"""The checks that need KiCad or CadQuery passed for these very sources; and what of the enclosures needs neither."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "hardware"
NAMES = ("stamp", "measures", "placement")


@pytest.fixture(scope="module")
def hardware() -> Iterator[dict[str, ModuleType]]:
    """Its modules by name; they are programs of their own, outside any package."""
    folders = [str(FOLDER), str(FOLDER / "enclosure"), str(FOLDER / "rev_a")]
    path = list(sys.path)
    sys.path[:0] = folders
    try:
        yield {name: import_module(name) for name in NAMES}
    finally:
        sys.path[:] = path
        for name in NAMES:
            sys.modules.pop(name, None)


@pytest.mark.parametrize("command", ["hardware", "enclosure"])
def test_the_checks_passed_for_these_sources(hardware: dict[str, ModuleType], command: str) -> None:
    stamp = hardware["stamp"]
    assert stamp.noted().get(command) == stamp.digest(command), f"run `make {command}` and commit hardware/checked.json"


@pytest.mark.parametrize(
    ("command", "file"),
    [("hardware", "rev_a/circuit.py"), ("hardware", "rev_a/tracks.json"), ("enclosure", "rev_a/placement.py")],
)
def test_a_changed_source_is_noticed(
    hardware: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, file: str
) -> None:
    stamp = hardware["stamp"]
    for folder in ("rev_a", "enclosure"):
        (tmp_path / folder).mkdir()
    (tmp_path / file).write_text("x = 1\n")
    monkeypatch.setattr(stamp, "_HERE", tmp_path)
    monkeypatch.setattr(stamp, "NOTE", tmp_path / "checked.json")
    stamp.note(command, stamp.digest(command))
    assert stamp.noted() == {command: stamp.digest(command)}
    (tmp_path / file).write_text("x = 2\n")
    assert stamp.noted()[command] != stamp.digest(command)


def test_the_posts_are_under_the_boards_holes(hardware: dict[str, ModuleType]) -> None:
    """The module's two upper holes are the carrier's as well: one screw goes through both."""
    measures, placement = hardware["measures"], hardware["placement"]
    assert measures.MODULE_HOLES[:2] == placement.HOLES[:2]
    assert set(measures.WALL.holes) == {*measures.MODULE_HOLES, *placement.HOLES[2:]}
    assert set(measures.CARRIED.holes) < set(measures.WALL.holes)


def test_what_stands_on_the_carrier_is_lower_than_the_lid(hardware: dict[str, ModuleType]) -> None:
    measures = hardware["measures"]
    highest = max(box.z[1] for box in (*measures.CARRIER, *measures.MODULE))
    for case in (measures.WALL, measures.CARRIED):
        assert highest + 0.3 < case.z[1]
        assert case.x[0] + 1 < measures.CARRIER_EDGE[0] < measures.CARRIER_EDGE[1] < case.x[1] - 1


def test_the_cell_has_its_air_behind_it(hardware: dict[str, ModuleType]) -> None:
    measures = hardware["measures"]
    _, axis, radius, _ = measures.CELL
    for case in (measures.WALL, measures.CARRIED):
        assert axis - radius - case.z[0] >= measures.CELL_AIR


def test_no_screw_in_the_wall_reaches_the_cell(hardware: dict[str, ModuleType]) -> None:
    measures = hardware["measures"]
    *_, (top, bottom) = measures.CELL
    assert measures.KEYHOLE[1] + measures.KEYHOLE_HEAD[0] / 2 + 8 < top
    assert measures.LOCK[1] > bottom + 20
