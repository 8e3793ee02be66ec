"""What the schematic and the board say, read from their files without KiCad, and compared with circuit.py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from circuit import PARTS, nets
from expressions import child, children, read
from placement import CENTRES, HOLES, PAGE, module_pins


def _plain(name: str) -> str:
    """A net's name without the sheet's."""
    return "" if name.startswith("unconnected-") else name.rsplit("/", 1)[-1]


def of_netlist(text: str) -> dict[str, set[tuple[str, str]]]:
    """Return each net of a netlist with its (part, pin)."""
    found = {}
    for net in children(child(read(text), "nets"), "net"):
        pins = {(child(node, "ref")[1], child(node, "pin")[1]) for node in children(net, "node")}
        found[_plain(child(net, "name")[1])] = pins
    return found


def of_board(text: str) -> dict[str, set[tuple[str, str]]]:
    """Return each net of a board with its (part, pad)."""
    found: dict[str, set[tuple[str, str]]] = {}
    for footprint in children(read(text), "footprint"):
        ref = _reference(footprint)
        for pad in children(footprint, "pad"):
            for net in children(pad, "net"):
                found.setdefault(_plain(net[2]), set()).add((ref, pad[1]))
    return found


def _reference(footprint: list[Any]) -> str:
    return next(str(each[2]) for each in children(footprint, "property") if each[1] == "Reference")


def _pads(footprint: list[Any]) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield each pad's name and where it is, mm, by the board's own (0, 0)."""
    x, y, *angle = map(float, child(footprint, "at")[1:])
    turn = math.radians(angle[0] if angle else 0)
    for pad in children(footprint, "pad"):
        along, across = map(float, child(pad, "at")[1:3])
        at_x = x - PAGE[0] + along * math.cos(turn) + across * math.sin(turn)
        at_y = y - PAGE[1] - along * math.sin(turn) + across * math.cos(turn)
        yield pad[1], (round(at_x, 3), round(at_y, 3))


def places_of(text: str) -> dict[tuple[str, str], tuple[float, float]]:
    """Return where each (part, pad) of a board is, mm, by the board's own (0, 0)."""
    return {
        (_reference(footprint), name): at
        for footprint in children(read(text), "footprint")
        for name, at in _pads(footprint)
    }


def centres_of(text: str) -> dict[str, tuple[float, float]]:
    """Return the middle of each part's electrical pads, mm, by the board's own (0, 0)."""
    found = {}
    for footprint in children(read(text), "footprint"):
        if places := [at for name, at in _pads(footprint) if name]:
            x, y = (sum(each) / len(places) for each in zip(*places, strict=True))
            found[_reference(footprint)] = (round(x, 3), round(y, 3))
    return found


def _misplaced(text: str) -> list[str]:
    """The sockets' pins and the holes that have to meet the module's, and what lies under the enclosure's openings."""
    wanted = module_pins() | {(f"H{number}", ""): at for number, at in enumerate(HOLES, 1)}
    places, centres = places_of(text), centres_of(text)
    return [
        f"board: the middle of {ref} is at {centres.get(ref)}, the enclosure's opening at {at}"
        for ref, at in CENTRES.items()
        if math.dist(centres.get(ref, (1e9, 1e9)), at) > 0.1
    ] + [
        f"board: {ref} {pin} is at {places.get((ref, pin))}, the module's is at {at}"
        for (ref, pin), at in wanted.items()
        if math.dist(places.get((ref, pin), (1e9, 1e9)), at) > 0.01
    ]


def differences(netlist: Path, board: Path) -> list[str]:
    """Return what either has otherwise than circuit.py, in words."""
    wanted = nets()
    wrong = [f"{part.ref} has no order" for part in PARTS if part.order is None and not part.ref.startswith("TP")]
    for name, got in (
        ("schematic", of_netlist(netlist.read_text(encoding="utf-8"))),
        ("board", of_board(board.read_text(encoding="utf-8"))),
    ):
        wrong += [
            f"{name}: net {net} joins {sorted(got.get(net, set()))} instead of {sorted(pins)}"
            for net, pins in wanted.items()
            if got.get(net) != pins
        ]
        wrong += [f"{name}: a net {net} that circuit.py does not have" for net in got if net and net not in wanted]
    return wrong + _misplaced(board.read_text(encoding="utf-8"))
