"""What waits for an output, in which order it goes, and the patience with a receiver."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from siaga_gateway.domain.incident import Change
from siaga_gateway.service.backlog import ALERTS, Backlog
from siaga_gateway.service.patience import Patience
from siaga_gateway.service.store import Delivery, DeliveryState


def delivery(number: int, incident: int, what: Change = Change.SEEN, attempts: int = 0) -> Delivery:
    return Delivery(
        number, f"k{number}", "cad", incident, number, what, DeliveryState.PENDING, attempts, 0, 0, None, None
    )


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [one.id for one in deliveries]


def test_of_each_incident_one_at_a_time_in_order() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7), delivery(2, 8), delivery(3, 7)])
    first, second = backlog.give_out(10, 10, 0.0)
    assert (first.id, second.id) == (1, 2)
    assert backlog.give_out(10, 10, 0.0) == []
    backlog.done(first)
    assert numbers(backlog.give_out(10, 10, 0.0)) == [3]


def test_what_stands_before_an_alert_is_as_urgent_as_the_alert() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7), delivery(2, 8), delivery(3, 8, Change.DURESS), delivery(4, 9, Change.OPENED)])
    assert numbers(backlog.give_out(10, 10, 0.0, urgent=True)) == [2, 4]
    assert numbers(backlog.give_out(10, 10, 0.0)) == [1]


def test_a_failure_holds_back_its_own_incident_until_it_is_due() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7), delivery(2, 7), delivery(3, 8)])
    one, other = backlog.give_out(10, 10, 0.0)
    backlog.failed(one, "503", due_at=5.0)
    backlog.done(other)
    assert backlog.next_due() == 5.0
    assert backlog.give_out(10, 10, 4.9) == []
    (again,) = backlog.give_out(10, 10, 5.0)
    assert (again.id, again.attempts, again.detail) == (1, 1, "503")


def test_few_that_failed_before_are_out_at_once() -> None:
    backlog = Backlog()
    backlog.add([delivery(n, n, Change.OPENED, attempts=1) for n in range(1, 5)] + [delivery(9, 9)])
    assert numbers(backlog.give_out(10, 2, 0.0)) == [1, 2, 9]
    assert backlog.give_out(10, 2, 0.0) == []


def test_what_is_out_stays_so_when_all_is_read_anew() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7), delivery(2, 8)])
    one, other = backlog.give_out(10, 10, 0.0)
    backlog.read_anew([delivery(1, 7), delivery(3, 7)])  # the other was delivered by somebody else
    assert backlog.give_out(10, 10, 0.0) == []
    backlog.done(other)
    backlog.done(one)
    assert numbers(backlog.give_out(10, 10, 0.0)) == [3]


class Model(RuleBasedStateMachine):
    """Against a list: never two of an incident, always its oldest, nothing forgotten, the most urgent first."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog()
        self.waiting: list[Delivery] = []
        self.out: dict[int, Delivery] = {}
        self.due: dict[int, float] = {}
        self.now = 0.0
        self.last = 0

    @rule(incident=st.integers(1, 5), what=st.sampled_from([Change.OPENED, Change.SEEN, Change.DURESS, Change.CLOSED]))
    def come(self, incident: int, what: Change) -> None:
        self.last += 1
        one = delivery(self.last, incident, what)
        self.waiting.append(one)
        self.backlog.add([one])

    def rank(self, one: Delivery) -> int:
        return int(not any(o.incident_id == one.incident_id and o.change in ALERTS for o in self.waiting))

    def may_go(self) -> list[Delivery]:
        firsts: dict[int, Delivery] = {}
        for one in self.waiting:
            firsts.setdefault(one.incident_id, one)
        able = [
            one for number, one in firsts.items() if number not in self.out and self.due.get(number, 0.0) <= self.now
        ]
        return sorted(able, key=lambda one: (self.rank(one), one.id))

    @rule(count=st.integers(1, 4), again=st.integers(1, 3), urgent=st.booleans())
    def give_out(self, count: int, again: int, urgent: bool) -> None:
        wanted: list[Delivery] = []
        busy = sum(one.attempts > 0 for one in self.out.values())
        for one in self.may_go():
            if len(wanted) == count or (urgent and self.rank(one)):
                break
            if one.attempts and busy >= again:
                continue
            busy += one.attempts > 0
            wanted.append(one)
        given = self.backlog.give_out(count, again, self.now, urgent=urgent)
        assert given == wanted
        for one in given:
            assert self.backlog.rank(one) == self.rank(one)
            self.out[one.incident_id] = one
            self.due.pop(one.incident_id, None)

    def settle(self, choose: int) -> Delivery:
        return self.out.pop(sorted(self.out)[choose % len(self.out)])

    @precondition(lambda self: self.out)
    @rule(choose=st.integers(0, 9))
    def done(self, choose: int) -> None:
        one = self.settle(choose)
        self.backlog.done(one)
        self.waiting = [other for other in self.waiting if other.id != one.id]

    @precondition(lambda self: self.out)
    @rule(choose=st.integers(0, 9))
    def put_back(self, choose: int) -> None:
        self.backlog.put_back(self.settle(choose))

    @precondition(lambda self: self.out)
    @rule(choose=st.integers(0, 9), pause=st.integers(1, 3))
    def fail(self, choose: int, pause: int) -> None:
        one = self.settle(choose)
        self.backlog.failed(one, "503", self.now + pause)
        failed = replace(one, attempts=one.attempts + 1, detail="503")
        self.waiting = [failed if other.id == one.id else other for other in self.waiting]
        self.due[one.incident_id] = self.now + pause

    @rule(by=st.integers(1, 3))
    def time_passes(self, by: int) -> None:
        self.now += by

    @rule()
    def all_due(self) -> None:
        self.due.clear()
        self.backlog.all_due()

    @rule()
    def read_anew(self) -> None:
        self.backlog.read_anew(list(self.waiting))

    @invariant()
    def says_when_it_is_due(self) -> None:
        paused = [at for number, at in self.due.items() if at > self.now]
        assert self.backlog.next_due() <= min(paused, default=float("inf"))


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBacklogAgainstAModel = Model.TestCase


# Patience


def patient(at_once: int = 8) -> Patience:
    return Patience(at_once, chance=lambda: 0.5)


def test_a_receiver_that_works_has_all_places() -> None:
    patience = patient()
    assert [patience.room(busy, 0.0) for busy in (0, 3, 8, 9)] == [8, 5, 0, 0]
    patience.failed(0.0, 1.0)
    patience.failed(0.0, 1.0)
    assert not patience.down and patience.room(0, 1.0) == 8, "two failures may be their notices' own"


def test_one_that_is_down_is_asked_by_one_at_a_time_and_ever_more_rarely_up_to_five_seconds() -> None:
    patience, now, asked = patient(), 10.0, []
    for _ in range(8):
        patience.failed(begun=0.0, now=now)
    assert patience.down
    for _ in range(6):
        now = patience.again_at()
        assert patience.room(0, now - 0.01) == 0
        assert patience.room(0, now) == 1
        patience.probing(now)
        assert patience.room(1, now) == 0, "not yet"
        assert patience.room(1, patience.again_at()) == 1, "where the first hangs, one more"
        assert patience.room(2, now + 1000) == 0
        asked.append(now)
        patience.failed(begun=now, now=now)
    assert [round(later - sooner, 6) for sooner, later in pairwise(asked)] == [2, 4, 5, 5, 5]


def test_of_the_many_that_were_under_way_when_it_went_down_only_one_counts() -> None:
    patience = patient()
    for _ in range(8):
        patience.failed(begun=0.0, now=10.0)
    assert patience.again_at() == 11.0


def test_one_answer_and_all_places_are_open_again() -> None:
    patience = patient()
    for _ in range(8):
        patience.failed(0.0, 1.0)
    assert patience.heard()
    assert not patience.down and patience.room(0, 1.0) == 8
    assert not patience.heard()


def test_a_person_who_asks_has_it_tried_at_once() -> None:
    patience = patient(1)
    for _ in range(20):
        patience.failed(0.0, 1.0)
    assert patience.room(0, 1.0) == 0
    patience.forget()
    assert patience.room(0, 1.0) == 1
