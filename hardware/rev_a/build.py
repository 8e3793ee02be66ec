"""Makes and checks everything of the carrier, revision A, into build/hardware: `make hardware`.

Python >= 3.11 without any package; KiCad's own Python is called for the board. With --route the tracks are found anew,
which is needed after a change of circuit.py or placement.py (some minutes).
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

import schematic
import simulation
import stamp
from board_facts import differences
from circuit import PARTS
from controls import controls

_HERE: Final = Path(__file__).parent
_NAME: Final = "siaga_rev_a"
_PYTHON: Final = "/usr/bin/python3"  # the one that KiCad's module is for
_LIMIT_S: Final = 300
_ROUTING_LIMIT_S: Final = 3000
_LAYERS: Final = "F.Cu,B.Cu,F.Mask,B.Mask,F.Silkscreen,B.Silkscreen,F.Paste,Edge.Cuts"


def _run(folder: Path, *command: str, limit_s: int = _LIMIT_S) -> None:
    """Run a program in the folder. Raises SystemExit with what it said if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=limit_s, check=False)
    if done.returncode:
        report = folder / "report.txt"
        found = report.read_text(encoding="utf-8")[:4000] if report.exists() else ""
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}{found}")


def _erc(folder: Path) -> None:
    _run(
        folder,
        "kicad-cli",
        "sch",
        "erc",
        "--severity-error",
        "--exit-code-violations",
        "-o",
        "report.txt",
        f"{_NAME}.kicad_sch",
    )


def _drc(folder: Path) -> None:
    """0 errors, 0 unconnected, and the board is the schematic's. KiCad takes another board than the schematic's for a
    warning only: so its report is read."""
    rules = ("--schematic-parity", "--severity-all", "--format", "json")
    _run(folder, "kicad-cli", "pcb", "drc", *rules, "-o", "drc.json", f"{_NAME}.kicad_pcb")
    report = json.loads((folder / "drc.json").read_text(encoding="utf-8"))
    found = [each for each in report["violations"] if each["severity"] == "error"]
    found += report["unconnected_items"] + report["schematic_parity"]
    if found:
        raise SystemExit("\n".join(f"{each['type']}: {each['description']}" for each in found[:40]))


def _draw(folder: Path, *, route: bool) -> None:
    schematic.draw(folder)
    _erc(folder)
    _run(folder, "kicad-cli", "sch", "export", "netlist", "-o", "netlist.net", f"{_NAME}.kicad_sch")
    routing = ("--route",) if route else ()
    limit_s = _ROUTING_LIMIT_S if route else _LIMIT_S
    _run(folder, _PYTHON, str(_HERE / "board.py"), str(folder), *routing, limit_s=limit_s)
    _drc(folder)
    wrong = differences(folder / "netlist.net", folder / f"{_NAME}.kicad_pcb")
    if wrong:
        raise SystemExit("\n".join(wrong))


def bill() -> list[list[str]]:
    """Return the bill of materials: a row for each thing that is ordered."""
    rows: dict[tuple[str, str], list[str]] = {}
    for part in PARTS:
        if part.order is not None:
            key = (part.order.number, part.footprint)
            row = rows.setdefault(
                key,
                [
                    "",
                    "0",
                    part.value,
                    part.footprint.split(":")[1],
                    part.order.maker,
                    part.order.number,
                    part.order.document,
                    part.order.second,
                ],
            )
            row[0] = f"{row[0]} {part.ref}".strip()
            row[1] = str(int(row[1]) + 1)
    return list(rows.values())


def _outputs(folder: Path, out: Path) -> None:
    gerbers = out / "gerbers"
    gerbers.mkdir(parents=True)
    pcb, sch = str(folder / f"{_NAME}.kicad_pcb"), str(folder / f"{_NAME}.kicad_sch")
    _run(folder, "kicad-cli", "pcb", "export", "gerbers", "--layers", _LAYERS, "-o", str(gerbers), pcb)
    _run(folder, "kicad-cli", "pcb", "export", "drill", "-o", f"{gerbers}/", pcb)
    positions = ("--format", "csv", "--units", "mm", "--side", "both", "-o", str(out / "positions.csv"))
    _run(folder, "kicad-cli", "pcb", "export", "pos", *positions, pcb)
    _run(folder, "kicad-cli", "sch", "export", "pdf", "-o", str(out / "schematic.pdf"), sch)
    for side in ("top", "bottom"):
        size = ("--width", "1400", "--height", "1500", "--background", "opaque")
        _run(folder, "kicad-cli", "pcb", "render", "--side", side, *size, "-o", str(out / f"board-{side}.png"), pcb)
    _run(folder, "kicad-cli", "pcb", "export", "step", "--board-only", "--force", "-o", str(out / "board.step"), pcb)
    with (out / "bom.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["refs", "quantity", "value", "package", "maker", "number", "document", "second source"])
        writer.writerows(bill())
    # An independent reader looks at what goes to the factory.
    layers = [str(next(gerbers.glob(f"*{end}"))) for end in (".drl", "-F_Cu.gtl", "-Edge_Cuts.gm1")]
    _run(folder, "gerbv", "--export=png", "--dpi=600", f"--output={out / 'gerbers-top.png'}", *layers)


def _archive(out: Path, files: Iterable[Path]) -> None:
    with zipfile.ZipFile(out / f"{_NAME}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files):
            archive.write(file, file.relative_to(out))


def main(arguments: list[str]) -> None:
    """Build, check, show that each check can fail, and pack."""
    out = _HERE.parents[1] / "build" / "hardware"
    sources = stamp.digest("hardware")
    if out.exists():
        shutil.rmtree(out)
    folder = out / "kicad"
    folder.mkdir(parents=True)
    _draw(folder, route="--route" in arguments)
    print("schematic and board: ERC 0, DRC 0, 0 unconnected, in parity")
    figures = simulation.main()
    print("\n".join(figures))
    (out / "simulation.txt").write_text("\n".join(figures) + "\n", encoding="utf-8")
    for line in controls(folder, out / "controls", _erc, _drc):
        print(line)
    # New tracks are other sources: they are noted by the run that finds nothing to change.
    if stamp.digest("hardware") == sources:
        stamp.note("hardware", sources)
    _outputs(folder, out)
    shutil.copy(_HERE / "ORDER.md", out)  # whoever gets the archive reads what is not proven
    _archive(out, [file for file in out.rglob("*") if file.is_file() and "controls" not in file.parts])
    print(f"all outputs: {out.relative_to(_HERE.parents[1])}/{_NAME}.zip")


if __name__ == "__main__":
    main(sys.argv[1:])
