"""A key in a call becomes an acknowledgement or an acceptance, through the real store, before the way hears of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

import pytest

from databases import Place
from gateway import sample_store
from gateway.dispatch.called_district import CalledDistrict
from gateway.dispatch.listed_places import DISTRICT
from gateway.dispatch.listed_responders import BUDI
from gateway.fake_ports import SentAnswers
from siaga_gateway.domain.escalation_state import Contact as Called
from siaga_gateway.domain.escalation_state import ContactKind, FactKind, Phase, Why
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.keyed_answer import Question, Said, Standing, Taken
from siaga_gateway.domain.local_time import IN_UTC
from siaga_gateway.domain.notification import Notification, NotificationState, made
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.call_messages import CallMessages
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.keyed_answers import KeyedAnswers
from siaga_gateway.service.dispatch.notification_sender import NotificationSender
from siaga_gateway.service.dispatch.people import DutyPeople
from siaga_gateway.service.dispatch.routing import PressOrigin
from siaga_gateway.service.dispatch.ways import Budget, HandedOver, Talk
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import NotDelivered
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import StoreFailing
from waiting import ENDS_S, eventually

PHONE = ContactWay.PHONE
OFFICER = copied(BUDI, ways=(ProvenWay(Contact(PHONE, "+6281200000002"), 1),))
CHIEF = copied(OFFICER, key="citra", skills=("Pimpinan",))


class Line:
    """A way of people who answer: implements service.dispatch.ways.TalkingWay."""

    name, kind, at_once, repeats_recognised, budget = "telepon", PHONE, 1, False, Budget()

    def __init__(self) -> None:
        self.called: list[tuple[str, PersonalMessage]] = []
        self.says: Callable[[str, Talk], HandedOver | NotDelivered] = lambda address, talk: NotDelivered("rang")

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        raise AssertionError("a call about an incident takes answers")

    def call(self, address: str, message: PersonalMessage, key: str, talk: Talk) -> HandedOver | NotDelivered:
        self.called.append((address, message))
        return self.says(address, talk)

    def hang_up(self) -> None: ...
    def close(self) -> None: ...


class Scene:
    def __init__(self, place: Place) -> None:
        self.district = CalledDistrict(place, stations=DISTRICT, ways=(PHONE,))
        store = self.store = self.district.store
        with store.transaction() as transaction:
            transaction.change_responders()
            transaction.put_responders([OFFICER, CHIEF])
        keyring = KeyRing(store, sample_store.GATEWAY_KEY)
        people = ResponderSteps(store, keyring, SentAnswers(), JournalNotifier(), self.district.clock, outputs=())
        self.answers = KeyedAnswers(store, self.district.operator, people, "id")
        self.duty = Duty(store, UTC)
        self.district.people = DutyPeople(self.duty, 5_000)
        self.district.waves = self.district.made(store)
        self.district.go_on()

    def press(self) -> Incident:
        incident = self.district.press()
        self.district.go_on()
        return incident

    def called(self, incident: Incident, recipient: str, kind: ContactKind = ContactKind.CALL) -> Notification:
        """Somebody is called, as of the present wave."""
        wave = self.district.state(incident).wave
        now_ms = self.district.clock.now_ms()
        each = made(incident.id, Called(90, kind, Why.OPENED, wave), recipient, PHONE, 0, None, now_ms)
        with self.store.transaction() as transaction:
            transaction.add_notifications([each])
        # A desk has been called already.
        return next(row for row in self.district.told(incident, PHONE) if row.recipient == recipient)

    def take(self, each: Notification, question: Question, said: Said = Said.YES, name: str = "") -> Taken:
        return self.answers.talk(each, question, name).take(said)

    def kinds(self, incident: Incident) -> list[str]:
        return [entry.kind for entry in self.store.journal_of_incident(incident.id)]

    def now(self, incident: Incident) -> Incident:
        found = self.store.incident(incident.id)
        assert found is not None
        return found


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made_now = Scene(Place("sqlite", tmp_path))
    yield made_now
    made_now.district.close()


def test_a_desk_s_key_acknowledges_by_its_name_and_the_ladder_rests(scene: Scene) -> None:
    incident = scene.press()
    each = scene.called(incident, "station:polres")
    assert scene.take(each, Question.DESK, name="Polres Contoh") is Taken.TAKEN
    assert scene.now(incident).state is IncidentState.SEEN
    assert scene.now(incident).seen_by == "Polres Contoh (lewat telepon)"
    scene.district.go_on()
    assert scene.district.state(incident).phase is Phase.ACKNOWLEDGED
    assert scene.take(each, Question.DESK, name="Polres Contoh") is Taken.TAKEN, "twice is no error"


def test_a_responder_s_key_accepts_and_the_desk_still_rings(scene: Scene) -> None:
    incident = scene.press()
    each = scene.called(incident, "responder:budi")
    assert scene.take(each, Question.RESPONDER) is Taken.TAKEN
    scene.district.go_on()
    state = scene.district.state(incident)
    assert [one.who for one in state.answering] == ["responder:budi"] and state.phase is Phase.CALLING
    assert scene.now(incident).seen_by is None
    assert scene.take(each, Question.RESPONDER, Said.NO) is Taken.TAKEN
    scene.district.go_on()
    assert not scene.district.state(incident).answering


def test_an_officer_on_scene_says_that_he_is_well_or_needs_help(scene: Scene) -> None:
    incident = scene.press()
    each = scene.called(incident, "responder:budi", ContactKind.ASK)
    scene.take(each, Question.RESPONDER)
    scene.answers._people.answer(incident.id, "budi", FactKind.ARRIVED)
    assert scene.take(each, Question.WELL) is Taken.TAKEN
    assert scene.take(each, Question.WELL, Said.NO) is Taken.TAKEN
    said = [e.facts["said"] for e in scene.store.journal_of_incident(incident.id) if e.kind == journal.RESPONDER_SAID]
    assert said[-2:] == ["alive", "backup"]


def test_a_desk_that_cannot_has_acknowledged_nothing(scene: Scene) -> None:
    incident = scene.press()
    each = scene.called(incident, "station:polres")
    assert scene.take(each, Question.DESK, Said.NO) is Taken.TAKEN
    assert scene.now(incident).state is IncidentState.OPEN and journal.ACKNOWLEDGED not in scene.kinds(incident)


@pytest.mark.parametrize("question", [Question.DESK, Question.RESPONDER])
@pytest.mark.parametrize("said", Said)
def test_a_closed_incident_is_over_whatever_is_pressed(scene: Scene, question: Question, said: Said) -> None:
    incident = scene.press()
    each = scene.called(incident, "responder:budi" if question is Question.RESPONDER else "station:polres")
    talk = scene.answers.talk(each, question, "")
    assert talk.standing() is Standing.WANTED
    scene.district.operator.close(incident.id, "Siti", "verified", "")
    assert talk.standing() is Standing.OVER and talk.take(said) is Taken.OVER
    assert scene.now(incident).closed_by == "Siti" and journal.RESPONDER_SAID not in scene.kinds(incident)


def test_a_call_whose_reason_is_gone_is_over(scene: Scene) -> None:
    incident = scene.press()
    each = scene.called(incident, "station:polres")
    with scene.store.transaction() as transaction:
        transaction.put_notifications([copied(each, state=NotificationState.WITHDRAWN, next_at_ms=None)])
    assert scene.answers.standing(each, Question.DESK) is Standing.OVER


def test_a_key_that_is_about_an_older_wave_answers_nothing(scene: Scene) -> None:
    incident = scene.press()
    old = scene.called(incident, "station:polres")
    scene.take(scene.called(incident, "responder:budi"), Question.RESPONDER)
    scene.answers._people.answer(incident.id, "budi", FactKind.BACKUP)
    scene.district.go_on()
    assert scene.district.state(incident).wave > old.wave
    assert scene.take(old, Question.DESK) is Taken.ANEW
    assert scene.district.state(incident).phase is Phase.CALLING


def test_a_key_that_answers_the_exercise_is_none_to_the_call_that_it_became(scene: Scene) -> None:
    incident = scene.press()
    old = scene.called(incident, "responder:budi")
    wave, now_ms = scene.district.state(incident).wave, scene.district.clock.now_ms()
    real = made(
        incident.id, Called(91, ContactKind.CALL, Why.MADE_REAL, wave), "responder:budi", PHONE, 0, None, now_ms
    )
    with scene.store.transaction() as transaction:
        transaction.put_incident(copied(scene.now(incident), drill=1))
        transaction.put_notifications([copied(old, state=NotificationState.WITHDRAWN, next_at_ms=None)])
        transaction.add_notifications([real])
    assert [scene.take(old, Question.RESPONDER, said) for said in Said] == [Taken.ANEW] * 2
    assert not scene.store.responses_of(incident.id)
    assert scene.take(real, Question.RESPONDER) is Taken.TAKEN
    assert scene.take(old, Question.WELL, Said.NO) is Taken.TAKEN, "who needs help needs it"


def test_what_cannot_be_stored_is_said_and_nothing_is_confirmed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = scene.press()
    each = scene.called(incident, "station:polres")

    def full(*_: object) -> None:
        raise StoreFailing("store.none", data_dir="x")

    monkeypatch.setattr(scene.store, "transaction", full)
    assert scene.take(each, Question.DESK) is Taken.UNSTORED
    monkeypatch.undo()
    assert scene.take(each, Question.DESK) is Taken.TAKEN


@pytest.fixture
def calling(scene: Scene) -> Iterator[tuple[Line, NotificationSender]]:
    line = Line()
    messages = CallMessages(scene.store, scene.district.router, lambda _: PressOrigin(), IN_UTC, scene.district.clock)
    sender = NotificationSender(
        scene.store,
        [line],
        ListedAddresses(scene.district.router, scene.duty, "id"),
        messages.message,
        JournalNotifier(),
        scene.district.clock,
        Lease(scene.store, "way phone", "worker 1", 20.0),
        answers=scene.answers,
    )
    sender.start()
    yield line, sender
    sender.stop()


def test_two_desks_are_called_one_after_the_other_and_who_cannot_be_reached_blocks_nobody(
    scene: Scene, calling: tuple[Line, NotificationSender]
) -> None:
    line, sender = calling
    answered: list[str] = []

    def says(address: str, talk: Talk) -> HandedOver | NotDelivered:
        if len(line.called) == 1:
            return NotDelivered("rang for 25 s")
        if talk.standing() is Standing.WANTED and talk.take(Said.YES) is Taken.TAKEN:
            answered.append(address)
        return HandedOver("answered: yes")

    line.says = says
    incident = scene.press()
    sender.wake()
    eventually(lambda: scene.now(incident).state is IncidentState.SEEN)
    assert answered and all(message.spoken.question is Question.DESK for _, message in line.called)
    scene.district.go_on()
    eventually(lambda: NotificationState.PENDING not in {each.state for each in scene.district.told(incident, PHONE)})


def test_many_calls_for_who_leads_are_told_in_one_and_whoever_goes_hears_of_each(
    scene: Scene, calling: tuple[Line, NotificationSender]
) -> None:
    line, sender = calling
    all_there = threading.Event()

    def says(address: str, talk: Talk) -> HandedOver | NotDelivered:
        all_there.wait(ENDS_S)
        return HandedOver("answered: yes")

    line.says = says
    incidents = [scene.district.press(counter=number) for number in range(1, 5)]
    scene.district.go_on()
    for each in incidents:
        for who in ("responder:budi", "responder:citra"):
            scene.called(each, who)
    all_there.set()
    sender.wake()
    told = {NotificationState.HANDED_OVER}
    eventually(lambda: {row.state for each in incidents for row in scene.district.told(each, PHONE)} == told)
    asked = [message.spoken.question for _, message in line.called]
    assert asked.count(Question.HEARD) == 2, "the chief and the Polres, in one call each"
    assert asked.count(Question.RESPONDER) == 4, "one who may go can accept each"


def test_who_leads_a_station_answers_for_its_desk(scene: Scene, calling: tuple[Line, NotificationSender]) -> None:
    line, sender = calling
    incident = scene.press()
    eventually(lambda: len(line.called) == 3)
    line.called.clear()
    for who in ("responder:citra", "responder:budi"):
        scene.called(incident, who)
    sender.wake()
    eventually(lambda: len(line.called) == 2)
    assert {message.spoken.question for _, message in line.called} == {Question.DESK, Question.RESPONDER}
    (spoken,) = {message.spoken.sentences[0] for _, message in line.called if message.language == "en"}
    assert spoken.startswith("Call for help, ") and "-5." not in "".join(line.called[0][1].spoken.sentences)


def test_who_has_answered_on_another_way_is_not_rung_and_a_later_call_rings_him_again(scene: Scene) -> None:
    incident = scene.press()
    each = scene.called(incident, "responder:budi")
    assert scene.answers.standing(each, Question.RESPONDER) is Standing.WANTED
    scene.answers._people.answer(incident.id, "budi", FactKind.ACCEPTED)
    assert scene.answers.standing(each, Question.RESPONDER) is Standing.ANSWERED
    later = copied(each, made_at_ms=scene.district.clock.now_ms() + 1)
    assert scene.answers.standing(later, Question.RESPONDER) is Standing.WANTED


def test_who_leads_a_station_is_not_rung_once_a_desk_has_acknowledged(scene: Scene) -> None:
    incident = scene.press()
    each = scene.called(incident, "responder:citra")
    assert scene.answers.standing(each, Question.DESK) is Standing.WANTED
    scene.district.operator.seen(incident.id, "Siti")
    scene.district.go_on()
    assert scene.answers.standing(each, Question.DESK) is Standing.ANSWERED


def test_an_officer_who_has_given_a_sign_is_not_asked_by_telephone(scene: Scene) -> None:
    incident = scene.press()
    people = scene.answers._people
    people.answer(incident.id, "budi", FactKind.ACCEPTED)
    people.answer(incident.id, "budi", FactKind.ARRIVED)
    scene.district.operator.seen(incident.id, "Siti")
    scene.district.go_on()
    scene.district.go_on(600)
    (asked,) = [each for each in scene.district.told(incident, PHONE) if each.kind is ContactKind.ASK]
    assert scene.answers.standing(asked, Question.WELL) is Standing.WANTED
    people.answer(incident.id, "budi", FactKind.ALIVE)
    scene.district.go_on()
    assert scene.answers.standing(asked, Question.WELL) is Standing.ANSWERED


def test_nobody_is_woken_to_be_thanked_but_calls_that_wait_are_taken_back(
    scene: Scene, calling: tuple[Line, NotificationSender]
) -> None:
    line, sender = calling
    incident = scene.press()
    eventually(lambda: len(line.called) == 3)
    line.called.clear()
    each = scene.called(incident, "responder:budi")
    sender.wake()
    eventually(lambda: len(line.called) == 1)
    scene.district.operator.seen(incident.id, "Siti")
    for who in ("satu", "dua"):
        scene.answers._people.answer(incident.id, who, FactKind.ACCEPTED)  # enough
    scene.district.go_on()
    assert scene.answers.standing(each, Question.RESPONDER) is Standing.OVER
    sender.wake()

    def thanked() -> set[NotificationState]:
        rows = scene.district.told(incident, PHONE)
        return {row.state for row in rows if row.kind is ContactKind.NOT_NEEDED}

    eventually(lambda: thanked() == {NotificationState.WITHDRAWN})
    assert len(line.called) == 1


def test_two_modems_call_two_people_at_the_same_time(scene: Scene) -> None:
    lines, together = [Line(), Line()], threading.Barrier(2)
    lines[1].name = "telepon-2"

    def both(address: str, talk: Talk) -> HandedOver | NotDelivered:
        together.wait(ENDS_S)
        return HandedOver("answered")

    for line in lines:
        line.says = both
    sender = NotificationSender(
        scene.store,
        lines,
        ListedAddresses(scene.district.router, scene.duty, "id"),
        lambda incident, notification, to: PersonalMessage("Siaga", "", None, True, notification.expires_at_ms),
        JournalNotifier(),
        scene.district.clock,
        Lease(scene.store, "way phone", "worker 1", 20.0),
        answers=scene.answers,
    )
    incident = scene.press()
    scene.called(incident, "responder:budi")  # four of them
    sender.start()
    eventually(lambda: {each.state for each in scene.district.told(incident, PHONE)} == {NotificationState.HANDED_OVER})
    sender.stop()
    assert [len(line.called) for line in lines] == [2, 2]
