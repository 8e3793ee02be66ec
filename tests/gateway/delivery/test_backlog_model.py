"""What waits for an output, against a model of it: by Hypothesis, and over long days by chance."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.delivery.test_backlog import delivery, numbers
from siaga_gateway.domain.incident import Change
from siaga_gateway.service.delivery.backlog import ALERTS, Backlog
from siaga_gateway.service.store import Delivery


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
        self.skipped: list[int] = []

    @rule(incident=st.integers(1, 5), what=st.sampled_from([Change.OPENED, Change.SEEN, Change.DURESS, Change.CLOSED]))
    def come(self, incident: int, what: Change) -> None:
        self.last += 1
        one = delivery(self.last, incident, what)
        if what in ALERTS and self.of(incident):
            self.due.pop(incident, None)
        self.waiting.append(one)
        self.backlog.add([one])
        self.skip()

    def of(self, incident: int) -> list[Delivery]:
        return [one for one in self.waiting if one.incident_id == incident]

    def rank(self, one: Delivery) -> int:
        mine = self.of(one.incident_id)
        return 2 * (not any(other.change in ALERTS for other in mine)) + bool(mine and mine[0].attempts)

    def skip(self) -> None:
        """What failed, is no alert and has one behind it goes, with its pause."""
        for number in {one.incident_id for one in self.waiting} - set(self.out):
            while len(mine := self.of(number)) > 1 and mine[0].attempts and mine[0].change not in ALERTS:
                self.waiting.remove(mine[0])
                self.skipped.append(mine[0].id)
                self.due.pop(number, None)

    @invariant()
    def tells_what_was_skipped(self) -> None:
        assert sorted(numbers(self.backlog.superseded())) == sorted(self.skipped)
        self.skipped.clear()

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
            if len(wanted) == count or (urgent and self.rank(one) > 1):
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
        self.skip()

    @precondition(lambda self: self.out)
    @rule(choose=st.integers(0, 9))
    def put_back(self, choose: int) -> None:
        self.backlog.put_back(self.settle(choose))
        self.skip()

    @precondition(lambda self: self.out)
    @rule(choose=st.integers(0, 9), pause=st.integers(1, 3))
    def fail(self, choose: int, pause: int) -> None:
        one = self.settle(choose)
        self.backlog.failed(one, "503", self.now + pause)
        failed = replace(one, attempts=one.attempts + 1, detail="503")
        self.waiting = [failed if other.id == one.id else other for other in self.waiting]
        if self.of(one.incident_id):
            self.due[one.incident_id] = self.now + pause
        self.skip()

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
        self.skip()

    @precondition(lambda self: self.waiting)
    @rule(choose=st.integers(0, 9), delivered=st.booleans())
    def another_did(self, choose: int, delivered: bool) -> None:
        """Another worker delivered the first of an incident, or failed to; what is out here is out all the same."""
        one = self.of(self.waiting[choose % len(self.waiting)].incident_id)[0]
        tried = [] if delivered else [replace(one, attempts=one.attempts + 1)]
        at = self.waiting.index(one)
        self.waiting[at : at + 1] = tried
        if not self.of(one.incident_id):
            self.due.pop(one.incident_id, None)
        self.read_anew()

    @invariant()
    def says_when_it_is_due(self) -> None:
        paused = [at for number, at in self.due.items() if at > self.now]
        assert self.backlog.next_due() <= min(paused, default=float("inf"))


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

TestBacklogAgainstAModel = Model.TestCase

# How often each, in the long run.
STEPS = {
    "come": 6,
    "give_out": 8,
    "done": 4,
    "put_back": 1,
    "fail": 4,
    "time_passes": 2,
    "all_due": 1,
    "read_anew": 1,
    "another_did": 1,
}

DRAINING = {**STEPS, "come": 1, "done": 8, "fail": 1, "read_anew": 0, "another_did": 1}


def test_the_same_over_long_days_by_chance() -> None:
    """Hypothesis leaves rules out of most of its runs: few of them fail, pause and settle often enough to mix."""
    steps, paused = Counter[str](), 0
    for seed in range(60):
        chance, model = random.Random(seed), Model()
        for step in range(120):
            often = DRAINING if step % 40 > 20 else STEPS
            name = chance.choices(*zip(*often.items(), strict=True))[0]
            if name in ("done", "put_back", "fail") and not model.out:
                continue
            if name == "another_did" and not model.waiting:
                continue
            steps[name] += 1
            paused += any(at > model.now for at in model.due.values())
            if name == "come":
                model.come(chance.randint(1, 5), chance.choice([Change.OPENED, Change.SEEN, Change.DURESS]))
            elif name == "give_out":
                model.give_out(chance.randint(1, 4), chance.randint(1, 3), chance.random() < 0.3)
            elif name == "fail":
                model.fail(chance.randint(0, 9), chance.randint(1, 3))
            elif name in ("done", "put_back"):
                getattr(model, name)(chance.randint(0, 9))
            elif name == "another_did":
                model.another_did(chance.randint(0, 9), chance.random() < 0.5)
            elif name == "time_passes":
                model.time_passes(1)
            else:
                getattr(model, name)()
            model.says_when_it_is_due()
            if name == "read_anew":
                assert model.backlog.last_id == max((one.id for one in model.waiting), default=0)
    assert min(steps.values()) > 100 and len(steps) == len(STEPS) and paused > 1_000, (
        "it has come far enough in to mean something"
    )
