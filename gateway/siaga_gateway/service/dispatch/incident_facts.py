"""What the journal says of incidents, as facts for their escalation. Pure.

The journal is written with each change, in one transaction, and numbered in the order of the commits: whoever follows
it misses nothing, whichever process or page made the change.
"""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.escalation_state import Escalation, Fact, FactKind
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry

FOLLOWED: Final = frozenset(
    {
        journal.INCIDENT_OPENED,
        journal.PRESSED_AGAIN,
        journal.DURESS,
        journal.SEEN,
        journal.ACKNOWLEDGED,
        journal.ACKNOWLEDGEMENT_UNDONE,
        journal.RESUMED,
        journal.EXERCISE_ASKED,
        journal.MADE_REAL,
        journal.ASSIGNED,
        journal.STOOD_DOWN,
        journal.ON_SCENE,
        journal.DISPATCHED_BY_PERSON,
        journal.CLOSED,
        journal.REOPENED,  # wave_plan.py begins its escalation anew
        journal.RESPONDER_SAID,
        journal.TEXT_UNCLEAR,
        journal.CALL_FAILED,
        journal.CALLED_BACK,
        # These mean nothing to an escalation, and something to the alarm level.
        journal.POSITION,
        journal.MAINTENANCE_OPENED,
        journal.TAMPER,
        journal.KEY_COPIED,
        journal.CANCELLED_BY_HOLDER,
    }
)
UNIT: Final = "unit:"  # of an assignment that a desk made by name
_SIMPLE: Final = {
    journal.DURESS: FactKind.PRESSED_AGAIN,
    journal.DISPATCHED_BY_PERSON: FactKind.RELEASED,
    journal.RESUMED: FactKind.RESUMED,
    journal.EXERCISE_ASKED: FactKind.RESTORED,
    journal.MADE_REAL: FactKind.MADE_REAL,
    journal.ACKNOWLEDGEMENT_UNDONE: FactKind.UNDONE,
    journal.CLOSED: FactKind.CLOSED,
}
# What a responder may say; the rest of the facts is the desk's, or the gateway's.
RESPONDER_MAY_SAY: Final = frozenset(
    {
        FactKind.ACCEPTED,
        FactKind.DECLINED,
        FactKind.WITHDREW,
        FactKind.ARRIVED,
        FactKind.ALIVE,
        FactKind.BACKUP,
        FactKind.FINISHED,
    }
)


def facts_of(entry: JournalEntry, state: Escalation) -> tuple[Fact, ...]:
    """Return what a journal entry means for an escalation in this state; nothing, if it is the opening."""
    facts = entry.facts
    match entry.kind:
        case journal.PRESSED_AGAIN:
            again = Fact(FactKind.PRESSED_AGAIN)
            return (Fact(FactKind.RELEASED), again) if facts.get("released") else (again,)
        case journal.SEEN | journal.ACKNOWLEDGED:
            return (Fact(FactKind.ACKNOWLEDGED, wave=_count(facts.get("wave"))),)
        case journal.ASSIGNED:
            who = f"{UNIT}{facts.get('unit')}"
            return _assigned(who, facts.get("eta_minutes"), state, beside=bool(facts.get("beside")))
        case journal.STOOD_DOWN:
            gone = FactKind.FINISHED if facts.get("there") else FactKind.WITHDREW
            return (Fact(gone, f"{UNIT}{facts.get('unit')}"),)
        case journal.ON_SCENE:
            return (Fact(FactKind.ARRIVED, f"{UNIT}{facts.get('unit')}"),)
        case journal.RESPONDER_SAID:
            said = FactKind(str(facts.get("said")))
            if said not in RESPONDER_MAY_SAY:
                return ()
            minutes = facts.get("minutes")
            return (Fact(said, str(facts.get("who")), minutes if isinstance(minutes, int) else None),)
        case journal.TEXT_UNCLEAR:
            return (Fact(FactKind.UNCLEAR, str(facts.get("who"))),)
        case journal.CALLED_BACK if facts.get("call_back") == CallBack.DURESS_WORD:
            return (Fact(FactKind.PRESSED_AGAIN),)
        case journal.CALL_FAILED:
            return (Fact(FactKind.RUNG_LEFT, call=_count(facts.get("call"))),)
        case kind if kind in _SIMPLE:
            return (Fact(_SIMPLE[kind]),)
    return ()


def _assigned(who: str, minutes: object, state: Escalation, *, beside: bool) -> tuple[Fact, ...]:
    """Unless a unit is sent beside others, it takes their place, and they come no more. In this order there is no
    moment in which nobody comes."""
    before = [] if beside else [each.who for each in state.assignments if each.who.startswith(UNIT) and each.who != who]
    promised = minutes if isinstance(minutes, int) else None
    return (Fact(FactKind.ASSIGNED, who, promised), *(Fact(FactKind.WITHDREW, each) for each in before))


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
