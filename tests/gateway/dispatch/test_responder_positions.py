"""A position is kept while its owner is on duty, available or assigned, for days, and what is not taken is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway import sample_store
from gateway.dispatch.listed_responders import ALWAYS, BUDI, NOW_MS, SAID, SEA, WATI
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation import opened
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import Assignment, Progress
from siaga_gateway.domain.responders import OLDEST_MS, UNKNOWN_AGE_MS
from siaga_gateway.domain.shifts import DutyState, SelfDeclared
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.responder_positions import (
    Outcome,
    PositionIntake,
    PositionReport,
    forget_positions,
)
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import StoreFailing, Transaction
from waiting import ENDS_S, HOURS_S

DAY_MS = 86_400_000
MINUTE = 60_000
TAKEN, NOTHING_NEW, OFF_DUTY, OLD, COARSE, IMPOSSIBLE, GONE = Outcome


class Phones:
    """The intake, and what it told."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.clock = ManualClock(NOW_MS)
        self.rings = 0
        self.intake = PositionIntake(store, self.clock, self, Duty(store, ZoneInfo("Asia/Jakarta")))  # type: ignore[arg-type]

    def ring(self) -> None:
        self.rings += 1

    def say(self, latitude: int = SEA[0], told_ms: int = NOW_MS, **more: object) -> Outcome:
        whole = {"accuracy_m": 10, "made_ms": None, "is_ping": False, "heard_ms": self.clock.at_ms, **more}
        report = PositionReport(
            str(whole.pop("responder", "budi")), latitude, SEA[1], told_ms=told_ms, **whole  # type: ignore[arg-type]
        )  # fmt: skip
        (outcome,) = self.intake.take([report])
        return outcome

    def kept(self) -> tuple[int, int] | None:
        found = self.store.positions_of(["budi"]).get("budi")
        return None if found is None else (found.latitude, found.fix_ms)

    def told(self) -> list[tuple[object, object, object]]:
        entries = (one.facts for one in self.store.journal_after(0) if one.kind == journal.POSITIONS_REFUSED)
        return [(facts["responder"], facts["why"], facts["count"]) for facts in entries]


@pytest.fixture
def phones(tmp_path: Path) -> Iterator[Phones]:
    store = sample_store.new_store(tmp_path)
    with store.transaction() as transaction:
        transaction.put_responders([BUDI, WATI])
        transaction.set_shifts("budi", [ALWAYS])
    yield Phones(store)
    store.close()


def test_the_newest_position_is_kept_whatever_the_order(phones: Phones) -> None:
    assert phones.say() is TAKEN and phones.kept() == (SEA[0], NOW_MS)
    assert phones.say() is NOTHING_NEW
    assert phones.say(SEA[0] + 9, NOW_MS - MINUTE) is NOTHING_NEW
    phones.clock.at_ms = NOW_MS + 9 * MINUTE
    reports = [
        PositionReport(
            "budi", SEA[0] + 9_000 * step, SEA[1], 10, NOW_MS + step * MINUTE, None, False, NOW_MS + 9 * MINUTE
        )
        for step in (3, 1, 2)
    ]
    assert phones.intake.take(reports) == [TAKEN, NOTHING_NEW, NOTHING_NEW], "a backlog arrives in one go"
    assert phones.kept() == (SEA[0] + 27_000, NOW_MS + 3 * MINUTE)
    assert phones.intake.take([]) == [] and not phones.told()


def test_who_is_off_duty_is_not_followed_and_nothing_is_told(phones: Phones) -> None:
    assert phones.say(responder="wati") is OFF_DUTY
    with phones.store.transaction() as transaction:
        transaction.declare(SAID)
    assert phones.say() is OFF_DUTY and phones.kept() is None
    phones.clock.at_ms = SAID.until_ms
    assert phones.say(told_ms=NOW_MS + 1) is OFF_DUTY, "where he was while he was off"
    assert phones.say(told_ms=SAID.until_ms) is TAKEN
    assert phones.say(responder="wati", told_ms=SAID.until_ms) is OFF_DUTY
    with phones.store.transaction() as transaction:
        transaction.declare(SelfDeclared("wati", DutyState.AVAILABLE, SAID.until_ms, SAID.until_ms + MINUTE))
    assert phones.say(responder="wati", told_ms=SAID.until_ms) is TAKEN
    assert not phones.told()


def test_who_is_assigned_is_followed_off_duty_too_and_not_backwards(phones: Phones) -> None:
    sample_store.with_device(phones.store)
    incident = sample_store.open_incident(phones.store, 1)
    state = opened(incident.id, NOW_MS, Ladder("Contoh")).state
    with phones.store.transaction() as transaction:
        transaction.put_escalation(
            copied(state, assignments=(Assignment("responder:wati", Progress.COMING, 1, NOW_MS),))
        )
    assert phones.say(responder="wati", told_ms=NOW_MS - 31 * MINUTE) is OFF_DUTY
    assert phones.say(responder="wati") is TAKEN


def test_whoever_was_removed_is_gone_at_once(phones: Phones) -> None:
    assert phones.say() is TAKEN
    with phones.store.transaction() as transaction:
        transaction.change_responders()
        transaction.remove_responders(["budi"])
    assert phones.say(told_ms=NOW_MS + MINUTE) is GONE and phones.kept() is None


def test_what_is_too_old_or_too_coarse_is_told_once_an_hour(phones: Phones) -> None:
    assert phones.say(told_ms=NOW_MS - OLDEST_MS - 1) is OLD
    for _ in range(3):
        assert phones.say(accuracy_m=10_001) is COARSE
    assert phones.say(accuracy_m=10_000) is TAKEN
    assert phones.told() == [("budi", "position_refused.old", 1), ("budi", "position_refused.coarse", 1)]
    phones.clock.at_ms += 60 * MINUTE
    assert phones.say(accuracy_m=10_001) is COARSE
    assert phones.told()[-1] == ("budi", "position_refused.coarse", 3) and phones.rings == 3


def test_one_wild_fix_is_an_error_and_a_second_that_agrees_is_the_truth(phones: Phones) -> None:
    far = SEA[0] + 5_000_000  # 56 km
    assert phones.say() is TAKEN
    phones.clock.at_ms += 9 * MINUTE
    assert phones.say(far, NOW_MS + MINUTE) is IMPOSSIBLE
    assert phones.say(SEA[0] + 9_000, NOW_MS + 2 * MINUTE) is TAKEN, "back where he was"
    assert phones.say(far, NOW_MS + 3 * MINUTE) is IMPOSSIBLE
    assert phones.say(far, NOW_MS + 3 * MINUTE) is IMPOSSIBLE, "the same fix once more is no second one"
    assert phones.say(far + 9_000, NOW_MS + 4 * MINUTE) is TAKEN
    assert phones.kept() == (far + 9_000, NOW_MS + 4 * MINUTE)


def test_a_ping_moves_nothing_but_says_that_the_phone_lives(phones: Phones) -> None:
    assert phones.say() is TAKEN
    phones.clock.at_ms = later = NOW_MS + 30 * MINUTE
    assert phones.say(told_ms=later, is_ping=True) is TAKEN
    found = phones.store.positions_of(["budi"])["budi"]
    assert (found.fix_ms, found.heard_ms, found.fix_known) == (NOW_MS, later, True)
    assert phones.say(SEA[0] + 9_000, told_ms=later, is_ping=True) is TAKEN
    assert phones.kept() == (SEA[0] + 9_000, later - UNKNOWN_AGE_MS)


def test_a_clock_that_was_set_back_hides_nobody(phones: Phones) -> None:
    phones.clock.at_ms = NOW_MS + DAY_MS // 2
    assert phones.say(told_ms=NOW_MS + DAY_MS // 2) is TAKEN
    phones.clock.at_ms = NOW_MS
    assert phones.say(SEA[0] + 9_000) is TAKEN and phones.kept() == (SEA[0] + 9_000, NOW_MS)


def test_what_a_broker_retained_takes_nothing_from_what_is_newer(phones: Phones) -> None:
    assert phones.say() is TAKEN
    before = NOW_MS - 10 * MINUTE
    assert phones.say(SEA[0] + 9_000, before, heard_ms=before) is NOTHING_NEW
    assert phones.kept() == (SEA[0], NOW_MS), "of another phone, say"


def test_what_a_broker_retained_is_judged_by_what_is_now(phones: Phones) -> None:
    made = NOW_MS - OLDEST_MS - 1
    assert phones.say(told_ms=made, heard_ms=made) is OLD and phones.kept() is None
    assert not phones.told(), "each new subscription brings it: nobody can mend that"
    with phones.store.transaction() as transaction:
        transaction.declare(SAID)
    before = SAID.since_ms - MINUTE
    assert phones.say(told_ms=before, heard_ms=before) is OFF_DUTY, "he was on duty then, and is not now"
    assert phones.kept() is None


def test_a_phone_whose_clock_is_ahead_is_taken(phones: Phones) -> None:
    assert phones.say(told_ms=NOW_MS + DAY_MS, made_ms=NOW_MS + DAY_MS + 2_000) is TAKEN
    assert phones.kept() == (SEA[0], NOW_MS - 2_000)


def test_positions_are_kept_for_days_and_so_are_words(phones: Phones) -> None:
    phones.say()
    with phones.store.transaction() as transaction:
        transaction.declare(SAID)
    phones.clock.at_ms = NOW_MS + 3 * DAY_MS
    assert forget_positions(phones.store, phones.clock, 3) == 0 and phones.kept() is not None
    phones.clock.at_ms += 1
    assert forget_positions(phones.store, phones.clock, 3) == 1 and phones.kept() is None
    phones.clock.at_ms += MINUTE
    assert forget_positions(phones.store, phones.clock, 3) == 0 and not phones.store.declared()


def test_what_cannot_be_stored_is_not_taken_and_comes_again(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise StoreFailing("passed_on", why="disk")

    with monkeypatch.context() as patch:
        patch.setattr("siaga_gateway.adapters.sql.transaction.SqlTransaction.finish", fails)
        with pytest.raises(StoreFailing):
            phones.say()
        phones.intake.refused(None, "position_refused.login")
    assert phones.kept() is None and not phones.told()
    assert phones.say() is TAKEN
    phones.intake.refused(None, "position_refused.login")
    assert phones.told() == [(None, "position_refused.login", 2)]


def test_duty_is_judged_before_the_transaction_and_who_was_removed_since_stays_removed(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[bool] = []
    begin, current = phones.store.transaction, Duty._current
    inside = removed = False

    @contextmanager
    def transaction() -> Iterator[Transaction]:
        nonlocal inside
        if removed:
            with begin() as another:  # of another process, at the last moment
                another.change_responders()
                another.remove_responders(["budi"])
        with begin() as found:
            inside = True
            yield found
        inside = False

    def watched(duty: Duty) -> object:
        judged.append(inside)
        return current(duty)

    monkeypatch.setattr(phones.store, "transaction", transaction)
    monkeypatch.setattr(Duty, "_current", watched)
    assert phones.say() is TAKEN and judged and not any(judged)
    removed = True
    phones.clock.at_ms += MINUTE
    assert phones.say(told_ms=NOW_MS + MINUTE) is GONE and phones.kept() is None
    assert judged[-1], "once more, as the list is another"


def test_what_is_refused_waits_for_nothing_that_is_taken(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go_on = threading.Event(), threading.Event()
    assigned = phones.store.assigned_responders

    def slow() -> frozenset[str]:
        reached.set()
        go_on.wait(HOURS_S)
        return assigned()

    monkeypatch.setattr(phones.store, "assigned_responders", slow)
    taking = threading.Thread(target=phones.say)
    taking.start()
    assert reached.wait(ENDS_S)
    refusing = threading.Thread(target=phones.intake.refused, args=(None, "position_refused.login", 3), daemon=True)
    refusing.start()
    refusing.join(ENDS_S)
    told = phones.told()
    go_on.set()
    taking.join(ENDS_S)
    assert told == [(None, "position_refused.login", 3)]


def test_a_batch_is_told_together(phones: Phones) -> None:
    report = PositionReport("budi", *SEA, 10_001, NOW_MS, None, False, NOW_MS)
    assert phones.intake.take([report] * 9) == [COARSE] * 9
    assert phones.told() == [("budi", "position_refused.coarse", 9)]


def test_another_process_asks_in_plain_values(phones: Phones) -> None:
    told = ["budi", *SEA, 10, NOW_MS, None, False, NOW_MS]
    assert phones.intake.take_told([told]) == ["taken"] and phones.kept() == (SEA[0], NOW_MS)
