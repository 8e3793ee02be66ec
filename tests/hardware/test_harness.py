"""The table of cables: each wire on its net, and long enough for where it leads."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "hardware"
NAMES = ("circuit", "measures", "placement")
ROW = re.compile(r"^\| (J\d) \| (\d) \| (\S+) \| \w+ \| ([^|]+) \| (\d+) \|$", re.MULTILINE)
WIRES = ROW.findall((FOLDER / "HARNESS.md").read_text(encoding="utf-8"))
SLACK_MM = 50


@pytest.fixture(scope="module")
def hardware() -> Iterator[dict[str, ModuleType]]:
    path = list(sys.path)
    sys.path[:0] = [str(FOLDER / "enclosure"), str(FOLDER / "rev_a")]
    try:
        yield {name: import_module(name) for name in NAMES}
    finally:
        sys.path[:] = path
        for name in NAMES:
            sys.modules.pop(name, None)


def test_each_wire_is_on_its_net_and_no_pin_is_forgotten(hardware: dict[str, ModuleType]) -> None:
    parts = {part.ref: part for part in hardware["circuit"].PARTS}
    plugs = [ref for ref, part in parts.items() if part.value.startswith("PH")]
    assert {(ref, pin): net for ref, pin, net, *_ in WIRES} == {
        (ref, pin): net for ref in plugs for pin, net in parts[ref].pins.items()
    }


def test_each_wire_reaches_with_the_lid_off(hardware: dict[str, ModuleType]) -> None:
    measures, places = hardware["measures"], hardware["placement"].PLACES
    x, y, *_ = measures.SWITCHES
    ends = {
        "panel button": (*measures.WALL.panel_at, measures.WALL.z[1] - measures.WALL.panel_deep),
        "panel light": (*measures.WALL.panel_at, measures.WALL.z[1]),
        "lid switch": (x, y, measures.SWITCH_Z[1]),
        "wall switch": (x, y, measures.SWITCH_Z[0]),
    }
    reached = set()
    for ref, _, _, leads_to, length in WIRES:
        for name, end in ends.items():
            if leads_to.startswith(name):
                start = (*places[ref][:2], measures.CARRIER_Z + measures.BOARD)
                assert int(length) >= math.dist(start, end) + SLACK_MM, (ref, leads_to)
                reached.add(name)
    assert reached == set(ends)
