"""How much of the time buttons could be reached, in the sense of EN 50136-1: from the silences that supervision found.
Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from siaga_gateway.domain.supervision import merged
from siaga_gateway.domain.value import record

MILLION: Final = 1_000_000
_WORST: Final = 10


@record
class Silent:
    """One button did not check in."""

    device_id: bytes
    from_ms: int
    to_ms: int | None  # None: it still does not


@record
class Poor:
    """A button that was silent, and for how long."""

    device_id: bytes
    silent_ms: int


@record
class Availability:
    """Of the buttons in service."""

    buttons: int = 0
    ppm: int | None = None  # of their time, in which none was known to be silent; None: no button
    silent_ms: int = 0  # all together
    silent_buttons: int = 0
    worst: tuple[Poor, ...] = ()  # the longest silent first


def availability(buttons: int, served_ms: int, silences: Iterable[Silent], from_ms: int, to_ms: int) -> Availability:
    """Return the availability from from_ms to to_ms. served_ms: for how long the buttons were in service then, all
    together."""
    spans: dict[bytes, list[tuple[int, int]]] = {}
    for each in silences:
        begin, end = max(from_ms, each.from_ms), min(to_ms, to_ms if each.to_ms is None else each.to_ms)
        if begin < end:
            spans.setdefault(each.device_id, []).append((begin, end))
    found = sorted(
        (Poor(device, sum(end - begin for begin, end in merged(each))) for device, each in spans.items()),
        key=lambda each: (-each.silent_ms, each.device_id),
    )
    silent_ms = min(served_ms, sum(each.silent_ms for each in found))
    ppm = (served_ms - silent_ms) * MILLION // served_ms if served_ms > 0 else None
    return Availability(buttons, ppm, silent_ms, len(found), tuple(found[:_WORST]))
