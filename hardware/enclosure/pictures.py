"""Pictures of the enclosures: shaded, from a point of view, without a screen (VTK, which comes with CadQuery)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cadquery as cq
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  # the renderer registers itself
from measures import CARRIER, LIGHT, Measures
from solids import cell, contents, gnss_antenna, lte_antenna
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData, vtkTriangle
from vtkmodules.vtkFiltersCore import vtkFeatureEdges, vtkPolyDataNormals
from vtkmodules.vtkIOImage import vtkPNGWriter
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkPolyDataMapper,
    vtkRenderer,
    vtkRenderWindow,
    vtkWindowToImageFilter,
)

_LINE: Final = (0.15, 0.17, 0.2)
_PRINTED: Final = (0.90, 0.91, 0.93)


@dataclass(frozen=True)
class Item:
    """What is seen: a solid, its colour, how far it is lifted towards the viewer (mm), and how solid it looks."""

    solid: cq.Workplane
    colour: tuple[float, float, float]
    lifted: float = 0.0
    opaque: float = 1.0


def _data(item: Item) -> vtkPolyData:
    points, triangles = item.solid.val().tessellate(0.1, 0.2)
    places, cells = vtkPoints(), vtkCellArray()
    for point in points:
        places.InsertNextPoint(point.x, point.y, point.z + item.lifted)
    for corners in triangles:
        triangle = vtkTriangle()
        for number, corner in enumerate(corners):
            triangle.GetPointIds().SetId(number, corner)
        cells.InsertNextCell(triangle)
    data = vtkPolyData()
    data.SetPoints(places)
    data.SetPolys(cells)
    return data


def _actors(item: Item) -> tuple[vtkActor, vtkActor]:
    normals = vtkPolyDataNormals()
    normals.SetInputData(_data(item))
    normals.SetFeatureAngle(30)
    surface, lines = vtkActor(), vtkActor()
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(normals.GetOutputPort())
    surface.SetMapper(mapper)
    surface.GetProperty().SetColor(*item.colour)
    surface.GetProperty().SetOpacity(item.opaque)
    surface.GetProperty().SetAmbient(0.25)
    surface.GetProperty().SetDiffuse(0.75)
    edges = vtkFeatureEdges()
    edges.SetInputData(_data(item))
    edges.SetFeatureAngle(30)
    edges.ManifoldEdgesOff()
    edges.ColoringOff()
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(edges.GetOutputPort())
    lines.SetMapper(mapper)
    lines.GetProperty().SetColor(*_LINE)
    lines.GetProperty().SetLineWidth(1.5)
    return surface, lines


def shown(items: list[Item], path: Path, view: tuple[float, float, float], size: tuple[int, int] = (560, 720)) -> None:
    """Draw the items as PNG. view: from where, in the direction x, y, z of CadQuery's axes."""
    renderer = vtkRenderer()
    renderer.SetBackground(1, 1, 1)
    for item in items:
        for actor in _actors(item):
            renderer.AddActor(actor)
    camera = renderer.GetActiveCamera()
    camera.SetParallelProjection(True)
    camera.SetPosition(*view)
    camera.SetFocalPoint(0, 0, 0)
    camera.SetViewUp(0, 1, 0)
    renderer.ResetCamera()
    camera.Zoom(1.06)
    window = vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(4)
    window.SetSize(*size)
    window.AddRenderer(renderer)
    window.Render()
    image = vtkWindowToImageFilter()
    image.SetInput(window)
    writer = vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputConnection(image.GetOutputPort())
    writer.Write()


_COLOURS: Final = {"the carrier": (0.16, 0.42, 0.22), "T-A7670's board": (0.12, 0.12, 0.14)}


def _inside(m: Measures, lifts: tuple[float, float]) -> list[Item]:
    """The boards and antennas. lifts: of the module, of the carrier."""
    above = {"the carrier", *(box.name for box in CARRIER)}
    items = [
        Item(solid, _COLOURS.get(name, (0.55, 0.57, 0.6)), lifts[name in above])
        for name, solid in contents(m).items()
        if not name.startswith(("panel", "charging", "its USB-C, V1.0"))
    ]
    light = cq.Workplane().circle(2.5).extrude(9).translate((LIGHT[0], -LIGHT[1], 12.6))
    items.append(Item(light, (0.95, 0.5, 0.1), lifts[1]))
    items.append(Item(cell(), (0.2, 0.45, 0.75), lifts[0]))
    return items


def pictures(m: Measures, made: dict[str, cq.Workplane], folder: Path) -> list[Path]:
    """Draw the enclosure: closed, from behind, open, and its parts one above the other."""
    colours = {"guard": (0.85, 0.15, 0.12), "cap": (0.85, 0.15, 0.12), "charge_plug": (0.3, 0.3, 0.32)}
    whole = [Item(part, colours.get(name, _PRINTED)) for name, part in made.items()]
    if m.panel:
        knob = cq.Workplane().circle(9).extrude(4).translate((m.panel_at[0], -m.panel_at[1], m.front))
        whole.append(Item(knob, (0.85, 0.15, 0.12)))
    back = Item(made["back"], _PRINTED)
    antennas = [Item(lte_antenna(m), (0.95, 0.95, 0.8)), Item(gnss_antenna(m), (0.75, 0.65, 0.45), 95)]
    layers = [back, *_inside(m, (45, 75)), antennas[0]]
    layers += [Item(part, colours.get(name, _PRINTED), 130) for name, part in made.items() if name in ("lid", "guard")]
    layers += [Item(part, colours["cap"], 100) for name, part in made.items() if name == "cap"]
    drawn = {
        "front": (whole, (0.55, 0.35, 1.0)),
        "behind": (whole, (0.5, 0.3, -1.0)),
        "open": ([back, *_inside(m, (0, 0)), antennas[0]], (0.25, -0.25, 1.0)),
        "layers": ([*layers, antennas[1]], (1.0, 0.25, 0.55)),
        "lid": ([Item(made["lid"], _PRINTED), Item(gnss_antenna(m), (0.75, 0.65, 0.45))], (0.3, 0.2, -1.0)),
    }
    paths = []
    for name, (items, view) in drawn.items():
        if not m.on_wall and name in ("behind", "open", "lid"):
            continue  # as on the wall
        paths.append(folder / f"{m.name}-{name}.png")
        shown(items, paths[-1], view)
    return paths
