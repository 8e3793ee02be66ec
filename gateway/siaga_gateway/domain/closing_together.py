"""Which calls of a major incident may be closed with others, in one step: those of which nothing is in doubt. Pure."""

from __future__ import annotations

from enum import StrEnum

from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.escalation_state import Escalation, Phase
from siaga_gateway.domain.incident import Answered, Incident, IncidentState, Mode


class Doubt(StrEnum):
    """Why a call is closed alone, the gravest first."""

    DURESS = "duress"
    HELD = "held"  # the registration is not active, and nobody has decided
    UNSEEN = "unseen"
    KEY_COPIED = "key_copied"
    CALLED_BACK = "called_back"  # ringing the holder back has not shown that all is well
    SILENT = "silent"  # an officer on scene does not answer
    RINGS = "rings"
    WITHDRAWN = "withdrawn"  # nobody comes any more


def is_settled(incident: Incident) -> bool:
    """Whether nothing came of ringing the holder back, or his code word, and no press after it."""
    if incident.call_back is CallBack.CALLED_OFF:
        return incident.presses <= incident.called_presses
    return incident.call_back is CallBack.NOT_TRIED


def doubt_of(incident: Incident, known: Escalation | None) -> Doubt | None:
    """Return why an open call is not closed with others; None: it may be.

    known: its escalation; None: it cannot be read, or calls nobody yet. Of a test there is none.
    """
    if incident.duress or incident.call_back is CallBack.DURESS_WORD:
        return Doubt.DURESS
    if incident.held:
        return Doubt.HELD
    if incident.state is IncidentState.OPEN:
        return Doubt.UNSEEN
    if incident.key_copied:
        return Doubt.KEY_COPIED
    if not is_settled(incident):
        return Doubt.CALLED_BACK
    if known is not None and any(each.asked for each in known.assignments):
        return Doubt.SILENT
    at_rest = incident.mode is Mode.TEST if known is None else known.phase is Phase.ACKNOWLEDGED
    if not at_rest:
        return Doubt.RINGS
    return Doubt.WITHDRAWN if incident.answered is Answered.WITHDRAWN else None
