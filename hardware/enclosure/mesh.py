"""What a printer gets: triangles. Whether they close, how thick the walls between them are, what hangs in the air."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, Final

import cadquery as cq
import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
_FINE: Final = 0.08
_SLOPE: Final = -0.75  # of a normal: a little beyond 45 degrees


@dataclass(frozen=True)
class Mesh:
    """corners: (triangle, corner, coordinate), mm, outside counter-clockwise."""

    corners: Floats

    @property
    def normals(self) -> Floats:
        """Of unit length, outwards."""
        one, two, three = (self.corners[:, each] for each in range(3))
        across = np.cross(two - one, three - one)
        length = np.linalg.norm(across, axis=1, keepdims=True)
        return across / np.where(length > 0, length, 1)

    @property
    def areas(self) -> Floats:
        one, two, three = (self.corners[:, each] for each in range(3))
        return np.linalg.norm(np.cross(two - one, three - one), axis=1) / 2


def mesh_of(part: cq.Workplane) -> Mesh:
    points, triangles = part.val().tessellate(_FINE, 0.2)
    places = np.array([(point.x, point.y, point.z) for point in points])
    corners = places[np.array(triangles)]
    whole = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) > 1e-9
    return Mesh(corners[whole])


def open_edges(mesh: Mesh) -> int:
    """Return how many edges do not join exactly two triangles, each running its own way: 0 = watertight."""
    names = np.round(mesh.corners, 4)
    edges: Counter[tuple[Any, Any]] = Counter()
    for triangle in names:
        corner = [tuple(point) for point in triangle]
        for one, two in zip(corner, corner[1:] + corner[:1], strict=True):
            edges[one, two] += 1
    return sum(times != edges[two, one] for (one, two), times in edges.items())


def thinnest(mesh: Mesh, samples: int = 1500) -> tuple[float, tuple[float, ...]]:
    """Return the thinnest wall that was met, and where: from evenly chosen places on the surface straight inwards."""
    areas, normals = mesh.areas, mesh.normals
    # Evenly by area, and no chance in it: two runs say the same.
    marks = (np.arange(samples) + 0.5) * areas.sum() / samples
    chosen = np.searchsorted(np.cumsum(areas), marks)
    low, place = np.inf, (0.0, 0.0, 0.0)
    one = mesh.corners[:, 0]
    side, other = mesh.corners[:, 1] - one, mesh.corners[:, 2] - one
    for triangle in np.unique(chosen):
        inwards = -normals[triangle]
        start = mesh.corners[triangle].mean(axis=0) + inwards * 1e-4
        ahead = np.cross(inwards, other)
        slope = (side * ahead).sum(axis=1)
        facing = slope < -1e-9  # leaving the solid, seen from inside
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.where(facing, 1 / slope, 0)
            away = start - one
            first = (away * ahead).sum(axis=1) * inverse
            turned = np.cross(away, side)
            second = (turned @ inwards) * inverse
            far = (other * turned).sum(axis=1) * inverse
        hit = facing & (first >= 0) & (second >= 0) & (first + second <= 1) & (far > 1e-3)
        opposite = hit & ((normals @ inwards) > 0.9)
        if opposite.any() and (nearest := far[opposite].min()) < low and nearest <= far[hit].min() + 1e-6:
            low, place = float(nearest), tuple(float(each) for each in np.round(start, 1))
    return low, place


def hanging(mesh: Mesh, up: int) -> list[tuple[float, tuple[float, ...]]]:
    """Return the patches that are printed over air, as (its narrower side, middle), mm.

    up: 1 prints with z upwards, -1 with the part turned over. What lies on the plate is none.
    """
    normals, corners = mesh.normals, mesh.corners
    heights = corners[:, :, 2] * up
    plate = heights.min()
    over_air = (normals[:, 2] * up < _SLOPE) & (heights.max(axis=1) > plate + 0.9)
    patches: list[set[int]] = []
    by_corner: defaultdict[Any, list[int]] = defaultdict(list)
    for triangle in np.flatnonzero(over_air):
        for point in np.round(corners[triangle], 3):
            by_corner[tuple(point)].append(int(triangle))
    left = set(map(int, np.flatnonzero(over_air)))
    while left:
        ahead, patch = [left.pop()], set()
        while ahead:
            triangle = ahead.pop()
            patch.add(triangle)
            for point in np.round(corners[triangle], 3):
                ahead += [each for each in by_corner[tuple(point)] if each in left]
                left -= set(by_corner[tuple(point)])
        patches.append(patch)
    found = []
    for patch in patches:
        points = corners[sorted(patch)].reshape(-1, 3)
        size = points.max(axis=0) - points.min(axis=0)
        found.append((float(min(size[0], size[1])), tuple(float(each) for each in np.round(points.mean(axis=0), 1))))
    return found
