"""Protocols: what an operator goes through at a call of one kind, a step a line; their versions, and what is ticked.

Pure. Steps of version 0 come with the gateway (`catalogue/protocols.*.toml`); later ones a supervisor has written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.value import record

MOST_STEPS: Final = 20
LONGEST_STEP: Final = 160  # characters


class CallKind(StrEnum):
    """What a call is, for an operator's protocol; the order in which they are shown."""

    NORMAL = "normal"
    SILENT = "silent"
    DURESS = "duress"
    FALL = "fall"  # man-down: the button has seen its holder fall
    INSTALLED = "installed"  # an alarm input, or a button on a wall: a bank, a shop


# Steps that come with the gateway, by name of their texts.
_SHIPPED: Final[Mapping[CallKind, tuple[str, ...]]] = {
    CallKind.NORMAL: ("where", "what", "danger", "send", "stay", "tell"),
    CallKind.SILENT: ("no_ringing", "no_siren", "send_near", "watch", "look_first", "safe_alone"),
    CallKind.DURESS: ("no_ringing", "forced", "send_several", "no_siren", "keep_off", "word_only"),
    CallKind.FALL: ("ring_fallen", "ambulance", "where", "send", "contacts", "tell"),
    CallKind.INSTALLED: ("ring_post", "word", "send_several", "doors", "guard", "owner"),
}


@record
class ProtocolVersion:
    """The steps of one kind of call as they were saved at one time."""

    kind: CallKind
    version: int  # from 1 within its kind
    steps_id: tuple[str, ...]  # Indonesian, in order
    steps_en: tuple[str, ...]  # as many; none: the Indonesian ones are shown
    created_ms: int
    created_by: str

    def steps(self, language: str) -> tuple[str, ...]:
        return self.steps_en if language == "en" and self.steps_en else self.steps_id


@record
class Ticking:
    """One entry of the journal: a step was ticked, or the tick taken back."""

    kind: str
    version: int
    step: int  # from 0
    done: bool
    by: str
    at_ms: int


def kind_of(incident: Incident, trigger: object) -> CallKind:
    """trigger: of the event that opened it, as the journal names it; what is worst of a call counts."""
    if incident.duress:
        return CallKind.DURESS
    if incident.silent:
        return CallKind.SILENT
    if trigger == "fall":
        return CallKind.FALL
    fixed = incident.position is not None and incident.position.source == "installed"
    return CallKind.INSTALLED if fixed or trigger == "external_input" else CallKind.NORMAL


def newest(versions: Iterable[ProtocolVersion], kind: CallKind) -> ProtocolVersion | None:
    """None: the one that comes with the gateway."""
    return max((each for each in versions if each.kind is kind), key=lambda each: each.version, default=None)


def version_of(
    versions: Iterable[ProtocolVersion], kind: CallKind, opened_ms: int, tickings: Iterable[Ticking]
) -> ProtocolVersion | None:
    """Return what a call goes by: the version of which something was ticked, else the one it was opened under.

    None: the one that comes with the gateway. The clock of whoever saves may be behind: a version that comes to light
    later changes nothing of a call of which a step is ticked.
    """
    of_kind = [each for each in versions if each.kind is kind]
    begun = next((each.version for each in tickings if each.kind == kind), None)
    if begun is not None:
        return next((each for each in of_kind if each.version == begun), None)
    return newest((each for each in of_kind if each.created_ms <= opened_ms), kind)


def number_of(version: ProtocolVersion | None) -> int:
    return 0 if version is None else version.version


def steps_of(version: ProtocolVersion | None, kind: CallKind, language: str) -> tuple[str, ...]:
    if version is not None:
        return version.steps(language)
    return tuple(text(f"protocols.step.{name}", language) for name in _SHIPPED[kind])


def ticked(tickings: Iterable[Ticking], kind: CallKind, version: int) -> Mapping[int, Ticking]:
    """Return the ticks that stand, by step: of several in a row the first, which says who did it and when.

    tickings: oldest first.
    """
    stand: dict[int, Ticking] = {}
    for each in tickings:
        if each.kind != kind or each.version != version:
            continue
        if not each.done:
            stand.pop(each.step, None)
        elif each.step not in stand:
            stand[each.step] = each
    return stand


def typed_steps(typed: str, tidy: Sequence[str] = ("-", "•", "*")) -> tuple[str, ...]:
    """Return the steps of what somebody typed, a line each; empty lines and the marks of a list are none of it."""
    lines = (" ".join(line.split()) for line in typed.splitlines())
    return tuple(each for line in lines if (each := line.lstrip("".join(tidy)).strip()))
