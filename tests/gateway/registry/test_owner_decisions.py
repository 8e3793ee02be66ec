"""What follows pranks and accidents (service/registry/owner_cases.py): cases, decisions, suspensions and their end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from databases import Place
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import NOW_MS, IngestHarness
from gateway.sample_site import WIB
from pressing_button import PressingButton
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.frame import Flags, Stage
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.owner_cases import DAY_MS, OwnerCase, OwnerCaseKind, OwnerCaseLimits, OwnerCaseState
from siaga_gateway.domain.registry import Owner, RegistrationState
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.bulk_enrol import Registration, enrol_many
from siaga_gateway.service.registry.enrol import EnrolError, NewOwner, Registrar
from siaga_gateway.service.registry.owner_cases import (
    OwnerCaseError,
    OwnerCases,
    SuspensionEnds,
    end_of_suspension,
)
from siaga_gateway.service.registry.retention import Retention, RetentionPolicy
from siaga_gateway.service.registry.subject_access import held_about

LIMITS = OwnerCaseLimits(pranks=3, accidents=2, days=30, longest_days=20)
SUSPENDED, ACTIVE = RegistrationState.SUSPENDED, RegistrationState.ACTIVE


@dataclass
class Street:
    """A gateway, one owner with two buttons, an operator, and Siti, who is a supervisor."""

    desk: IngestHarness
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW_MS))

    def __post_init__(self) -> None:
        store, bell = self.desk.store, JournalNotifier()
        self.buttons = [self.desk.button(), self.desk.button()]
        self.operator = IncidentActions(
            store, self.desk.keyring, SentAnswers(), bell, self.clock, outputs=("cad",), limits=LIMITS
        )
        self.cases = OwnerCases(store, bell, self.clock, LIMITS, ["Siti"], WIB)
        self.ends = SuspensionEnds(store, self.clock, bell)

    def press(self, button: PressingButton, **flags: int) -> Stage:
        self.desk.now_ms = self.clock.now_ms()
        (reply,) = self.desk.take(button.press(self.clock.now_ms() // 1000, **flags))
        return reply.stage

    def call(self, found: str, button: int = 0) -> int:
        """One call of a button, closed as that. Returns its incident."""
        self.press(self.buttons[button])
        incident = self.desk.only()
        if not incident.held:
            self.operator.seen(incident.id, "Rina")
        self.operator.close(incident.id, "Rina", found, "")
        return incident.id

    def pranks(self, second: int = 1) -> OwnerCase:
        """Three of them, and the case that they open. second: the button of the second."""
        for button in (0, second, 0):
            self.call("abuse", button)
        return self.only()

    def only(self) -> OwnerCase:
        ((case, owner),) = self.cases.cases(after=0, limit=9)
        assert owner is not None and owner.name == "Contoh Wati"
        return case

    def day(self, days: int) -> str:
        at = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC) + timedelta(days=days)
        return at.date().isoformat()

    def states(self) -> list[RegistrationState]:
        known = self.desk.store.registrations()
        return [known[button.device_id] for button in self.buttons]

    def noted(self, kind: str) -> list[dict[str, object]]:
        return [dict(entry.facts) for entry in self.desk.journal(kind)]


@pytest.fixture
def street(place: Place) -> Iterator[Street]:
    made = Street(IngestHarness(place))
    yield made
    made.desk.close()


def test_the_third_prank_over_all_buttons_opens_a_case_and_changes_nothing_else(street: Street) -> None:
    street.call("abuse", 0)
    street.call("technical", 1)
    street.call("abuse", 1)
    assert street.cases.cases(after=0, limit=9) == []
    street.call("abuse", 0)
    case = street.only()
    assert (case.kind, case.state, case.count) == (OwnerCaseKind.PRANKS, OwnerCaseState.OPEN, 3)
    assert street.states() == [ACTIVE, ACTIVE] and street.press(street.buttons[0]) is Stage.RECEIVED
    assert street.noted(journal.OWNER_CASE_OPENED) == [
        {"case": case.id, "owner_id": street.desk.owner_id, "about": "pranks", "calls": 3}
    ]
    record = street.cases.record(street.desk.owner_id)
    assert record is not None and [len(record.calls), len(record.cases), len(record.devices)] == [5, 1, 2]
    assert street.cases.record(99) is None


def test_a_correction_takes_the_ground_from_a_case_and_a_later_one_gives_it_back(street: Street) -> None:
    first = street.call("abuse")
    case = street.pranks()
    assert case.count == 4
    street.operator.correct(first, "Budi", "verified", "wound seen later")
    assert street.only().count == 3
    street.operator.correct(first + 1, "Budi", "accidental", "child")
    assert street.cases.cases(after=0, limit=9) == []
    assert [facts["calls"] for facts in street.noted(journal.OWNER_CASE_WITHDRAWN)] == [2]
    street.operator.correct(first + 1, "Siti", "abuse", "was right before")
    assert street.only().id != case.id


def test_only_a_supervisor_decides_with_a_reason_and_an_end_that_is_near_enough(street: Street) -> None:
    case = street.pranks()
    for refused, said in (
        (lambda: street.cases.suspend(case.id, "Rina", "x", street.day(5)), "only a supervisor"),
        (lambda: street.cases.dismiss(case.id, "Rina", "x"), "only a supervisor"),
        (lambda: street.cases.lift(case.id, "Rina", "x"), "only a supervisor"),
        (lambda: street.cases.suspend(case.id, "Siti", " ", street.day(5)), "give a reason"),
        (lambda: street.cases.suspend(case.id, "Siti", "x", ""), "is no day"),
        (lambda: street.cases.suspend(case.id, "Siti", "x", "9999-12-31"), "is no day|too far"),
        (lambda: street.cases.suspend(case.id, "Siti", "x", street.day(-2)), "is over"),
        (lambda: street.cases.suspend(case.id, "Siti", "x", street.day(22)), "at most 20 days"),
        (lambda: street.cases.lift(case.id, "Siti", "x"), "suspends nobody"),
        (lambda: street.cases.advised(case.id, "Siti", "x"), "about pranks"),
        (lambda: street.cases.dismiss(99, "Siti", "x"), "no case 99"),
    ):
        with pytest.raises(OwnerCaseError, match=said):
            refused()
    assert street.only() == case and street.states() == [ACTIVE, ACTIVE]
    assert street.noted(journal.OWNER_CASE_DECIDED) == []
    assert street.cases.dismiss(case.id, "Siti", "boys next door").state is OwnerCaseState.DISMISSED
    with pytest.raises(OwnerCaseError, match="dismissed already, by Siti"):
        street.cases.suspend(case.id, "Siti", "x", street.day(5))
    street.call("abuse")
    assert street.cases.cases(after=0, limit=9) == [], "what was decided is not counted again"


def test_a_suspended_press_is_stored_shown_and_answered_and_duress_is_held_by_nobody(street: Street) -> None:
    case = street.cases.suspend(street.pranks().id, "Siti", "three false calls", street.day(5))
    assert street.states() == [SUSPENDED, SUSPENDED]
    facts = street.noted(journal.OWNER_CASE_DECIDED)[0]
    assert (facts["decision"], facts["reason"], facts["buttons"]) == ("suspended", "three false calls", 2)
    changed = [facts["after"] for facts in street.noted(journal.REGISTRATION_CHANGED)]
    assert changed == ["suspended", "suspended"]
    assert street.press(street.buttons[0]) is Stage.REFUSED
    held = street.desk.only()
    assert held.held and held.registration is SUSPENDED
    record = street.cases.record(street.desk.owner_id)
    assert record is not None and record.calls[0].id == held.id
    assert street.press(street.buttons[0], flags=int(Flags.DURESS)) is Stage.RECEIVED
    assert not street.desk.only().held and street.desk.told()[-1] == (held.id, "opened")
    assert street.only().in_force(street.clock.now_ms()) and street.only() == case


@pytest.mark.parametrize("jump", [0, -5 * 365 * DAY_MS], ids=["in time", "after the clock was set back by years"])
def test_a_suspension_ends_by_itself_before_anybody_looks_and_is_written_down_then(street: Street, jump: int) -> None:
    case = street.cases.suspend(street.pranks().id, "Siti", "three false calls", street.day(5))
    street.ends.work()
    assert street.states() == [SUSPENDED, SUSPENDED], "not before its end"
    assert case.until_ms is not None
    street.clock.at_ms = case.until_ms + jump
    assert street.cases.cases(after=0, limit=9) == []
    assert street.press(street.buttons[0]) is Stage.RECEIVED, "from its first moment on"
    street.ends.work()
    assert street.states() == [ACTIVE, ACTIVE]
    assert [facts.get("by_itself") for facts in street.noted(journal.REGISTRATION_CHANGED)] == [None, None, True, True]
    street.ends.work()
    assert len(street.noted(journal.REGISTRATION_CHANGED)) == 4


def test_a_suspension_lifted_early_lets_those_buttons_serve_that_it_had_taken(street: Street) -> None:
    registrar = Registrar(street.desk.store, street.clock, local=WIB)
    registrar.set_state(street.buttons[1].device_id, SUSPENDED, actor="Dewi", reason="fee not paid")
    case = street.cases.suspend(street.pranks(0).id, "Siti", "three false calls", street.day(5))
    assert street.noted(journal.OWNER_CASE_DECIDED)[0]["buttons"] == 1
    lifted = street.cases.lift(case.id, "Siti", "objection was right")
    assert (lifted.state, lifted.end_reason) == (OwnerCaseState.LIFTED, "objection was right")
    assert street.states() == [ACTIVE, SUSPENDED], "what a registrar suspended stays so"
    assert street.noted(journal.OWNER_CASE_LIFTED)[0]["reason"] == "objection was right"
    with pytest.raises(OwnerCaseError, match="suspends nobody"):
        street.cases.lift(case.id, "Siti", "again")


@pytest.mark.parametrize(
    ("days", "first"), [(3, True), (5, False)], ids=["an earlier day, before the case", "the same day, after it"]
)
def test_a_registrars_own_suspension_stays_until_its_day_when_the_owners_case_is_lifted(
    street: Street, days: int, first: bool
) -> None:
    registrar, button = Registrar(street.desk.store, street.clock, local=WIB), street.buttons[1].device_id
    own_ms = end_of_suspension(street.day(days), street.clock.now_ms(), 20, WIB)

    def by_the_registrar() -> None:
        registrar.set_state(button, SUSPENDED, actor="Dewi", reason="fee not paid", until_ms=own_ms)

    case = street.pranks(0)
    if first:
        by_the_registrar()
    case = street.cases.suspend(case.id, "Siti", "three false calls", street.day(5))
    if not first:
        by_the_registrar()
        changes = len(street.noted(journal.REGISTRATION_CHANGED))
        by_the_registrar()
        assert len(street.noted(journal.REGISTRATION_CHANGED)) == changes, "twice is once"
    assert set(street.desk.store.suspended().values()) == {case.until_ms}, "the case holds until its own day"
    street.cases.lift(case.id, "Siti", "objection was right")
    assert street.states() == [ACTIVE, SUSPENDED] and street.desk.store.suspended() == {button: own_ms}
    street.clock.at_ms = own_ms
    street.ends.work()
    assert street.states() == [ACTIVE, ACTIVE]
    again = street.cases.suspend(street.pranks(0).id, "Siti", "again", street.day(5))
    street.cases.lift(again.id, "Siti", "objection was right")
    assert street.states() == [ACTIVE, ACTIVE], "what has ended does not come back"


def test_another_button_is_no_way_round_a_suspension_and_is_lifted_with_it(street: Street) -> None:
    case = street.cases.suspend(street.pranks().id, "Siti", "three false calls", street.day(5))
    registrar, new = Registrar(street.desk.store, street.clock, local=WIB), PressingButton()
    made = registrar.enrol(street.desk.owner_id, actor="Dewi", label="Toko Contoh, pintu", frame=new.enrol())
    assert (made.state, made.suspended_until_ms) == (SUSPENDED, case.until_ms)
    listed = PressingButton()
    owner = NewOwner("Contoh Wati", "9900000000000001", "+620000000001", "Jl. Contoh 1, Bandar Lampung")
    enrol_many(
        street.desk.store,
        street.clock,
        [Registration(Localized("errors.lists.owner", number=1), listed.enrol(), owner, "Toko")],
        actor="Dewi",
    )
    waiting, pending = PressingButton(), RegistrationState.PENDING
    registrar.enrol(street.desk.owner_id, actor="Dewi", label="Toko", frame=waiting.enrol(), state=pending)
    registrar.set_state(waiting.device_id, ACTIVE, actor="Dewi", reason="installed")
    street.buttons += [new, listed, waiting]
    assert street.states() == [SUSPENDED] * 5
    assert set(street.desk.store.suspended().values()) == {case.until_ms}
    street.cases.lift(case.id, "Siti", "objection was right")
    assert street.states() == [ACTIVE] * 5


def test_accidents_ask_for_advice_by_anybody_and_suspend_nobody(street: Street) -> None:
    street.call("accidental")
    street.call("accidental", 1)
    case = street.only()
    assert (case.kind, street.cases.waiting()) == (OwnerCaseKind.ACCIDENTS, {OwnerCaseKind.ACCIDENTS: 1})
    with pytest.raises(OwnerCaseError, match="accidents are no ground"):
        street.cases.suspend(case.id, "Siti", "x", street.day(5))
    assert street.cases.advised(case.id, "Rina", "longer hold set").state is OwnerCaseState.ADVISED
    assert street.states() == [ACTIVE, ACTIVE] and street.cases.waiting() == {}


def test_a_registrar_gives_a_suspension_an_end_too_and_nothing_else(street: Street) -> None:
    registrar, device_id = Registrar(street.desk.store, street.clock, local=WIB), street.buttons[0].device_id
    change = {"actor": "Dewi", "reason": "fee not paid", "until_ms": NOW_MS + DAY_MS}
    with pytest.raises(EnrolError, match="only a suspension"):
        registrar.set_state(device_id, RegistrationState.EXPIRED, **change)  # type: ignore[arg-type]
    registrar.set_state(device_id, SUSPENDED, **change)  # type: ignore[arg-type]
    later = {**change, "until_ms": NOW_MS + 2 * DAY_MS}
    assert registrar.set_state(device_id, SUSPENDED, **later) is SUSPENDED  # type: ignore[arg-type]
    assert street.desk.store.suspended() == {device_id: NOW_MS + 2 * DAY_MS}
    street.clock.at_ms = NOW_MS + 2 * DAY_MS
    street.ends.work()
    assert street.states()[0] is ACTIVE


def test_a_person_is_told_of_the_cases_and_an_erased_one_has_none(street: Street) -> None:
    street.cases.suspend(street.pranks().id, "Siti", "three false calls", street.day(5))
    store = street.desk.store
    owner = store.owner(street.desk.owner_id)
    assert owner is not None
    copy = held_about(store, owner, WIB)
    assert [(one["about"], one["state"], one["reason"]) for one in copy["cases"]] == [
        ("pranks", "suspended", "three false calls")
    ]
    assert [one["disposition"] for one in copy["incidents"]] == ["abuse"] * 3
    assert all(button["suspended_until"] for button in copy["buttons"])
    decided = [entry for entry in copy["journal"] if entry["kind"] == journal.OWNER_CASE_DECIDED]
    assert decided[0]["by"] == "Siti" and json.dumps(copy)
    retention = Retention(store, street.clock, RetentionPolicy(30, 1, 90, 10, 3_650))
    street.clock.at_ms += 9 * DAY_MS
    assert retention.run(dry=True).cases == 0, "a suspension that nobody has ended keeps its reason"
    with store.transaction() as transaction:
        transaction.lock([button.device_id for button in street.buttons])
        transaction.erase_owner(owner.id, street.clock.now_ms())
    assert store.owner_cases_of(owner.id) == [] and street.cases.record(owner.id) is None


def test_a_button_of_another_owner_is_nobodys_business_here(street: Street) -> None:
    street.call("abuse")
    with street.desk.store.transaction() as transaction:
        other = transaction.add_owner(Owner(0, "Contoh Budi", "9900000000000002", "+620000000002", "Jl. Contoh 2"), 1)
    street.desk.owner_id, mine = other, street.desk.owner_id
    stranger = street.desk.button()
    street.buttons.append(stranger)
    street.call("abuse", 2)
    street.call("abuse", 2)
    assert street.cases.cases(after=0, limit=9) == []
    assert [len(street.desk.store.calls_of(owner)) for owner in (mine, other)] == [1, 2]


def test_a_record_that_cannot_be_read_stops_no_closing(street: Street) -> None:
    first = street.call("abuse")
    with street.desk.store.transaction() as transaction:
        transaction._run("UPDATE incident SET disposition = 'abusf' WHERE id = ?", (first,))
    case = street.pranks()
    assert case.count == 3, "what cannot be read counts for nothing"
    with street.desk.store.transaction() as transaction:
        transaction._run("UPDATE owner_case SET state = 'opem' WHERE id = ?", (case.id,))
    closed = street.desk.store.incident(street.call("abuse"))
    assert closed is not None and closed.state is IncidentState.CLOSED


def test_suspensions_that_are_over_hide_no_case_and_their_reasons_are_forgotten(street: Street) -> None:
    street.cases.suspend(street.pranks().id, "Siti", "three false calls", street.day(1))
    street.clock.at_ms += 2 * DAY_MS
    case = street.pranks()
    assert [each.id for each, _ in street.cases.cases(after=0, limit=1)] == [case.id]
    street.ends.work()
    first, second = reversed(street.desk.store.owner_cases_of(street.desk.owner_id))
    assert (first.ended_ms, second.ended_ms) == (first.until_ms, None)
    assert [each.id for each in street.desk.store.owner_cases()] == [case.id]
    street.clock.at_ms += 7 * DAY_MS
    retention = Retention(street.desk.store, street.clock, RetentionPolicy(30, 10, 90, 10, 3_650))
    retention.run()
    assert street.desk.store.owner_cases_of(street.desk.owner_id)[-1].reason == "three false calls", "10 days"
    street.clock.at_ms += 4 * DAY_MS
    retention.run()
    assert street.desk.store.owner_cases_of(street.desk.owner_id)[-1].reason is None


def test_a_second_longer_suspension_holds_until_its_own_end_and_the_first_when_it_is_lifted(street: Street) -> None:
    first = street.cases.suspend(street.pranks().id, "Siti", "three false calls", street.day(5))
    street.clock.at_ms += DAY_MS
    for _ in range(3):
        street.call("abuse")
    (case,) = [each for each, _ in street.cases.cases(after=0, limit=9) if each.state is OwnerCaseState.OPEN]
    second = street.cases.suspend(case.id, "Siti", "again", street.day(15))
    assert street.noted(journal.OWNER_CASE_DECIDED)[-1]["buttons"] == 2
    assert set(street.desk.store.suspended().values()) == {second.until_ms}
    street.cases.lift(second.id, "Siti", "objection was right")
    assert set(street.desk.store.suspended().values()) == {first.until_ms} and street.states() == [SUSPENDED] * 2
    assert first.until_ms is not None
    street.clock.at_ms = first.until_ms
    street.ends.work()
    assert street.states() == [ACTIVE] * 2
