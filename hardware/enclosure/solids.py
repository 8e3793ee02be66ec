"""The parts of the enclosures as CadQuery solids, and what lies in them. CadQuery's y is the board's y turned round."""

from __future__ import annotations

import cadquery as cq
from measures import (
    BOARD,
    BUTTON,
    CABLES,
    CAP,
    CARRIER,
    CARRIER_EDGE,
    CARRIER_Z,
    CELL,
    CHARGE,
    GNSS,
    KEYHOLE,
    KEYHOLE_HEAD,
    LOCK,
    LTE,
    MEMBRANE,
    MODULE,
    MODULE_HOLES,
    SOUND_HOLES,
    SOUNDER,
    SPACER_R,
    SWITCH_WORKS,
    SWITCH_Z,
    SWITCHES,
    Box,
    Measures,
)

Span = tuple[float, float]


def _box(x: Span, y: Span, z: Span) -> cq.Workplane:
    size = (x[1] - x[0], y[1] - y[0], z[1] - z[0])
    return cq.Workplane().box(*size, centered=False).translate((x[0], -y[1], z[0]))


def _rod(at: Span, radius: float, z: Span) -> cq.Workplane:
    return cq.Workplane().circle(radius).extrude(z[1] - z[0]).translate((at[0], -at[1], z[0]))


def _cone(at: Span, low: float, high: float, z: Span) -> cq.Workplane:
    solid = cq.Solid.makeCone(low, high, z[1] - z[0])
    return cq.Workplane(solid.translate(cq.Vector(at[0], -at[1], z[0])))


def _grown(span: Span, by: float) -> Span:
    return span[0] - by, span[1] + by


def _rounded(m: Measures, by: float, z: Span, radius: float) -> cq.Workplane:
    return _box(_grown(m.x, by), _grown(m.y, by), z).edges("|Z").fillet(radius)


def _post(m: Measures, at: Span) -> cq.Workplane:
    """From the floor to a board: the module's underside, or the carrier's, slim where it passes the module."""
    thick, thin = m.post
    low = m.z[0] - 0.5
    if at in MODULE_HOLES:
        top = -1.2
        return _rod(at, thick, (low, top - 7)).union(_cone(at, thick, thin + 0.1, (top - 7, top)))
    return _rod(at, thick, (low, -9)).union(_cone(at, thick, thin, (-9, -4))).union(_rod(at, thin, (-4, CARRIER_Z)))


def _top_of(at: Span) -> float:
    return -1.2 if at in MODULE_HOLES else CARRIER_Z


def _middle_block(m: Measures, at: Span) -> cq.Workplane:
    """A block at the side wall for a screw, its underside at 45 degrees, so that it prints without support."""
    left = at[0] < sum(m.x) / 2
    wall, reach = (m.x[0] - 0.5, 8.5) if left else (m.x[1] + 0.5, -8.5)
    top, low = m.z[1], m.z[1] - 9.5
    shape = [(wall, top), (wall + reach, top), (wall + reach, low), (wall, low - abs(reach))]
    return cq.Workplane("XZ").polyline(shape).close().extrude(9).translate((0, -at[1] + 4.5, 0))


def _made(body: cq.Workplane, added: list[cq.Workplane], taken: list[cq.Workplane]) -> cq.Workplane:
    """All at once: one by one takes ten times as long."""
    solid = body.val()
    if added:
        solid = solid.fuse(*(each.val() for each in added))
    return cq.Workplane(solid.cut(*(each.val() for each in taken)) if taken else solid)


def back(m: Measures) -> cq.Workplane:
    """The part that holds everything; it prints standing on its floor."""
    outside = (m.z[0] - m.floor, m.z[1])
    case = _rounded(m, m.wall, outside, 5).faces("<Z").edges().chamfer(0.8)
    case = case.cut(_rounded(m, 0, (m.z[0], m.z[1] + 1), 2))
    added = [_post(m, at) for at in m.holes]
    inside = _rounded(m, 1, outside, 3)
    added += [_rod(at, m.corner, (m.z[0] - 0.5, m.z[1])).intersect(inside) for at in m.corners]
    added += [_middle_block(m, at) for at in m.middles]
    taken = [_rod(at, m.screw / 2, (_top_of(at) - 12, _top_of(at) + 1)) for at in m.holes]
    inserts = (m.z[1] - m.insert[1], m.z[1] + 1)
    taken += [_rod(at, m.insert[0] / 2, inserts) for at in (*m.corners, *m.middles)]
    half = (m.wall - m.groove[0]) / 2
    cord = (m.z[1] - m.groove[1], m.z[1] + 1)
    taken.append(_rounded(m, half + m.groove[0], cord, 4).cut(_rounded(m, half, _grown(cord, 1), 3)))
    if m.on_wall:
        more, less = _on_wall(m)
    else:
        less = [_box((m.x[1] - 1, m.x[1] + m.wall + 1), *CHARGE)]
        lug = _box((8.24, 22.24), (m.y[0] - m.wall - 9, m.y[0] - m.wall + 1), (outside[0], outside[0] + 7))
        more = [lug.edges("|Z").fillet(3).cut(_rod((15.24, m.y[0] - m.wall - 4.5), 2.5, _grown(outside, 1)))]
    return _made(case, added + more, taken + less)


def _on_wall(m: Measures) -> tuple[list[cq.Workplane], list[cq.Workplane]]:
    """What is added to a case that hangs on a wall, and what is cut out of it."""
    low, floor = m.z[0] - m.floor, m.z[0]
    head, deep, shank = KEYHOLE_HEAD
    x, y = KEYHOLE
    # The head goes in below, the case slides down over it; closed towards the inside.
    across, along = (x - head / 2, x + head / 2), (y - head / 2, y + head / 2 + 8)
    added = [_box(_grown(across, 2), _grown(along, 2), (floor - 0.5, floor + deep + 2))]
    taken = [
        _box(across, along, (floor, floor + deep)),
        _rod((x, along[1] - head / 2), head / 2, (low - 1, floor + 1)),
        _box((x - shank / 2, x + shank / 2), (y, along[1] - head / 2), (low - 1, floor + 1)),
        _rod((x, y), shank / 2, (low - 1, floor + 1)),
        _rod(LOCK, 2.3, (low - 1, floor + 1)),
    ]
    # The plate of both case switches, and the wall pin's hole.
    x, y, thick, apart = SWITCHES
    added.append(_box((x - 7, m.x[1] + 0.5), (y, y + thick), (floor - 0.5, SWITCH_Z[1] + 5)))
    for z in SWITCH_Z:
        for side in (-1, 1):
            slot = cq.Workplane("XZ").center(x + side * apart / 2, z).slot2D(6.2, 2.2, 90).extrude(thick + 2)
            taken.append(slot.translate((0, -y + 1, 0)))
    taken.append(_rod((x, y - 3), 1.6, (low - 1, floor + 1)))
    # Cables come in through the lower wall, where water drips away, and are tied to a bar.
    places, width, depth = CABLES
    for at in places:
        z = m.z[1] - depth + width / 2
        taken.append(_box((at - width / 2, at + width / 2), (m.y[1] - 1, m.y[1] + m.wall + 1), (z, m.z[1] + 1)))
        end = cq.Workplane("XZ").center(at, z).circle(width / 2).extrude(m.wall + 2)
        taken.append(end.translate((0, -m.y[1] + 1, 0)))
        wedge = [(-m.y[1] - 0.5, 13), (-m.y[1] + 6, 13), (-m.y[1] + 6, 8), (-m.y[1] - 0.5, 1.5)]
        added.append(cq.Workplane("YZ").polyline(wedge).close().extrude(9).translate((at - 4.5, 0, 0)))
        taken.append(_box((at - 5, at + 5), (m.y[1] - 3.8, m.y[1] - 1.8), (8.5, 11.5)))
    return added, taken


def lid(m: Measures) -> cq.Workplane:
    """The front; it prints lying on its face."""
    plate = _rounded(m, m.wall, (m.z[1], m.front), 5).faces(">Z").edges().chamfer(0.8)
    wide, deep = m.lip
    low = (m.z[1] - deep - 1, m.z[1])
    lip = _rounded(m, -m.slack, (m.z[1] - deep, m.z[1] + 0.5), 1.9)
    away = [_rounded(m, -m.slack - wide, (low[0], low[1] + 1), 1)]
    away += [_rod(at, m.corner + m.slack + 0.3, low) for at in m.corners]
    away += [_box((x - 6.5, x + 6.5), (y - 5, y + 5), low) for x, y in m.middles]
    through = (m.z[1] - 1, m.front + 1)
    added = []
    if m.on_wall:
        away += [_box((at - 6, at + 6), _grown((m.y[1], m.y[1]), 5), low) for at in CABLES[0]]
        x, y, *_ = SWITCHES
        away.append(_box((x - 8, m.x[1]), (y - 7, m.y[1]), low))
        added.append(_box((x - 4, x + 4), (y - 5, y - 1), (SWITCH_Z[1] + SWITCH_WORKS, m.z[1] + 0.5)))
    added.append(_made(lip, [], away))
    taken = [_rod(at, 1.7, through) for at in (*m.corners, *m.middles)]
    taken += [_rod(at, 3.1, (m.front - 1.4, m.front + 1)) for at in (*m.corners, *m.middles)]
    taken.append(_rod(m.light, m.led / 2, through))
    taken.append(_cone(m.light, m.led / 2, m.led / 2 + 1.6, (m.front - 1.6, m.front)))
    taken += [_rod((SOUNDER[0] + x, SOUNDER[1] + y), 0.9, through) for x, y in SOUND_HOLES]
    taken.append(_rod(SOUNDER, MEMBRANE[0] / 2, (m.z[1] - 1, m.z[1] + MEMBRANE[1])))
    button = (m.panel_at, m.panel / 2) if m.panel else (BUTTON, CAP[0] / 2 + m.slack)
    taken.append(_rod(*button, through))
    return _made(plate, added, taken)


def guard(m: Measures) -> cq.Workplane:
    """Glued round the panel button, so that nothing that leans against the case presses it."""
    z = (m.front, m.front + 6)
    ring = _rod(m.panel_at, 17, z).faces(">Z").edges().fillet(1.5)
    return ring.cut(_rod(m.panel_at, 13, _grown(z, 1)))


def wall_pin(m: Measures) -> cq.Workplane:
    """Between wall and switch: the wall pushes it in; it falls out as far as its head lets it. Prints on its head."""
    x, y, *_ = SWITCHES
    low = m.z[0] - m.floor
    return _rod((x, y - 3), 1.3, (low, low + 4.5)).union(_rod((x, y - 3), 2.8, (low + 4.5, low + 6)))


def cap(m: Measures) -> cq.Workplane:
    """The carried button: lies on SW1's plunger, below the lid's face; its rim keeps it in."""
    diameter, below = CAP
    plunger = CARRIER_Z + BOARD + 7.3
    face = m.front - below
    rim = m.z[1] - 0.3
    body = _rod(BUTTON, diameter / 2, (rim - 1.6, face)).faces(">Z").edges().chamfer(0.6)
    slope = _cone(BUTTON, diameter / 2 + 1.6, diameter / 2, (rim - 1.6, rim))
    disc = _rod(BUTTON, diameter / 2 + 1.6, (rim - 2.6, rim - 1.6))
    return _made(body, [slope, disc, _rod(BUTTON, 3, (plunger, rim))], [])


def charge_plug(m: Measures) -> cq.Workplane:
    """Closes the charging opening; of TPU."""
    (top, bottom), (low, high) = CHARGE
    y, z = (top + 0.15, bottom - 0.15), (low + 0.15, high - 0.15)
    outside = m.x[1] + m.wall
    body = _box((m.x[1] + 0.6, outside), y, z)
    return body.union(_box((outside, outside + 1.6), _grown(y, 1.5), _grown(z, 1.5)))


def parts(m: Measures) -> dict[str, cq.Workplane]:
    """What is printed, by name."""
    made = {"back": back(m), "lid": lid(m)}
    if m.on_wall:
        return made | {"guard": guard(m), "wall_pin": wall_pin(m)}
    return made | {"cap": cap(m), "charge_plug": charge_plug(m)}


def solid_of(box: Box) -> cq.Workplane:
    return _box(box.x, box.y, box.z)


def cell() -> cq.Workplane:
    x, z, radius, along = CELL
    rod = cq.Workplane("XZ").circle(radius).extrude(along[1] - along[0])
    return rod.translate((x, -along[0], z))


def carrier_board() -> cq.Workplane:
    left, right, top, bottom = CARRIER_EDGE
    board = _box((left, right), (top, bottom), (CARRIER_Z, CARRIER_Z + BOARD))
    return board.cut(_box((5.0, 25.5), (top - 1, 0.5), (CARRIER_Z - 1, CARRIER_Z + BOARD + 1)))


def lte_antenna(m: Measures) -> cq.Workplane:
    long, wide, thick, _ = LTE
    y, z = m.lte_from
    return _box((m.x[0], m.x[0] + thick), (y, y + long), (z, z + wide))


def gnss_antenna(m: Measures) -> cq.Workplane:
    side, high, _ = GNSS
    x, y = m.gnss_at
    return _box((x - side / 2, x + side / 2), (y - side / 2, y + side / 2), (m.z[1] - high, m.z[1]))


def contents(m: Measures) -> dict[str, cq.Workplane]:
    """What lies in the case, by name."""
    found = {box.name: solid_of(box) for box in MODULE}
    found["the carrier"] = carrier_board()
    for box in CARRIER:
        if m.on_wall or not box.name.startswith("plug"):
            found[box.name] = solid_of(box)
    for number, at in enumerate(MODULE_HOLES[:2]):
        found[f"spacer {number}"] = _rod(at, SPACER_R, (0.05, CARRIER_Z - 0.05))
    if m.panel:
        found["panel button"] = _rod(m.panel_at, m.panel / 2 - 0.1, (m.z[1] - m.panel_deep, m.front))
    if not m.on_wall:
        for name, y in (("charging plug", 46.0), ("charging plug, V1.0", 55.9)):
            found[name] = _box((33.1, m.x[1] + m.wall + 10), (y - 6.2, y + 6.2), (-1.65, 4.85))
    return found
