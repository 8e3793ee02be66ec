"""Makes and checks the enclosures into build/enclosure: `make enclosure`. Python with CadQuery (requirements.lock)."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import cadquery as cq
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import checks
import stamp
from measures import CARRIED, WALL, Measures
from mesh import Mesh, mesh_of, open_edges, thinnest
from pictures import pictures
from solids import back, lid, parts

_OUT: Final = Path(__file__).parents[2] / "build" / "enclosure"
_PETG_G_CM3: Final = 1.27


def _read_stl(path: Path) -> Mesh:
    """The triangles of a binary STL file, as a printer's program reads them."""
    raw = path.read_bytes()
    count = int.from_bytes(raw[80:84], "little")
    if len(raw) != 84 + 50 * count:
        raise SystemExit(f"{path.name}: {len(raw)} bytes for {count} triangles")
    kind = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])
    return Mesh(np.frombuffer(raw, kind, offset=84)["corners"].astype(np.float64))


def _written(m: Measures, made: dict[str, cq.Workplane]) -> Iterator[str]:
    """Write STL and STEP of each part, read both back, and yield a line for each."""
    for name, part in made.items():
        stl, step = _OUT / f"{m.name}-{name}.stl", _OUT / f"{m.name}-{name}.step"
        cq.exporters.export(part, str(stl), tolerance=0.05, angularTolerance=0.2)
        cq.exporters.export(part, str(step))
        mesh = _read_stl(stl)
        if count := open_edges(mesh):
            raise SystemExit(f"{stl.name}: {count} open edges")
        volume = part.val().Volume()
        again = cq.importers.importStep(str(step)).val().Volume()
        if abs(again - volume) > 0.001 * volume:
            raise SystemExit(f"{step.name}: {again:.0f} mm3 instead of {volume:.0f}")
        box = part.val().BoundingBox()
        yield (
            f"{m.name} {name}: {box.xlen:.1f} x {box.ylen:.1f} x {box.zlen:.1f} mm, {volume / 1000:.1f} cm3, "
            f"{volume / 1000 * _PETG_G_CM3:.0f} g of PETG if solid, thinnest wall {thinnest(mesh)[0]:.2f} mm"
        )


def _controls(made: dict[str, cq.Workplane]) -> Iterator[str]:
    """Yield a line for each mistake that is found. Raises SystemExit for one that is not."""
    moved = tuple((x + 1.5, y) for x, y in WALL.holes)
    mesh = mesh_of(made["lid"])
    thin = replace(WALL, lid=1.0)
    close = replace(WALL, z=(-24.0, 23.0))
    mistakes = {
        "posts 1.5 mm beside the boards' holes": lambda: checks.holds(WALL, back(replace(WALL, holes=moved))),
        "the light's window 3 mm off": lambda: checks.shows(WALL, lid(replace(WALL, light=(18.3, 24.0)))),
        "a lid of 1 mm": lambda: checks.printable("lid", lid(thin)),
        "1 mm less behind the cell": lambda: checks.air({"back": back(close)}),
        "a triangle is missing": lambda: ["open"] if open_edges(Mesh(mesh.corners[1:])) else [],
        "the lid printed the wrong way up": lambda: checks.overhangs(mesh, 1),
        "the antenna beside the carrier": lambda: checks.antennas(replace(WALL, lte_from=(-6.0, 2.0))),
        "the GNSS antenna out of its cable's reach": lambda: checks.antennas(replace(WALL, gnss_at=(15.0, -12.0))),
        "a case too narrow for the carrier": lambda: checks.fits(WALL, {"back": back(replace(WALL, x=(-8.0, 41.2)))}),
    }
    for what, check in mistakes.items():
        found = list(check())
        if not found:
            raise SystemExit(f"control not found: {what}")
        yield f"found, as it has to be: {what} ({found[0]})"


def main(arguments: list[str]) -> None:
    """Build, check, show that each check can fail, draw, and pack. --quick: without pictures."""
    sources = stamp.digest("enclosure")
    if _OUT.exists():
        shutil.rmtree(_OUT)
    _OUT.mkdir(parents=True)
    lines = []
    for m in (WALL, CARRIED):
        made = parts(m)
        if wrong := list(checks.wrong_of(m, made)):
            raise SystemExit("\n".join(wrong))
        lines += _written(m, made)
        print("\n".join(lines[-len(made) :]), flush=True)
        if m is WALL:
            lines += _controls(made)
            print("\n".join(line for line in lines if line.startswith("found")), flush=True)
        if "--quick" not in arguments:
            pictures(m, made, _OUT)
    lines += [f"in full sun at 40 C: {colour} {hot:.0f} C" for colour, hot in checks.heats().items()]
    (_OUT / "results.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with zipfile.ZipFile(_OUT / "siaga_enclosure.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(_OUT.glob("*.*")):
            if file.suffix != ".zip":
                archive.write(file, file.name)
    print("\n".join(lines[-3:]))
    stamp.note("enclosure", sources)
    print("all outputs: build/enclosure/siaga_enclosure.zip")


if __name__ == "__main__":
    main(sys.argv[1:])
