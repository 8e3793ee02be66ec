"""The carrier, revision A, as far as it can be checked without KiCad; `make hardware` checks the rest."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from board_pins import pins_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "hardware" / "rev_a"
# On the module itself: the carrier must leave these alone.
OF_THE_MODULE = {"SUPPLY", "MODEM_TX", "MODEM_RX", "MODEM_KEY", "MODEM_RESET", "MODEM_DTR", "MODEM_RING", "CELL"}
NAMES = ("circuit", "placement", "sheets", "expressions", "board_facts", "router", "controls")


@pytest.fixture(scope="module")
def rev_a() -> Iterator[dict[str, ModuleType]]:
    """Its modules by name; they are programs of their own, outside any package."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: import_module(name) for name in NAMES}
    finally:
        sys.path.remove(str(FOLDER))
        for name in NAMES:
            sys.modules.pop(name, None)


def test_the_headers_carry_the_firmwares_pins_and_no_others(rev_a: dict[str, ModuleType]) -> None:
    circuit = rev_a["circuit"]
    parts = {part.ref: part for part in circuit.PARTS}
    wired = {
        net: int(names[int(pin)].removeprefix("IO"))
        for ref, names in (("J1", circuit.PX), ("J2", circuit.PY))
        for pin, net in parts[ref].pins.items()
        if net and net not in circuit.POWER
    }
    assert wired == {name: gpio for name, gpio in pins_of("siaga_rev_a").items() if name not in OF_THE_MODULE}


def test_the_headers_supplies_are_the_modules(rev_a: dict[str, ModuleType]) -> None:
    circuit = rev_a["circuit"]
    same = {"VDD3V3": "+3V3", "GND": "GND", "V_BAT": "+BATT", "VBUS": "VBUS"}
    parts = {part.ref: part for part in circuit.PARTS}
    for ref, names in (("J1", circuit.PX), ("J2", circuit.PY)):
        for pin, name in names.items():
            net = parts[ref].pins[str(pin)]
            assert net in (same[name], "") if name in same else net not in circuit.POWER, (ref, pin)


def test_every_part_can_be_ordered_or_is_copper(rev_a: dict[str, ModuleType]) -> None:
    for part in rev_a["circuit"].PARTS:
        if part.ref.startswith("TP"):
            assert part.order is None
        else:
            assert part.order is not None and all(
                (part.order.maker, part.order.number, part.order.document, part.order.second)
            ), part.ref


def test_every_part_has_one_place_on_the_sheets_and_one_on_the_board(rev_a: dict[str, ModuleType]) -> None:
    parts = {part.ref: part for part in rev_a["circuit"].PARTS}
    assert len(parts) == len(rev_a["circuit"].PARTS) > 50
    on_sheets = {(ref, sheet) for sheet, places in rev_a["sheets"].PLACES.items() for ref in places}
    assert on_sheets == {(part.ref, part.sheet) for part in parts.values()}
    assert set(rev_a["placement"].PLACES) == set(parts)


def test_the_sockets_have_to_be_where_the_modules_pins_are(rev_a: dict[str, ModuleType]) -> None:
    """By the vendor's drawing: two rows of 16, 30.48 mm apart; PY 16 and PX 1 at the antenna's end."""
    pins, places = rev_a["placement"].module_pins(), rev_a["placement"].PLACES
    assert pins["J2", "16"] == (0, 0) and pins["J1", "1"] == (30.48, 0)
    assert pins["J2", "1"] == (0, 38.1) and pins["J1", "16"] == (30.48, 38.1)
    for ref in ("J1", "J2"):
        x, y, _, below = places[ref]
        assert below and (x, y) == pins[ref, "1"]


def test_where_pads_are_is_read_with_the_turn_of_their_part(rev_a: dict[str, ModuleType]) -> None:
    board = """(kicad_pcb (footprint "S" (at 130.48 60 180) (property "Reference" "J1") (pad "2" thru (at 0 -2.54)))
        (footprint "R" (at 101 62 90) (property "Reference" "R1") (pad "1" smd (at -1 0 90))))"""
    assert rev_a["board_facts"].places_of(board) == {("J1", "2"): (30.48, 2.54), ("R1", "1"): (1, 3)}


def test_the_control_takes_a_track_that_nothing_stands_in_for(rev_a: dict[str, ModuleType]) -> None:
    """KiCad writes tracks by random identifiers: the first may be a stub, or of the ground that is poured as well."""
    track = "\t(segment\n\t\t(start {} 0)\n\t\t(end {} 0)\n\t\t(width 0.2)\n\t\t(net {})\n\t)\n".format
    stub, ground, signal = track(1, 1.2, 2), track(0, 30, 1), track(5, 20, 2)
    board = f'\t(net 1 "GND")\n\t(net 2 "/LED")\n{stub}{ground}{signal}'
    control = rev_a["controls"]
    assert control._without_a_track(board) == board.replace(signal, "")
    assert control._with_a_wide_track(board) == board.replace(signal, signal.replace("0.2", "3"))


def test_no_net_has_a_single_pin(rev_a: dict[str, ModuleType]) -> None:
    assert not [net for net, pins in rev_a["circuit"].nets().items() if len(pins) < 2]


def test_what_is_read_from_kicads_files_is_what_they_say(rev_a: dict[str, ModuleType]) -> None:
    facts = rev_a["board_facts"]
    netlist = """(export (nets
        (net (code "1") (name "/button/RAW") (node (ref "R1") (pin "2")) (node (ref "SW1") (pin "1")))
        (net (code "2") (name "unconnected-(J1-Pad1)") (node (ref "J1") (pin "1")))))"""
    assert facts.of_netlist(netlist) == {"RAW": {("R1", "2"), ("SW1", "1")}, "": {("J1", "1")}}
    board = """(kicad_pcb (footprint "R" (property "Reference" "R1" (at 0 0)) (pad "1" smd rect (net 1 "GND"))
        (pad "2" smd rect (net 2 "/button/RAW"))) (footprint "H" (property "Reference" "H1") (pad "" np)))"""
    assert facts.of_board(board) == {"GND": {("R1", "1")}, "RAW": {("R1", "2")}}


def test_the_router_joins_round_an_obstacle_and_keeps_its_distance(rev_a: dict[str, ModuleType]) -> None:
    """Two nets that cross, with a wall between on one side: some via, no touch, both whole."""
    router = rev_a["router"]
    pads = [
        router.Pad("A", (2, 5, 1, 1), (0,)),
        router.Pad("A", (8, 5, 1, 1), (0,)),
        router.Pad("B", (5, 2, 1, 1), (0,)),
        router.Pad("B", (5, 8, 1, 1), (0,)),
        router.Pad("", (5, 5, 0.5, 1), (0,)),
    ]
    routed = router.Router(pads, ((0, 0), (10, 0), (10, 10), (0, 10)), [(5, 0.9, 0.5)], {}).route(50)
    assert routed.failed == [] and Counter(net for net, *_ in routed.tracks).keys() == {"A", "B"}
    points = {
        net: [
            (layer, x1 + (x2 - x1) * step / 40, y1 + (y2 - y1) * step / 40)
            for name, layer, _, x1, y1, x2, y2 in routed.tracks
            if name == net
            for step in range(41)
        ]
        for net in ("A", "B")
    }
    for layer, x, y in points["A"]:
        assert all(
            layer != other or (x - their_x) ** 2 + (y - their_y) ** 2 > 0.44**2
            for other, their_x, their_y in points["B"]
        )
    walled = [*pads[:2], router.Pad("", (5, 5, 0.5, 12), (0, 1))]
    assert router.Router(walled, ((0, 0), (10, 0), (10, 10), (0, 10)), [], {}).route(3).failed == ["A"]


def test_the_tracks_are_those_of_the_nets(rev_a: dict[str, ModuleType]) -> None:
    """Kept in a file: whoever changes nets or places finds them anew."""
    laid = json.loads((FOLDER / "tracks.json").read_text(encoding="utf-8"))
    named = {track[0].rsplit("/", 1)[-1] for track in laid["tracks"]}
    assert named == set(rev_a["circuit"].nets())
    xs = [x for track in laid["tracks"] for x in (track[3], track[5])]
    assert rev_a["placement"].LEFT < min(xs) < max(xs) < rev_a["placement"].RIGHT
    assert all(one != two for one, two in pairwise(sorted(map(tuple, laid["vias"]))))
