"""Which calls of a major incident may be closed with others (domain/closing_together.py)."""

from __future__ import annotations

import pytest

from gateway.rule_values import NOW_MS, incident
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.closing_together import Doubt, doubt_of
from siaga_gateway.domain.escalation_state import Assignment, Escalation, Phase, Progress, Why
from siaga_gateway.domain.incident import Answered, IncidentState, Mode
from siaga_gateway.domain.value import copied

SEEN = copied(incident(), state=IncidentState.SEEN)
AT_REST = Escalation(SEEN.id, Phase.ACKNOWLEDGED, Why.OPENED, NOW_MS)


def test_one_that_was_seen_and_is_at_rest_may_be() -> None:
    assert doubt_of(SEEN, AT_REST) is None
    called_off = copied(SEEN, answered=Answered.COMING, call_back=CallBack.CALLED_OFF, called_presses=SEEN.presses)
    assert doubt_of(called_off, AT_REST) is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"duress": True}, Doubt.DURESS),
        ({"call_back": CallBack.DURESS_WORD}, Doubt.DURESS),
        ({"held": True}, Doubt.HELD),
        ({"state": IncidentState.OPEN}, Doubt.UNSEEN),
        ({"key_copied": True}, Doubt.KEY_COPIED),
        *(
            ({"call_back": came}, Doubt.CALLED_BACK)
            for came in (CallBack.CONFIRMED, CallBack.UNANSWERED, CallBack.CUT, CallBack.NO_WORD)
        ),
        ({"call_back": CallBack.CALLED_OFF, "called_presses": 1, "presses": 2}, Doubt.CALLED_BACK),
        ({"answered": Answered.WITHDRAWN}, Doubt.WITHDRAWN),
    ],
)
def test_each_doubt_leaves_it_out(fields: dict[str, object], why: Doubt) -> None:
    assert doubt_of(copied(SEEN, **fields), AT_REST) is why


@pytest.mark.parametrize("phase", [Phase.HELD, Phase.CALLING, Phase.ASKED])
def test_what_rings_is_left_out(phase: Phase) -> None:
    assert doubt_of(SEEN, copied(AT_REST, phase=phase)) is Doubt.RINGS


def test_one_whose_calls_for_help_are_not_known_is_left_out_but_for_a_test_which_has_none() -> None:
    assert doubt_of(SEEN, None) is Doubt.RINGS and doubt_of(copied(SEEN, mode=Mode.TEST), None) is None


def test_an_officer_who_does_not_answer_from_the_scene_keeps_it_out() -> None:
    silent = Assignment("responder:budi", Progress.ON_SCENE, 1, NOW_MS, asked=True)
    assert doubt_of(SEEN, copied(AT_REST, assignments=(silent,))) is Doubt.SILENT
