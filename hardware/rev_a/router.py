"""A router for this board: A* on a grid of two layers, net by net; what stands in the way is ripped up and comes again.

Pure: it is given pads and obstacles and gives tracks and vias, mm.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_STEP: Final = 0.25
_CLEARANCE: Final = 0.24  # 0.2 by the rules, and what a diagonal comes closer between two points of the grid
_VIA_MM: Final = 0.6
_VIA_COST: Final = 14.0
_LAYER_COST: Final = (1.0, 1.25)  # the underside is for ground
_CROSSING: Final = 25.0
_THIN, _THICK = 0.25, 0.6
_MOVES: Final = tuple(
    (dx, dy, 1.0 if 0 in (dx, dy) else 1.4142)
    for dx, dy in itertools.product((-1, 0, 1), repeat=2)
    if (dx, dy) != (0, 0)
)
Node = tuple[int, int, int]  # layer, column, row
Box = tuple[float, float, float, float]  # x, y of the middle, width, height


@dataclass(frozen=True)
class Pad:
    """net: "" = an obstacle. layers: 0 = top, 1 = underside."""

    net: str
    box: Box
    layers: tuple[int, ...]


@dataclass
class Routed:
    """tracks: (net, layer, width, x1, y1, x2, y2); vias: (net, x, y)."""

    tracks: list[tuple[str, int, float, float, float, float, float]] = field(default_factory=list)
    vias: list[tuple[str, float, float]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Router:
    """outline: corners of the board; holes: (x, y, diameter), no copper; wide: nets of thick tracks, their width."""

    def __init__(
        self,
        pads: list[Pad],
        outline: tuple[tuple[float, float], ...],
        holes: list[tuple[float, float, float]],
        wide: dict[str, float],
    ) -> None:
        self._pads = pads
        self._wide = wide
        self._left = min(x for x, _ in outline)
        self._top = min(y for _, y in outline)
        self._columns = int((max(x for x, _ in outline) - self._left) / _STEP) + 1
        self._rows = int((max(y for _, y in outline) - self._top) / _STEP) + 1
        # By half width: node -> the only net that may pass, "" = none.
        self._fixed: dict[float, dict[Node, str]] = {_THIN / 2: {}, _THICK / 2: {}}
        self._taken: dict[float, dict[Node, set[str]]] = {_THIN / 2: {}, _THICK / 2: {}}
        self._paths: dict[str, list[list[Node]]] = {}
        self._marks: dict[str, list[tuple[float, Node]]] = {}
        self._worn: dict[Node, float] = {}
        for half in self._fixed:
            self._fence(half, outline, holes)
            for pad in pads:
                self._block(half, pad)

    def _at(self, column: int, row: int) -> tuple[float, float]:
        return round(self._left + column * _STEP, 4), round(self._top + row * _STEP, 4)

    def _inside(self, box: Box, more: float) -> Iterator[tuple[int, int]]:
        x, y, width, height = box
        reach_x, reach_y = width / 2 + more, height / 2 + more
        for column in range(int((x - reach_x - self._left) / _STEP), int((x + reach_x - self._left) / _STEP) + 2):
            for row in range(int((y - reach_y - self._top) / _STEP), int((y + reach_y - self._top) / _STEP) + 2):
                at_x, at_y = self._at(column, row)
                far = (max(abs(at_x - x) - width / 2, 0.0), max(abs(at_y - y) - height / 2, 0.0))
                if 0 <= column < self._columns and 0 <= row < self._rows and far[0] ** 2 + far[1] ** 2 < more**2 + 1e-9:
                    yield column, row

    def _fence(
        self, half: float, outline: tuple[tuple[float, float], ...], holes: list[tuple[float, float, float]]
    ) -> None:
        for (x1, y1), (x2, y2) in zip(outline, (*outline[1:], outline[0]), strict=True):
            edge = ((x1 + x2) / 2, (y1 + y2) / 2, abs(x1 - x2), abs(y1 - y2))
            for column, row in self._inside(edge, half + 0.52):
                self._fixed[half][0, column, row] = self._fixed[half][1, column, row] = ""
        for x, y, diameter in holes:
            for column, row in self._inside((x, y, 0, 0), diameter / 2 + half + 0.3):
                self._fixed[half][0, column, row] = self._fixed[half][1, column, row] = ""
        for column, row in itertools.product(range(self._columns), range(self._rows)):
            if not _within(self._at(column, row), outline):
                self._fixed[half][0, column, row] = self._fixed[half][1, column, row] = ""

    def _block(self, half: float, pad: Pad) -> None:
        for layer in pad.layers:
            for column, row in self._inside(pad.box, half + _CLEARANCE):
                node = (layer, column, row)
                self._fixed[half][node] = pad.net if self._fixed[half].get(node, pad.net) == pad.net else ""

    def _half(self, net: str) -> float:
        return _THICK / 2 if net in self._wide else _THIN / 2

    def route(self, rounds: int = 600) -> Routed:
        """Connect all pads of each net, or name the nets that it could not in so many rounds."""
        by_net: dict[str, list[Pad]] = {}
        for pad in self._pads:
            if pad.net:
                by_net.setdefault(pad.net, []).append(pad)
        queue = [net for net, pads in by_net.items() if len(pads) > 1]
        queue.sort(key=lambda net: (net == "GND", net not in self._wide, _spread(by_net[net])))
        for _ in range(rounds):
            if not queue:
                break
            net = queue.pop(0)
            self._rip(net)
            if not self._connect(net, by_net[net], soft=False):
                self._rip(net)
                if self._connect(net, by_net[net], soft=True):
                    for other in self._in_the_way(net):
                        self._rip(other)
                        queue.append(other)
                    queue.sort(key=lambda name: name == "GND")
                else:
                    queue.append(net)
        routed = self._result(queue)
        routed.vias.extend(("GND", *self._at(column, row)) for column, row in self._stitches())
        return routed

    def _stitches(self, every_mm: float = 2.5) -> Iterator[tuple[int, int]]:
        """Yield where a via can join the two ground planes, clear of all pads and tracks."""
        every = int(every_mm / _STEP)
        half = _THICK / 2
        for column, row in itertools.product(range(0, self._columns, every), range(0, self._rows, every)):
            nodes = ((0, column, row), (1, column, row))
            if not any(node in self._fixed[half] or self._taken[half].get(node) for node in nodes):
                yield column, row

    def _connect(self, net: str, pads: list[Pad], *, soft: bool) -> bool:
        """Grow a tree from the first pad to all others."""
        left = [self._nodes_of(pad) for pad in pads]
        tree = set(left.pop(0))
        self._paths[net], self._marks[net] = [], []
        while left:
            goals = {node: index for index, nodes in enumerate(left) for node in nodes}
            path = self._search(net, tree, goals, soft=soft)
            if path is None:
                return False
            self._paths[net].append(path)
            self._mark(net, path)
            tree.update(path)
            tree.update(left.pop(goals[path[-1]]))
        return True

    def _nodes_of(self, pad: Pad) -> list[Node]:
        x, y, width, height = pad.box
        inner = (x, y, width * 0.6, height * 0.6)  # which lies within a round pad too
        nodes = [(layer, column, row) for column, row in self._inside(inner, 0.01) for layer in pad.layers]
        return nodes or [
            (layer, round((x - self._left) / _STEP), round((y - self._top) / _STEP)) for layer in pad.layers
        ]

    def _cost(self, net: str, half: float, node: Node, soft: bool) -> float | None:
        """What it costs beside the way itself; None = it is not possible."""
        if self._fixed[half].get(node, net) != net:
            return None
        others = len(self._taken[half].get(node, ())) - (net in self._taken[half].get(node, ()))
        if others and not soft:
            return None
        return others * _CROSSING + self._worn.get(node, 0.0)

    def _search(self, net: str, starts: set[Node], goals: dict[Node, int], *, soft: bool) -> list[Node] | None:
        half = self._half(net)
        columns = [column for _, column, _ in goals]
        rows = [row for _, _, row in goals]
        box = (min(columns), max(columns), min(rows), max(rows))

        def ahead(node: Node) -> float:
            return max(box[0] - node[1], node[1] - box[1], box[2] - node[2], node[2] - box[3], 0)

        best = dict.fromkeys(starts, 0.0)
        came: dict[Node, Node] = {}
        heap = [(ahead(node), 0.0, node) for node in starts]
        heapq.heapify(heap)
        while heap:
            _, so_far, node = heapq.heappop(heap)
            if so_far > best[node]:
                continue
            if node in goals:
                path = [node]
                while path[-1] in came:
                    path.append(came[path[-1]])
                return path[::-1]
            layer, column, row = node
            for dx, dy, length in _MOVES:
                there = (layer, column + dx, row + dy)
                if not (0 <= there[1] < self._columns and 0 <= there[2] < self._rows):
                    continue
                extra = self._cost(net, half, there, soft)
                if extra is not None:
                    self._try(there, node, so_far + length * _LAYER_COST[layer] + extra, best, came, heap, ahead(there))
            down = (1 - layer, column, row)
            extras = [self._cost(net, _THICK / 2, each, soft) for each in (node, down)]
            if None not in extras:
                cost = so_far + _VIA_COST + sum(extra for extra in extras if extra is not None)
                self._try(down, node, cost, best, came, heap, ahead(down))
        return None

    @staticmethod
    def _try(
        there: Node,
        node: Node,
        cost: float,
        best: dict[Node, float],
        came: dict[Node, Node],
        heap: list[tuple[float, float, Node]],
        ahead: float,
    ) -> None:
        if cost < best.get(there, 1e9):
            best[there] = cost
            came[there] = node
            heapq.heappush(heap, (cost + ahead, cost, there))

    def _mark(self, net: str, path: list[Node]) -> None:
        """Keep others away from it."""
        width = self._wide.get(net, _THIN)
        wide_at = {node for one, two in itertools.pairwise(path) if one[0] != two[0] for node in (one, two)}
        for node in path:
            across = max(width, _VIA_MM) if node in wide_at else width
            x, y = self._at(node[1], node[2])
            for half in self._taken:
                for column, row in self._inside((x, y, 0, 0), across / 2 + half + _CLEARANCE):
                    near = (node[0], column, row)
                    names = self._taken[half].setdefault(near, set())
                    if net not in names:
                        names.add(net)
                        self._marks[net].append((half, near))

    def _rip(self, net: str) -> None:
        for half, node in self._marks.pop(net, []):
            self._taken[half][node].discard(net)
        self._paths.pop(net, None)

    def _in_the_way(self, net: str) -> list[str]:
        found: dict[str, None] = {}
        for path in self._paths[net]:
            vias = {node for one, two in itertools.pairwise(path) if one[0] != two[0] for node in (one, two)}
            for node in path:
                for half in {self._half(net), _THICK / 2 if node in vias else self._half(net)}:
                    for other in sorted(self._taken[half].get(node, set()) - {net}):
                        found[other] = None
                        self._worn[node] = self._worn.get(node, 0.0) + 1.5
        return list(found)

    def _result(self, failed: list[str]) -> Routed:
        routed = Routed(failed=failed)
        for net, paths in self._paths.items():
            width = self._wide.get(net, _THIN)
            for path in paths:
                start = path[0]
                for index, (one, two) in enumerate(itertools.pairwise(path)):
                    after = path[index + 2] if index + 2 < len(path) else None
                    if one[0] != two[0]:
                        routed.vias.append((net, *self._at(one[1], one[2])))
                        start = two
                    elif after is None or (after[0] - two[0], after[1] - two[1], after[2] - two[2]) != (
                        0,
                        two[1] - one[1],
                        two[2] - one[2],
                    ):
                        routed.tracks.append((net, one[0], width, *self._at(*start[1:]), *self._at(*two[1:])))
                        start = two
        return routed


def _spread(pads: list[Pad]) -> float:
    return sum(max(pad.box[axis] for pad in pads) - min(pad.box[axis] for pad in pads) for axis in (0, 1))


def _within(point: tuple[float, float], outline: tuple[tuple[float, float], ...]) -> bool:
    x, y = point
    crossed = False
    for (x1, y1), (x2, y2) in zip(outline, (*outline[1:], outline[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            crossed = not crossed
    return crossed
