"""What an alarm level is judged from, and how it is measured. The rules: `triage.py`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.incident import Disposition, Mode, Position
from siaga_gateway.domain.position import CARRY_OVER_MS, RADIUS_OTHERWISE_M, RADIUS_UNKNOWN_M, distance_m
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.value import record

# A wider circle than this is not a place where one can see at once who needs help.
COARSE_M: Final = 500


class FixQuality(StrEnum):
    GOOD = "good"
    COARSE = "coarse"
    OLD = "old"
    NONE = "none"


@record
class History:
    """How the owner's earlier calls ended, within the period that counts."""

    verified: int = 0  # somebody was in need, also if help was no longer needed in the end
    unfounded: int = 0
    accidental: int = 0
    abuse: int = 0


@record
class TriageLimits:
    """What counts."""

    pranks: int = 3  # so many within the period are a doubt
    history_ms: int = 90 * 86_400_000
    neighbours_m: int = 500
    neighbours_ms: int = 10 * 60_000


@record
class Signs:
    """What is known of a call."""

    registration: RegistrationState = RegistrationState.ACTIVE
    mode: Mode = Mode.ACTUAL
    history: History = History()
    presses: int = 1
    duress: bool = False
    silent: bool = False  # pressed so that the button makes no sound
    fell_silent: bool = False  # the button should have been heard since, and was not
    neighbours: int = 0  # other holders who pressed nearby, see `pressing_near`
    call_back: CallBack = CallBack.NOT_TRIED
    pressed_since: bool = False  # since it was called off
    fix: FixQuality = FixQuality.GOOD
    tamper: bool = False  # its housing was opened about then
    unwell: bool = False  # battery low, restarts, a maintenance case
    key_copied: bool = False


def history_of(
    ended: Iterable[tuple[Disposition, int]],
    now_ms: int,
    limits: TriageLimits = TriageLimits(),  # noqa: B008 - a value
) -> History:
    """Count an owner's earlier calls: (disposition, when it was closed). One from the future, of a clock that was set
    back, counts."""
    counted = [disposition for disposition, closed_ms in ended if now_ms - closed_ms <= limits.history_ms]
    return History(
        verified=counted.count(Disposition.VERIFIED) + counted.count(Disposition.NOT_NEEDED),
        unfounded=counted.count(Disposition.UNFOUNDED),
        accidental=counted.count(Disposition.ACCIDENTAL),
        abuse=counted.count(Disposition.ABUSE),
    )


def fix_quality(position: Position | None) -> FixQuality:
    """Return how far a position can be relied on. Where a button was mounted does not age."""
    if position is None:
        return FixQuality.NONE
    age_s = 0 if position.source == "installed" else position.fix_age_s
    if age_s is None or age_s * 1000 > CARRY_OVER_MS:
        return FixQuality.OLD
    radius_m = position.accuracy_m
    if radius_m is None:
        radius_m = RADIUS_UNKNOWN_M.get(position.source, RADIUS_OTHERWISE_M)
    return FixQuality.COARSE if radius_m > COARSE_M else FixQuality.GOOD


def pressing_near(
    place: tuple[int, int] | None,
    at_ms: int,
    others: Iterable[tuple[tuple[int, int] | None, int]],
    limits: TriageLimits = TriageLimits(),  # noqa: B008 - a value
) -> int:
    """Count other holders' calls nearby and about the same time.

    place: degrees x 10^7. others: (place, when it was opened), one of each holder.
    """
    if place is None:
        return 0
    return sum(
        1
        for other, opened_ms in others
        if other is not None
        and abs(at_ms - opened_ms) <= limits.neighbours_ms
        and distance_m(place, other) <= limits.neighbours_m
    )
