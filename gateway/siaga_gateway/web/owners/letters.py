"""The letters to an owner, in his language: which there are for a case, and what they say. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.owner_cases import OwnerCase, OwnerCaseKind, OwnerCaseState
from siaga_gateway.domain.registry import Owner

_PARAGRAPHS: Final = ("about", "what", "more", "seen", "objection")


class Letter(StrEnum):
    """A kind of letter; its texts are `letters.<value>.*`."""

    ADVICE = "advice"
    WARNING = "warning"
    SUSPENSION = "suspension"
    REINSTATEMENT = "reinstatement"


@dataclass(frozen=True, slots=True)
class LetterView:
    """One letter, in words."""

    language: str
    title: str
    number: str
    date: str
    name: str
    address: str
    greeting: str
    paragraphs: tuple[str, ...]
    emergency: str
    closing: str
    signature: str


def letters_of(case: OwnerCase, now_ms: int, *, suspended: bool = False) -> tuple[Letter, ...]:
    """Return the letters that can be written for a case as it stands. suspended: another case of the owner is in
    force, so his buttons do not serve again."""
    over = () if suspended else (Letter.REINSTATEMENT,)
    if case.kind is OwnerCaseKind.ACCIDENTS:
        return () if case.state is OwnerCaseState.WITHDRAWN else (Letter.ADVICE,)
    match case.state:
        case OwnerCaseState.OPEN | OwnerCaseState.DISMISSED:
            return (Letter.WARNING,)
        case OwnerCaseState.SUSPENDED:
            return (Letter.SUSPENSION,) if case.in_force(now_ms) else (Letter.SUSPENSION, *over)
        case OwnerCaseState.LIFTED:
            return over
    return ()


def letter_view(
    letter: Letter,
    case: OwnerCase,
    owner: Owner,
    *,
    site: str,
    emergency_number: str,
    objections: str | None,
    days: int,
    now_ms: int,
    local: LocalTime,
) -> LetterView:
    """Return a letter's words. days: the period that calls count for."""
    language = owner.language
    from_ms = case.opened_ms if case.decided_ms is None else case.decided_ms
    values = {
        "site": site,
        "count": case.count,
        "days": days,
        "reason": case.reason or "–",
        "from": _day(from_ms, local),
        "until": "–" if case.until_ms is None else _day(case.until_ms - 1, local),
        "ended": _day(case.until_ms or now_ms, local) if case.ended_ms is None else _day(case.ended_ms, local),
        "emergency": emergency_number,
        "objections": objections or text("letters.all.office", language),
    }
    return LetterView(
        language=language,
        title=text(f"letters.{letter}.title", language),
        number=text("letters.all.number", language, number=case.id),
        date=_day(now_ms, local),
        name=owner.name,
        address=owner.address,
        greeting=text("letters.all.greeting", language, name=owner.name),
        paragraphs=tuple(text(f"letters.{letter}.{part}", language, **values) for part in _PARAGRAPHS),
        emergency=text("letters.all.emergency", language, emergency=emergency_number),
        closing=text("letters.all.closing", language),
        signature=text("letters.all.signature", language),
    )


def _day(unix_ms: int, local: LocalTime) -> str:
    return local.moment(unix_ms).partition(" ")[0]
