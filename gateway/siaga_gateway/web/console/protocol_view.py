"""The protocol of one incident, and of the page on which it is changed, worded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.protocol import CallKind, ProtocolVersion, newest, number_of, steps_of, ticked
from siaga_gateway.service.incidents.protocol_book import protocol_of, step_text
from siaga_gateway.service.ports import JournalEntry


@dataclass(frozen=True, slots=True)
class StepView:
    text: str
    by: str | None  # who has ticked it; None: nobody
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class ProtocolView:
    """What an incident goes by."""

    kind: CallKind
    version: int
    steps: tuple[StepView, ...]
    done: int


def protocol_view(
    incident: Incident, entries: Sequence[JournalEntry], versions: Iterable[ProtocolVersion], language: str
) -> ProtocolView:
    goes_by = protocol_of(incident, entries, versions)
    version = number_of(goes_by.version)
    ticks = ticked(goes_by.ticks, goes_by.kind, version)
    steps = tuple(
        StepView(each, ticks[at].by, ticks[at].at_ms) if at in ticks else StepView(each, None, None)
        for at, each in enumerate(goes_by.steps(language))
    )
    return ProtocolView(goes_by.kind, version, steps, sum(each.by is not None for each in steps))


def with_protocol_steps(
    entries: Iterable[JournalEntry], versions: Sequence[ProtocolVersion], language: str
) -> list[JournalEntry]:
    """Return the entries, those about a step with what it says."""
    told = []
    for entry in entries:
        step = step_text(entry, versions, language)
        told.append(entry if step is None else replace(entry, facts={"protocol_step": step}))
    return told


@dataclass(frozen=True, slots=True)
class EditedProtocol:
    """The newest version of one kind of call, and those before it."""

    kind: CallKind
    version: int
    steps: tuple[str, ...]
    typed_id: str  # a step a line
    typed_en: str
    versions: tuple[ProtocolVersion, ...]  # the newest first; without the one that comes with the gateway


def edited_protocols(versions: Sequence[ProtocolVersion], language: str) -> list[EditedProtocol]:
    found = []
    for kind in CallKind:
        last = newest(versions, kind)
        english = last.steps_en if last is not None else steps_of(None, kind, "en")
        of_kind = sorted((each for each in versions if each.kind is kind), key=lambda each: -each.version)
        found.append(
            EditedProtocol(
                kind,
                number_of(last),
                steps_of(last, kind, language),
                "\n".join(steps_of(last, kind, "id")),
                "\n".join(english),
                tuple(of_kind),
            )
        )
    return found
