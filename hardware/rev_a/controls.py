"""Shows that the checks can fail: one mistake at a time is put into a copy, and each has to be found."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from board_facts import differences

_NAME: Final = "siaga_rev_a"
Check = Callable[[Path], None]
Change = Callable[[str], str]


def _put(pattern: str, put: str) -> Change:
    def change(text: str) -> str:
        changed, count = re.subn(pattern, put, text, count=1, flags=re.DOTALL)
        if not count:
            raise SystemExit(f"control: nothing looks like {pattern}")
        return changed

    return change


def _longest_track(text: str) -> str:
    """The track that no other one could stand in for: KiCad lists them by random identifiers, and the first may be one
    of a quarter of a millimetre, or of the ground, which is poured as well."""
    ground = re.search(r'\(net (\d+) "GND"\)', text)
    assert ground is not None
    tracks = (each[0] for each in re.finditer(r"\t\(segment\n.*?\n\t\)\n", text, re.DOTALL))
    return max((track for track in tracks if f"(net {ground[1]})" not in track), key=_length)


def _length(track: str) -> float:
    start, end = (tuple(map(float, each)) for each in re.findall(r"\((?:start|end) (\S+) (\S+)\)", track))
    return math.dist(start, end)


def _without_a_track(text: str) -> str:
    return text.replace(_longest_track(text), "", 1)


def _with_a_wide_track(text: str) -> str:
    track = _longest_track(text)
    return text.replace(track, re.sub(r"\(width \S+\)", "(width 3)", track), 1)


def _fails(check: Check, folder: Path) -> bool:
    try:
        check(folder)
    except SystemExit:
        return True
    return False


def _compared(folder: Path) -> None:
    if differences(folder / "netlist.net", folder / f"{_NAME}.kicad_pcb"):
        raise SystemExit("differs")


def controls(good: Path, scratch: Path, erc: Check, drc: Check) -> Iterator[str]:
    """Yield a line for each control. Raises SystemExit for one whose mistake is not found."""
    board, sheet = f"{_NAME}.kicad_pcb", "button.kicad_sch"
    mistakes = (
        ("ERC: a wire of the button is missing", sheet, _put(r"\(wire [^\n]*\n", ""), erc),
        ("DRC: a track is missing", board, _without_a_track, drc),
        ("DRC: a track made 3 mm wide", board, _with_a_wide_track, drc),
        (
            "parity: a part of the schematic is not on the board",
            board,
            _put(r'\t\(footprint "TestPoint:.*?\n\t\)\n', ""),
            drc,
        ),
        ("places: a socket turned round", board, _put(r"\(at 130\.48 60 180\)", "(at 130.48 60)"), _compared),
        (
            "places: the button is not under its opening",
            board,
            _put(r"\(at 108\.99 69\.5\)", "(at 109.99 69.5)"),
            _compared,
        ),
        (
            "nets: two pins of a header exchanged",
            board,
            _put(r'\(pad "5" (thru_hole.*?)\(pad "6" ', r'(pad "6" \1(pad "5" '),
            _compared,
        ),
    )
    for number, (what, file, changed, check) in enumerate(mistakes):
        folder = scratch / str(number)
        shutil.copytree(good, folder)
        path = folder / file
        path.write_text(changed(path.read_text(encoding="utf-8")), encoding="utf-8")
        if not _fails(check, folder):
            raise SystemExit(f"control not found: {what}")
        yield f"found, as it has to be: {what}"
