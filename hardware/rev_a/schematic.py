"""Draws the schematic: one KiCad sheet a block, from circuit.py (what is joined) and sheets.py (where it is)."""

from __future__ import annotations

import itertools
import uuid
from pathlib import Path
from typing import Final

from circuit import PARTS, POWER, SHEETS, Part, nets
from sheets import PLACES, WIRES
from symbols import Pin, pins_of, text_of, turned

_STEP: Final = 2.54
_HOME: Final = uuid.UUID("5d8f3d2e-6c0e-5a7b-9d61-3f1a5e0c7a10")
_POWER_SYMBOL: Final = {"+3V3": "power:+3V3", "GND": "power:GND", "+BATT": "power:+BATT", "VBUS": "power:VBUS"}
_ROOT: Final = "siaga_rev_a"
Point = tuple[float, float]


def _id(*what: object) -> str:
    return str(uuid.uuid5(_HOME, "/".join(map(str, what))))


def path_of(part: Part) -> str:
    """Return the part's path in the schematic, by which the board finds it."""
    return f"/{_id('sheet', part.sheet)}/{_id('part', part.ref)}"


def _round(point: Point) -> Point:
    return round(point[0], 4), round(point[1], 4)


class _Sheet:
    """One sheet's text."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts = [part for part in PARTS if part.sheet == name]
        self.items: list[str] = []
        self.used: set[str] = set()
        self._numbers = itertools.count(1)
        self._at: dict[tuple[str, str], Pin] = {}
        self._joined: dict[tuple[str, str], tuple[str, str]] = {}

    def text(self) -> str:
        for part in self.parts:
            self._place(part)
        ends: dict[Point, int] = {}
        for wire in WIRES[self.name]:
            self._wire(wire, ends)
        for point, count in ends.items():
            if count > 1:
                self.items.append(
                    f'(junction (at {point[0]} {point[1]}) (diameter 0) (uuid "{_id(self.name, point)}"))'
                )
        self._names()
        symbols = "\n".join(text_of(symbol) for symbol in sorted(self.used))
        head = f'(title_block (title "Siaga carrier: {SHEETS[self.name]}") (rev "A"))'
        return (
            f'(kicad_sch (version 20250114) (generator "siaga") (uuid "{_id("page", self.name)}")'
            f' (paper "A5")\n{head}\n'
            f"(lib_symbols\n{symbols}\n)\n" + "\n".join(self.items) + "\n)\n"
        )

    def _place(self, part: Part) -> None:
        column, row, angle = PLACES[self.name][part.ref]
        x, y = _round((column * _STEP, row * _STEP))
        for number, pin in pins_of(part.symbol).items():
            pin = turned(pin, angle)
            at = _round((x + pin.x, y + pin.y))
            self._at[part.ref, number] = Pin(*at, pin.away)
        pins = [pin for (ref, _), pin in self._at.items() if ref == part.ref]
        if len(pins) == 2 and {pin.away for pin in pins} == {90, 270}:  # it stands: its words are beside it
            label = (x + 2.5, y - 0.6)
        elif len(pins) == 1:  # a test point, above its pin
            label = (x + 1.8, y - 3)
        else:
            label = (x - 2.5, min(pin.y for pin in pins) - 4.4)
        self._symbol(part.symbol, part.ref, (x, y), angle, part.value, label, part)

    def _symbol(
        self,
        symbol: str,
        ref: str,
        at: Point,
        angle: int,
        value: str,
        label: Point,
        part: Part | None = None,
        away: int = 90,
    ) -> None:
        self.used.add(symbol)
        hidden = " (hide yes)" if part is None else ""
        small = "(effects (font (size 1.27 1.27)) (justify left)"
        fields = {} if part is None else {"Footprint": part.footprint}
        if part is not None and part.order is not None:
            fields |= {"Manufacturer": part.order.maker, "MPN": part.order.number, "Datasheet": part.order.document}
        key = _id("part", ref)
        pins = "".join(f' (pin "{number}" (uuid "{_id(ref, number)}"))' for number in pins_of(symbol))
        # Text turns with its symbol: this keeps it level.
        level = 90 if angle in (90, 270) else 0
        far_x, far_y = {0: (5.6, 0), 90: (0, -3.8), 180: (-5.6, 0), 270: (0, 4.1)}[away]
        value_at = (label[0], label[1] + 1.9) if part is not None else (at[0] + far_x, at[1] + far_y)
        justify = small if part is not None else "(effects (font (size 1.27 1.27))"
        self.items.append(
            f'(symbol (lib_id "{symbol}") (at {at[0]} {at[1]} {angle}) (unit 1) (exclude_from_sim no)'
            f" (in_bom {'yes' if part is not None and part.order else 'no'}) (on_board yes) (dnp no)"
            f' (uuid "{key}")\n'
            f'(property "Reference" "{ref}" (at {round(label[0], 4)} {round(label[1] - 0.4, 4)} {level})'
            f" {small}{hidden}))\n"
            f'(property "Value" "{value}" (at {round(value_at[0], 4)} {round(value_at[1], 4)} {level}) {justify}))\n'
            + "".join(
                f'(property "{name}" "{text}" (at {at[0]} {at[1]} 0) {small} (hide yes)))\n'
                for name, text in fields.items()
            )
            + pins
            + f'\n(instances (project "{_ROOT}" (path "/{_id("page", _ROOT)}/{_id("sheet", self.name)}"'
            f' (reference "{ref}") (unit 1)))))'
        )

    def _find(self, pin: tuple[str, str]) -> tuple[str, str]:
        while pin in self._joined:
            pin = self._joined[pin]
        return pin

    def _wire(self, wire: str, ends: dict[Point, int]) -> None:
        """Draw a wire and note which pins it joins. Raises ValueError if their nets differ."""
        stops = wire.split()
        by_pin = {(part.ref, number): net for part in self.parts for number, net in part.pins.items()}
        keys = [(ref, number) for ref, _, number in (stop.partition(".") for stop in (stops[0], stops[-1]))]
        if by_pin[keys[0]] != by_pin[keys[1]]:
            raise ValueError(f"{wire}: {by_pin[keys[0]]} is not {by_pin[keys[1]]}")
        points = []
        for stop in stops:
            if stop[0] == "@":
                column, row = map(float, stop[1:].split(","))
                points.append(_round((column * _STEP, row * _STEP)))
            else:
                ref, _, number = stop.partition(".")
                points.append((self._at[ref, number].x, self._at[ref, number].y))
        for one, two in itertools.pairwise(points):
            corner = (two[0], one[1])
            for start, end in ((one, corner), (corner, two)):
                if start != end:
                    key = _id("wire", self.name, wire, start, end)
                    self.items.append(f'(wire (pts (xy {start[0]} {start[1]}) (xy {end[0]} {end[1]})) (uuid "{key}"))')
        for point in (points[0], points[-1]):
            ends[point] = ends.get(point, 0) + 1
        one, two = map(self._find, keys)
        if one != two:
            self._joined[one] = two

    def _names(self) -> None:
        """Give each group of joined pins its net's name, where it is a supply's, crosses sheets or is in two groups."""
        groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
        net_of = {(part.ref, number): net for part in self.parts for number, net in part.pins.items()}
        for pin in net_of:
            groups.setdefault(self._find(pin), []).append(pin)
        here = [net_of[pins[0]] for pins in groups.values()]
        sheet_of = {part.ref: part.sheet for part in PARTS}
        for pins in groups.values():
            net = net_of[pins[0]]
            if not net:
                at = self._at[pins[0]]
                self.items.append(f'(no_connect (at {at.x} {at.y}) (uuid "{_id("open", *pins[0])}"))')
                continue
            wide = len({sheet_of[ref] for ref, _ in nets()[net]}) > 1
            if net in POWER:
                self._supply(net, pins)
            elif wide or here.count(net) > 1 or len(pins) > 1:
                self._label(net, pins, wide)

    def _supply(self, net: str, pins: list[tuple[str, str]]) -> None:
        seen: set[Point] = set()
        for pin in pins[:1]:
            at = self._at[pin]
            if (at.x, at.y) not in seen:
                seen.add((at.x, at.y))
                number = next(self._numbers)
                ref = f"#PWR{list(SHEETS).index(self.name) + 1}{number:02d}"
                angle = (at.away + 90) % 360 if net == "GND" else (at.away - 90) % 360
                self._symbol(_POWER_SYMBOL[net], ref, (at.x, at.y), angle, net, (at.x, at.y), away=at.away)

    def _label(self, net: str, pins: list[tuple[str, str]], wide: bool) -> None:
        # At the end of the wire that lies farthest to the right.
        ref, number = max(pins, key=lambda pin: (self._at[pin].x, pin))
        at = self._at[ref, number]
        angle = at.away if at.away in (0, 180) else 0
        justify = "right" if angle == 180 else "left"
        kind = f'global_label "{net}" (shape passive)' if wide else f'label "{net}"'
        self.items.append(
            f"({kind} (at {at.x} {at.y} {angle}) (effects (font (size 1.27 1.27)) (justify {justify}))"
            f' (uuid "{_id("label", self.name, ref, number)}"))'
        )

    def flags(self, names: tuple[str, ...]) -> None:
        """Say that these supplies come from outside, for KiCad's electrical rules."""
        for number, net in enumerate(names):
            at = _round(((48 + 7 * number) * _STEP, 32 * _STEP))
            self._symbol("power:PWR_FLAG", f"#FLG0{number + 1}", at, 0, "PWR_FLAG", at)
            angle = 0 if net == "GND" else 180
            self._symbol(_POWER_SYMBOL[net], f"#PWR9{number + 1}", at, angle, net, at, away=270)


def draw(folder: Path) -> None:
    """Write the schematic's files into the folder."""
    boxes = []
    for number, name in enumerate(SHEETS):
        sheet = _Sheet(name)
        if name == "module":
            sheet.flags(POWER)
        (folder / f"{name}.kicad_sch").write_text(sheet.text(), encoding="utf-8")
        x, y = 30 + 80 * (number % 3), 30 + 45 * (number // 3)
        font = "(effects (font (size 1.5 1.5)) (justify left"
        boxes.append(
            f"(sheet (at {x} {y}) (size 60 25) (stroke (width 0.15) (type solid)) (fill (color 255 255 255 1))"
            f' (uuid "{_id("sheet", name)}")\n'
            f'(property "Sheetname" "{name}" (at {x} {y - 1} 0) {font} bottom)))\n'
            f'(property "Sheetfile" "{name}.kicad_sch" (at {x} {y + 27} 0) {font} top)))\n'
            f'(instances (project "{_ROOT}" (path "/{_id("page", _ROOT)}" (page "{number + 2}")))))\n'
            f'(text "{SHEETS[name]}" (exclude_from_sim no) (at {x + 2} {y + 12} 0) {font}))'
            f' (uuid "{_id("text", name)}"))'
        )
    (folder / f"{_ROOT}.kicad_sch").write_text(
        f'(kicad_sch (version 20250114) (generator "siaga") (uuid "{_id("page", _ROOT)}") (paper "A4")\n'
        '(title_block (title "Siaga carrier for a LILYGO T-A7670") (rev "A"))\n(lib_symbols)\n'
        + "\n".join(boxes)
        + '\n(sheet_instances (path "/" (page "1")))\n)\n',
        encoding="utf-8",
    )
