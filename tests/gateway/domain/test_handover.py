"""Since when a shift is told of, and what an open call waits for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import sample_store
from siaga_gateway.catalogue import LANGUAGES, text
from siaga_gateway.domain.accounts import SESSION_MS
from siaga_gateway.domain.escalation_state import Escalation, Phase, Why
from siaga_gateway.domain.handover import Wait, begins_ms, wait_of
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.value import copied

NOW_MS = 1_800_000_000_000
TIMES = st.integers(0, 2 * NOW_MS)
CALL = Incident(
    1,
    "x-1.y",
    Mode.ACTUAL,
    IncidentState.OPEN,
    sample_store.DEVICE_ID,
    "Toko Contoh",
    RegistrationState.ACTIVE,
    None,
    1,
    NOW_MS,
    None,
    None,
    None,
)
RUNG = Escalation(1, Phase.CALLING, Why.OPENED, NOW_MS)


@given(signed_in=TIMES, taken=st.none() | TIMES, now=TIMES)
def test_a_shift_is_never_longer_than_a_session_nor_begins_later_than_now(
    signed_in: int, taken: int | None, now: int
) -> None:
    begins = begins_ms(signed_in, taken, now)
    assert now - SESSION_MS <= begins <= now
    if now - SESSION_MS <= signed_in <= now:
        assert begins <= signed_in, "what happened since the sign-in is told of"
    if taken is not None and now - SESSION_MS <= taken <= now:
        assert begins <= taken, "and all since the last handover, though the console was closed in between"


def test_what_a_call_waits_for() -> None:
    assigned = copied(
        CALL, state=IncidentState.ASSIGNED, unit="Unit 1", eta_minutes=10, promised_ms=NOW_MS, seen_at_ms=NOW_MS
    )
    seen = copied(CALL, state=IncidentState.SEEN)
    rests = copied(RUNG, phase=Phase.ACKNOWLEDGED, assign_by_ms=NOW_MS + 60_000)
    due = NOW_MS + 600_000
    assert wait_of(CALL, None, NOW_MS) == (Wait.RINGS, None)
    assert wait_of(copied(CALL, held=True), RUNG, NOW_MS) == (Wait.HELD, None)
    assert wait_of(seen, copied(RUNG, phase=Phase.ASKED), NOW_MS) == (Wait.ASKED, None)
    assert wait_of(seen, RUNG, NOW_MS) == (Wait.RINGS, None), "it rings again, though a desk has seen it"
    assert wait_of(seen, rests, NOW_MS) == (Wait.UNASSIGNED, NOW_MS + 60_000)
    assert wait_of(assigned, rests, NOW_MS) == (Wait.PROMISED, due)
    assert wait_of(assigned, rests, due) == (Wait.LATE, due)
    assert wait_of(copied(assigned, state=IncidentState.ON_SCENE), rests, due) == (Wait.NOTHING, None)


@pytest.mark.parametrize("wait", Wait)
def test_every_wait_has_its_words(wait: Wait) -> None:
    if wait is not Wait.NOTHING:
        assert len({text(f"console.shift_waits.{wait}", language) for language in LANGUAGES}) == len(LANGUAGES)
