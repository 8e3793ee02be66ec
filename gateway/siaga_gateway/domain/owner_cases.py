"""An owner's record: how his calls ended, and when that asks for a supervisor's decision or for advice. Pure.

Pranks open a case for a supervisor, who suspends, or dismisses it. Accidents open one for advice: a longer hold, three
taps. A case decides nothing by itself, and neither a case nor a suspension keeps a press from being seen: a suspended
press is held, shown, and rings until a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.incident import Disposition
from siaga_gateway.domain.registry import Device, RegistrationState, suspension_over
from siaga_gateway.domain.value import copied, record

DAY_MS: Final = 86_400_000


class OwnerCaseKind(StrEnum):
    """What the case is about."""

    PRANKS = "pranks"
    ACCIDENTS = "accidents"


class OwnerCaseState(StrEnum):
    """What became of it. Only an open one asks for something."""

    OPEN = "open"
    SUSPENDED = "suspended"  # until its date, see `in_force`
    LIFTED = "lifted"  # a suspension that a supervisor ended early
    DISMISSED = "dismissed"
    ADVISED = "advised"
    WITHDRAWN = "withdrawn"  # what was found was corrected, and there is no ground for it any more


COUNTED: Final = {
    OwnerCaseKind.PRANKS: Disposition.ABUSE,
    OwnerCaseKind.ACCIDENTS: Disposition.ACCIDENTAL,
}


@record
class OwnerCase:
    """One case. Reasons say why, not who."""

    id: int
    owner_id: int
    kind: OwnerCaseKind
    state: OwnerCaseState
    opened_ms: int
    count: int  # of the calls that it rests on, as of their last change
    decided_ms: int | None = None
    decided_by: str | None = None
    reason: str | None = None
    until_ms: int | None = None  # of a suspension
    ended_ms: int | None = None  # lifted early, withdrawn, or a suspension that ended by itself
    ended_by: str | None = None
    end_reason: str | None = None

    def in_force(self, now_ms: int) -> bool:
        """Whether it suspends now."""
        return self.state is OwnerCaseState.SUSPENDED and self.ended_ms is None and not self.over(now_ms)

    def over(self, now_ms: int) -> bool:
        """Whether its date has come."""
        return suspension_over(self.until_ms, now_ms)


@record
class OwnerCaseLimits:
    """When a case opens, and how long a suspension may be."""

    pranks: int = 3
    accidents: int = 3
    days: int = 180
    longest_days: int = 90

    def of(self, kind: OwnerCaseKind) -> int:
        return self.pranks if kind is OwnerCaseKind.PRANKS else self.accidents


def as_its_owner(device: Device, cases: Iterable[OwnerCase], now_ms: int) -> Device:
    """Return a new button as its owner's others are: another button is no way round a suspension.

    cases: the owner's.
    """
    until_ms = suspended_until(cases, now_ms)
    if until_ms is None or device.state is not RegistrationState.ACTIVE:
        return device
    return replace(device, state=RegistrationState.SUSPENDED, suspended_until_ms=until_ms)


def suspended_until(cases: Iterable[OwnerCase], now_ms: int, registrar_until_ms: int | None = None) -> int | None:
    """Return when a button's suspension ends, Unix ms: of its owner's cases that suspend, and of a registrar's own, the
    last. None: nothing suspends it any more."""
    ends = [case.until_ms or 0 for case in cases if case.in_force(now_ms)]
    if registrar_until_ms is not None and not suspension_over(registrar_until_ms, now_ms):
        ends.append(registrar_until_ms)
    return max(ends, default=None)


def counted_since(last: OwnerCase | None, now_ms: int, limits: OwnerCaseLimits) -> int:
    """Return from when calls count, Unix ms. last: the owner's newest case of the kind.

    An open case keeps the period that it was opened with. What a decision rested on is not counted again.
    """
    if last is not None and last.state is OwnerCaseState.OPEN:
        return last.opened_ms - limits.days * DAY_MS
    decided_ms = 0 if last is None or last.decided_ms is None else last.decided_ms + 1
    return max(now_ms - limits.days * DAY_MS, decided_ms)


def reviewed(
    kind: OwnerCaseKind,
    owner_id: int,
    last: OwnerCase | None,
    ended: Iterable[tuple[Disposition, int]],
    now_ms: int,
    limits: OwnerCaseLimits,
) -> OwnerCase | None:
    """Return the case that a closing or a correction opens or changes; None: nothing changes. A new one has number 0.

    last: the owner's newest case of this kind. ended: how his calls ended, and when (Unix ms). One from the future, of
    a clock that was set back, counts.
    """
    since_ms = counted_since(last, now_ms, limits)
    count = sum(1 for disposition, at_ms in ended if disposition is COUNTED[kind] and at_ms >= since_ms)
    if last is not None and last.state is OwnerCaseState.OPEN:
        if count < limits.of(kind):
            return copied(last, state=OwnerCaseState.WITHDRAWN, count=count, ended_ms=now_ms)
        return None if count == last.count else copied(last, count=count)
    if count < limits.of(kind):
        return None
    return OwnerCase(0, owner_id, kind, OwnerCaseState.OPEN, now_ms, count)
