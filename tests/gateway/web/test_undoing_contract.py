"""An acknowledgement taken back: one contract for the console's fake and for the steps on the store."""

from __future__ import annotations

import pytest

from gateway.web.test_console_contracts import Console, console
from siaga_gateway.domain.escalation_state import Escalation, Phase, Why
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import OperateError

__all__ = ["console"]  # a fixture


def test_an_acknowledgement_is_taken_back_by_who_took_it_until_somebody_steps(console: Console) -> None:
    number, other = console.open(), console.open()
    seen = console.operate.seen(number, "Rina")
    with pytest.raises(OperateError):
        console.operate.undo(number, "Budi")
    undone = console.operate.undo(number, "Rina", shown=seen.progress)
    assert (undone.state, undone.seen_by, undone.seen_at_ms) == (IncidentState.OPEN, None, None)
    assert console.operate.undo(number, "Rina") == undone, "a form that was sent twice"
    kinds = [entry.kind for entry in console.reader.journal_of_incident(number)]
    assert kinds == ["incident_opened", "seen", "acknowledgement_undone"], "a step of its own, no removal"
    assert console.operate.seen(number, "Budi").seen_by == "Budi"
    console.operate.add_note(number, "Rina", "saya ikut")
    with pytest.raises(OperateError):
        console.operate.undo(number, "Budi")

    console.operate.assign(other, "Rina", "Raimas 1", 4)
    console.climb(Escalation(other, Phase.CALLING, Why.BACKUP, 1, 2, wave=2))
    console.operate.acknowledge(other, "Rina", 2)
    assert console.operate.undo(other, "Rina").state is IncidentState.ASSIGNED
    entry = console.reader.journal_of_incident(other)[-1]
    assert entry.kind == journal.ACKNOWLEDGEMENT_UNDONE and entry.facts["again"] is True
    with pytest.raises(OperateError, match="999"):
        console.operate.undo(999, "Rina")
