"""Owners' records and cases in words. Pure: the templates only place them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.owner_cases import OwnerCase, OwnerCaseKind, OwnerCaseState
from siaga_gateway.domain.registry import Owner, state_at
from siaga_gateway.service.registry.owner_cases import OwnerRecord
from siaga_gateway.service.store import Enrolled
from siaga_gateway.web.owners.letters import Letter, letters_of


@dataclass(frozen=True, slots=True)
class OwnerCaseView:
    """One case."""

    id: int
    owner_id: int
    owner: str
    kind: OwnerCaseKind
    about: str
    state: str
    opened: str
    count: int
    open: bool
    in_force: bool
    decided: str  # when and by whom; empty: nobody has
    reason: str
    until: str
    ended: str
    end_reason: str
    letters: tuple[tuple[Letter, str], ...]  # with their titles


@dataclass(frozen=True, slots=True)
class CallView:
    """One call of the record."""

    incident: int
    identifier: str
    opened: str
    label: str
    device_id: str
    presses: int
    marks: str
    ended: str
    by: str


@dataclass(frozen=True, slots=True)
class ButtonView:
    """One button that is the owner's now."""

    label: str
    device_id: str
    registration: str
    until: str


@dataclass(frozen=True, slots=True)
class RecordView:
    """An owner's record."""

    owner_id: int
    name: str
    phone: str
    address: str
    unreadable: bool
    sums: tuple[tuple[str, int], ...]
    cases: tuple[OwnerCaseView, ...]
    calls: tuple[CallView, ...]
    buttons: tuple[ButtonView, ...]


def record_view(record: OwnerRecord, language: str, now_ms: int, local: LocalTime) -> RecordView:
    owner = record.owner
    suspended = any(case.in_force(now_ms) for case in record.cases)
    return RecordView(
        owner_id=owner.id,
        name=_name(owner, language),
        phone=owner.phone,
        address=owner.address,
        unreadable=owner.unreadable,
        sums=tuple(Counter(_ended(call, language) for call in record.calls).most_common()),
        cases=tuple(case_view(case, owner, language, now_ms, local, suspended) for case in record.cases),
        calls=tuple(_call(call, language, local) for call in record.calls),
        buttons=tuple(_button(each, language, now_ms, local) for each in record.devices),
    )


def case_view(
    case: OwnerCase, owner: Owner | None, language: str, now_ms: int, local: LocalTime, suspended: bool = False
) -> OwnerCaseView:
    """suspended: see letters_of."""
    in_force = case.in_force(now_ms)
    over = case.state is OwnerCaseState.SUSPENDED and not in_force
    letters = () if owner is None else letters_of(case, now_ms, suspended=suspended)
    return OwnerCaseView(
        id=case.id,
        owner_id=case.owner_id,
        owner=_name(owner, language),
        kind=case.kind,
        about=text(f"console.owner_case_kind.{case.kind}", language),
        state=text(f"console.owner_case_state.{'over' if over else case.state}", language),
        opened=local.moment(case.opened_ms),
        count=case.count,
        open=case.state is OwnerCaseState.OPEN,
        in_force=in_force,
        decided=_when(case.decided_ms, case.decided_by, local),
        reason=case.reason or "",
        until="" if case.until_ms is None else local.moment(case.until_ms - 1),
        ended=_when(case.ended_ms, case.ended_by, local),
        end_reason=case.end_reason or "",
        letters=tuple((each, text(f"letters.{each}.title", language)) for each in letters),
    )


def table_of(record: RecordView, language: str) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the record as a table."""
    names = ("incident", "opened", "button", "device_id", "presses", "marks", "ended", "by")
    rows = [
        [
            each.identifier,
            each.opened,
            each.label,
            each.device_id,
            str(each.presses),
            each.marks,
            each.ended,
            each.by,
        ]
        for each in record.calls
    ]
    return [text(f"console.owners.{name}", language) for name in names], rows


def _name(owner: Owner | None, language: str) -> str:
    if owner is None:
        return text("console.owners.erased", language)
    return text("console.owners.unreadable", language) if owner.unreadable else owner.name


def _when(at_ms: int | None, by: str | None, local: LocalTime) -> str:
    return "" if at_ms is None else " · ".join(filter(None, (local.moment(at_ms), by)))


def _call(call: Incident, language: str, local: LocalTime) -> CallView:
    found = [name for name in ("duress", "silent", "held", "cancelled_by_holder", "key_copied") if getattr(call, name)]
    return CallView(
        incident=call.id,
        identifier=call.identifier,
        opened=local.moment(call.opened_at_ms),
        label=call.device_label,
        device_id=call.device_id.hex(),
        presses=call.presses,
        marks=", ".join(text(f"console.owner_mark.{name}", language) for name in found),
        ended=_ended(call, language),
        by=call.closed_by or "",
    )


def _ended(call: Incident, language: str) -> str:
    if call.state is not IncidentState.CLOSED:
        return text(f"console.state.{call.state}", language)
    if call.disposition is None:
        return text("console.detail.unknown", language)
    return text(f"console.disposition.{call.disposition}", language)


def _button(each: Enrolled, language: str, now_ms: int, local: LocalTime) -> ButtonView:
    device = each.device
    state = state_at(device, now_ms)
    until_ms = device.suspended_until_ms if state == "suspended" else None
    return ButtonView(
        label=device.label,
        device_id=device.device_id.hex(),
        registration=text(f"console.registration.{state}", language),
        until="" if until_ms is None else local.moment(until_ms - 1),
    )
