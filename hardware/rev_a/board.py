"""Makes the board with KiCad's own Python (/usr/bin/python3): places parts, lays tracks, pours the ground."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import pcbnew
from circuit import PARTS
from expressions import child, children, read
from placement import HOLES, NAMES, OUTLINE, PAGE, PLACES, TITLE, WORDS
from router import Pad, Router
from schematic import path_of

_LIBRARIES: Final = Path("/usr/share/kicad/footprints")
_TRACKS: Final = Path(__file__).with_name("tracks.json")
# Thick tracks, mm: what carries the module's, the motor's and the radio's currents.
WIDE: Final = {
    "+3V3": 0.6,
    "VBUS": 0.6,
    "/supply/VBUS_IN": 0.6,
    "/supply/VBUS_F": 0.6,
    "+BATT": 0.6,
    "GND": 0.4,
    "/signals/MOTOR_N": 0.4,
    "/signals/BUZZER_N": 0.4,
}


def _point(x: float, y: float) -> Any:
    return pcbnew.VECTOR2I(round((x + PAGE[0]) * 1e6), round((y + PAGE[1]) * 1e6))  # nm


def net_names(netlist: Path) -> dict[tuple[str, str], str]:
    """Return the schematic's name for the net of each (part, pin)."""
    tree = read(netlist.read_text(encoding="utf-8"))
    return {
        (child(node, "ref")[1], child(node, "pin")[1]): child(net, "name")[1]
        for net in children(child(tree, "nets"), "net")
        for node in children(net, "node")
    }


def _named(footprint: Any, ref: str, x: float, y: float, angle: int) -> None:
    """Put the name where whoever solders sees which part it means: above small parts."""
    text = footprint.Reference()
    if ref[0] in "RC":
        long = "1206" in footprint.GetFPIDAsString()
        above = {False: (1.1, 2.0), True: (1.4, 2.7)}[long][angle in (90, 270)]
        text.SetPosition(_point(x, y - above))
        text.SetTextSize(pcbnew.VECTOR2I(pcbnew.FromMM(0.7), pcbnew.FromMM(0.7)))
        text.SetTextThickness(pcbnew.FromMM(0.12))
        text.SetTextAngleDegrees(0)
        text.SetKeepUpright(True)
    elif ref in NAMES:
        text.SetPosition(_point(*NAMES[ref]))


def _placed(board: Any, names: dict[tuple[str, str], str]) -> None:
    nets = {}
    for name in sorted(set(names.values())):
        nets[name] = pcbnew.NETINFO_ITEM(board, name)
        board.Add(nets[name])
    for part in PARTS:
        library, name = part.footprint.split(":")
        footprint = pcbnew.FootprintLoad(str(_LIBRARIES / f"{library}.pretty"), name)
        footprint.SetFPID(pcbnew.LIB_ID(library, name))
        footprint.SetReference(part.ref)
        footprint.SetValue(part.value)
        footprint.SetPath(pcbnew.KIID_PATH(path_of(part)))
        x, y, angle, below = PLACES[part.ref]
        footprint.SetPosition(_point(x, y))
        board.Add(footprint)
        if below:
            footprint.Flip(_point(x, y), pcbnew.FLIP_DIRECTION_LEFT_RIGHT)
        footprint.SetOrientationDegrees(angle)
        _named(footprint, part.ref, x, y, angle)
        if part.order is None:
            footprint.SetAttributes(footprint.GetAttributes() | pcbnew.FP_EXCLUDE_FROM_BOM)
        for pad in footprint.Pads():
            if (part.ref, pad.GetNumber()) in names:
                pad.SetNet(nets[names[part.ref, pad.GetNumber()]])
    for number, (x, y) in enumerate(HOLES, 1):
        hole = pcbnew.FootprintLoad(str(_LIBRARIES / "MountingHole.pretty"), "MountingHole_3.2mm_M3")
        hole.SetReference(f"H{number}")
        hole.SetAttributes(pcbnew.FP_BOARD_ONLY | pcbnew.FP_EXCLUDE_FROM_BOM | pcbnew.FP_EXCLUDE_FROM_POS_FILES)
        hole.Reference().SetVisible(False)
        hole.SetPosition(_point(x, y))
        board.Add(hole)


def _drawn(board: Any) -> None:
    for one, two in zip(OUTLINE, (*OUTLINE[1:], OUTLINE[0]), strict=True):
        line = pcbnew.PCB_SHAPE(board, pcbnew.SHAPE_T_SEGMENT)
        line.SetStart(_point(*one))
        line.SetEnd(_point(*two))
        line.SetLayer(pcbnew.Edge_Cuts)
        line.SetWidth(pcbnew.FromMM(0.1))
        board.Add(line)
    for text, x, y, angle, size in (
        *((words, x, y, angle, 0.8) for words, x, y, angle in WORDS.values()),
        (*TITLE, 0, 1.0),
    ):
        item = pcbnew.PCB_TEXT(board)
        item.SetText(text)
        item.SetPosition(_point(x, y))
        item.SetTextSize(pcbnew.VECTOR2I(pcbnew.FromMM(size), pcbnew.FromMM(size)))
        item.SetTextThickness(pcbnew.FromMM(0.13))
        item.SetTextAngleDegrees(angle)
        item.SetLayer(pcbnew.F_SilkS)
        board.Add(item)


def _pads(board: Any) -> tuple[list[Pad], list[tuple[float, float, float]]]:
    pads, holes = [], []
    for pad in board.GetPads():
        box = pad.GetBoundingBox()
        x, y = pcbnew.ToMM(box.GetCenter().x) - PAGE[0], pcbnew.ToMM(box.GetCenter().y) - PAGE[1]
        size = pcbnew.ToMM(box.GetWidth()), pcbnew.ToMM(box.GetHeight())
        if pad.GetAttribute() == pcbnew.PAD_ATTRIB_NPTH:
            holes.append((x, y, size[0]))
            continue
        layers = tuple(n for n, layer in enumerate((pcbnew.F_Cu, pcbnew.B_Cu)) if pad.IsOnLayer(layer))
        net = pad.GetNetname()
        pads.append(Pad("" if net.startswith("unconnected-") else net, (x, y, *size), layers))
    return pads, holes


def _poured(board: Any) -> None:
    for layer in (pcbnew.F_Cu, pcbnew.B_Cu):
        zone = pcbnew.ZONE(board)
        zone.SetLayer(layer)
        zone.SetNet(board.FindNet("GND"))
        chain = zone.Outline()
        chain.NewOutline()
        for x, y in OUTLINE:
            chain.Append(_point(x, y))
        zone.SetLocalClearance(pcbnew.FromMM(0.2))
        zone.SetMinThickness(pcbnew.FromMM(0.2))
        zone.SetThermalReliefGap(pcbnew.FromMM(0.25))
        zone.SetThermalReliefSpokeWidth(pcbnew.FromMM(0.5))
        if layer == pcbnew.F_Cu:  # in pieces, too small for spokes; the heat of soldering stays in them
            zone.SetPadConnection(pcbnew.ZONE_CONNECTION_FULL)
        zone.SetIslandRemovalMode(pcbnew.ISLAND_REMOVAL_MODE_ALWAYS)
        board.Add(zone)


def _laid(board: Any) -> None:
    laid = json.loads(_TRACKS.read_text(encoding="utf-8"))
    for net, layer, width, x1, y1, x2, y2 in laid["tracks"]:
        track = pcbnew.PCB_TRACK(board)
        track.SetStart(_point(x1, y1))
        track.SetEnd(_point(x2, y2))
        track.SetWidth(pcbnew.FromMM(width))
        track.SetLayer(pcbnew.B_Cu if layer else pcbnew.F_Cu)
        track.SetNet(board.FindNet(net))
        board.Add(track)
    for net, x, y in laid["vias"]:
        via = pcbnew.PCB_VIA(board)
        via.SetPosition(_point(x, y))
        via.SetWidth(pcbnew.FromMM(0.6))
        via.SetDrill(pcbnew.FromMM(0.3))
        via.SetNet(board.FindNet(net))
        board.Add(via)


def _route(board: Any) -> None:
    """Find the tracks anew and keep them. Raises SystemExit with the nets for which there was no way."""
    pads, holes = _pads(board)
    routed = Router(pads, OUTLINE, holes, WIDE).route()
    if routed.failed:
        raise SystemExit(f"no way was found for {', '.join(routed.failed)}: place their parts anew (placement.py)")
    lines = {"tracks": routed.tracks, "vias": routed.vias}
    text = ",\n".join(
        f'"{kind}": [\n' + ",\n".join(json.dumps(item) for item in items) + "\n]" for kind, items in lines.items()
    )
    _TRACKS.write_text("{\n" + text + "\n}\n", encoding="utf-8")


def main(folder: Path, *, route: bool) -> None:
    """Write siaga_rev_a.kicad_pcb into the folder, in which the schematic's netlist.net is. route: with new tracks."""
    board = pcbnew.NewBoard(str(folder / "siaga_rev_a.kicad_pcb"))
    board.SetCopperLayerCount(2)
    _placed(board, net_names(folder / "netlist.net"))
    _drawn(board)
    if route:
        _route(board)
    _laid(board)
    _poured(board)
    path = str(folder / "siaga_rev_a.kicad_pcb")
    pcbnew.SaveBoard(path, board)
    board = pcbnew.LoadBoard(path)  # only a board that was loaded knows the rules that the filling has to keep
    board.BuildConnectivity()
    pcbnew.ZONE_FILLER(board).Fill(board.Zones())
    pcbnew.SaveBoard(path, board)


if __name__ == "__main__":
    main(Path(sys.argv[1]), route="--route" in sys.argv)
