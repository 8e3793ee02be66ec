"""What a responder says: committed with its journal entry, told to the button and the outputs, and never a desk's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import Place
from gateway import sample_store
from gateway.dispatch.called_district import CalledDistrict
from gateway.dispatch.listed_responders import BUDI, PATROL, WATI
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation_state import FactKind, Phase, Progress
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Answered, Change, Incident, IncidentState
from siaga_gateway.domain.limits import LONGEST_NOTE
from siaga_gateway.domain.response import ResponseState
from siaga_gateway.service.dispatch.responder_links import ResponderLinks
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import Overtaken
from siaga_gateway.service.ports import ResponderRefused, StepResult
from siaga_gateway.service.registry.keyring import KeyRing
from waiting import ENDS_S

PHONE, CHAT = "p" * 22, "c" * 22
TAKEN, ALREADY, OVER = StepResult.TAKEN, StepResult.ALREADY, StepResult.OVER


class Scene:
    """An open incident, two responders with links, a desk, and what the button hears."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.clock = ManualClock(NOW_MS)
        self.sent = SentAnswers()
        keyring = KeyRing(store, sample_store.GATEWAY_KEY)
        bell = JournalNotifier()
        self.steps = ResponderSteps(store, keyring, self.sent, bell, self.clock, outputs=["cad"])
        self.desk = IncidentActions(store, keyring, self.sent, bell, self.clock, outputs=["cad"])
        links = ResponderLinks(store, "https://petugas.example", self.clock)
        self.budi, self.wati = (links.url(1, key).rpartition("/")[2] for key in ("budi", "wati"))

    @property
    def incident(self) -> Incident:
        found = self.store.incident(1)
        assert found is not None
        return found

    def changes(self) -> list[Change]:
        return [delivery.change for delivery in reversed(self.store.deliveries())]

    def said(self) -> list[tuple[object, object, object]]:
        return [
            (each.facts["who"], each.facts["said"], each.facts["minutes"])
            for each in self.store.journal_of_incident(1)
            if each.kind == journal.RESPONDER_SAID
        ]

    def kinds(self) -> list[str]:
        return [each.kind for each in self.store.journal_of_incident(1)]


@pytest.fixture
def scene(place: Place) -> Iterator[Scene]:
    store = sample_store.new_store(place)
    sample_store.with_device(store)
    sample_store.open_incident(store, outputs=("cad",))
    with store.transaction() as transaction:
        transaction.put_responders([BUDI, WATI, PATROL])
    yield Scene(store)
    store.close()


def test_from_accepted_to_finished_everyone_hears_and_no_desk_has_seen_it(scene: Scene) -> None:
    assert scene.steps.say(scene.budi, PHONE, "accepted", 7) is TAKEN
    incident = scene.incident
    assert (incident.state, incident.seen_by, incident.unit, incident.eta_minutes) == (
        IncidentState.OPEN,
        None,
        "budi",
        7,
    )
    assert scene.steps.say(scene.budi, PHONE, "arrived") is TAKEN
    assert scene.steps.say(scene.budi, PHONE, "backup") is TAKEN
    assert scene.steps.say(scene.budi, PHONE, "alive") is TAKEN
    assert scene.steps.say(scene.budi, PHONE, "finished") is TAKEN
    incident = scene.incident
    assert (incident.state, incident.answered) == (IncidentState.OPEN, Answered.ON_SCENE)
    assert scene.sent.stages() == [(1, Stage.ASSIGNED, 7), (1, Stage.ON_SCENE, 255)]
    assert scene.changes() == [Change.OPENED, Change.ASSIGNED, Change.ON_SCENE]
    who = "responder:budi"
    assert scene.said() == [
        (who, "accepted", 7),
        (who, "arrived", None),
        (who, "backup", None),
        (who, "alive", None),
        (who, "finished", None),
    ]


def test_a_desk_that_sees_it_later_takes_nothing_back(scene: Scene) -> None:
    scene.steps.say(scene.budi, PHONE, "accepted", 7)
    seen = scene.desk.seen(1, "Siti")
    assert (seen.state, seen.unit) == (IncidentState.SEEN, "budi")
    assert scene.sent.stages()[-1] == (1, Stage.ASSIGNED, 7)
    shown = scene.incident.progress
    scene.steps.say(scene.wati, CHAT, "accepted", 2)
    scene.desk.assign(1, "Siti", "Patroli 12", 4, shown=shown)
    scene.steps.say(scene.budi, PHONE, "accepted", 1)
    assert (scene.incident.unit, scene.incident.eta_minutes) == ("Patroli 12", 4), "the desk's unit stands"
    scene.steps.say(scene.wati, CHAT, "arrived")
    assert scene.sent.stages()[-1] == (1, Stage.ON_SCENE, 255)
    assert scene.incident.state is IncidentState.ASSIGNED


def test_a_form_that_shows_no_unit_is_overtaken_by_who_comes(scene: Scene) -> None:
    seen = scene.desk.seen(1, "Siti")
    scene.steps.say(scene.budi, PHONE, "accepted", 7)
    with pytest.raises(Overtaken):
        scene.desk.assign(1, "Siti", "Patroli 12", 4, shown=seen.progress)


def test_again_is_no_error_and_no_second_entry(scene: Scene) -> None:
    for expected in (TAKEN, ALREADY, ALREADY):
        assert scene.steps.say(scene.budi, PHONE, "accepted", 7) is expected
    for expected in (TAKEN, ALREADY):
        assert scene.steps.say(scene.budi, PHONE, "arrived") is expected
    assert len(scene.said()) == 2
    assert len(scene.sent.frames) == 2


def test_of_many_who_accept_at_once_one_is_the_unit_and_all_are_heard(scene: Scene) -> None:
    gate = threading.Barrier(2)
    tokens = {"budi": (scene.budi, PHONE, 5), "wati": (scene.wati, CHAT, 9)}

    def accept(key: str) -> None:
        token, browser, minutes = tokens[key]
        gate.wait(ENDS_S)
        assert scene.steps.say(token, browser, "accepted", minutes) is TAKEN

    threads = [threading.Thread(target=accept, args=(key,)) for key in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ENDS_S)
    assert sorted(who for who, _, _ in scene.said()) == ["responder:budi", "responder:wati"]
    first = str(scene.said()[0][0]).removeprefix("responder:")
    assert (scene.incident.unit, scene.incident.eta_minutes) == (first, tokens[first][2])
    assert scene.changes() == [Change.OPENED, Change.ASSIGNED]
    assert [each.state for each in scene.store.responses_of(1)] == [ResponseState.ACCEPTED] * 2


def test_who_withdraws_is_followed_by_the_next_and_then_by_nobody(scene: Scene) -> None:
    scene.steps.say(scene.budi, PHONE, "accepted", 5)
    scene.clock.at_ms += 60_000
    scene.steps.say(scene.wati, CHAT, "accepted", 9)
    scene.clock.at_ms += 120_000
    assert scene.steps.say(scene.budi, PHONE, "declined") is TAKEN
    assert (scene.incident.unit, scene.incident.eta_minutes) == ("wati", 7)
    assert scene.sent.stages()[-1] == (1, Stage.ASSIGNED, 7)
    scene.steps.say(scene.wati, CHAT, "withdrew")
    assert (scene.incident.unit, scene.incident.answered) == (None, Answered.WITHDRAWN)
    assert scene.sent.stages()[-1] == (1, Stage.SEEN, 255), "an officer has seen it, and comes no more"
    assert scene.changes()[-1] is Change.UNASSIGNED
    assert scene.said()[2:] == [("responder:budi", "withdrew", None), ("responder:wati", "withdrew", None)]


def test_who_declines_changes_nothing_of_the_incident(scene: Scene) -> None:
    before = scene.incident
    assert scene.steps.say(scene.budi, PHONE, "declined") is TAKEN
    assert scene.incident == before
    assert scene.sent.frames == []
    assert scene.said() == [("responder:budi", "declined", None)]


def test_closed_beats_whatever_comes_later(scene: Scene) -> None:
    scene.steps.say(scene.budi, PHONE, "accepted", 5)
    closed = scene.desk.close(1, "Siti", "verified", "aman")
    for word in ("accepted", "arrived", "backup", "withdrew"):
        assert scene.steps.say(scene.budi, PHONE, word) is OVER
    assert scene.steps.say(scene.wati, CHAT, "accepted", 1) is OVER
    assert scene.steps.add_note(scene.budi, PHONE, "terlambat") is OVER
    assert scene.steps.enter(scene.budi, CHAT) is OVER
    assert scene.incident == closed
    assert len(scene.said()) == 1


def test_another_browser_takes_over_and_the_desk_is_told(scene: Scene) -> None:
    scene.steps.say(scene.budi, CHAT, "accepted", 5)
    assert scene.kinds().count(journal.LINK_TAKEN_OVER) == 0
    assert scene.steps.say(scene.budi, PHONE, "arrived") is TAKEN, "nobody is locked out of 'on scene'"
    assert scene.steps.enter(scene.budi, PHONE) is ALREADY
    (entry,) = [each for each in scene.store.journal_of_incident(1) if each.kind == journal.LINK_TAKEN_OVER]
    assert (entry.facts, entry.actor) == ({"who": "responder:budi"}, "responder:budi")
    assert scene.said()[-1] == ("responder:budi", "arrived", None)


def test_who_only_looks_has_said_nothing(scene: Scene) -> None:
    assert scene.steps.enter(scene.budi, PHONE) is TAKEN
    assert scene.said() == []
    (mine,) = scene.store.responses_of(1)
    assert mine.state is ResponseState.OPENED


def test_notes_are_kept_beside_what_is_said_at_the_closing(scene: Scene) -> None:
    scene.steps.say(scene.budi, PHONE, "arrived")
    assert scene.steps.add_note(scene.budi, PHONE, " Pintu belakang\nterkunci ") is TAKEN
    assert scene.steps.add_note(scene.budi, PHONE, "Pintu belakang\nterkunci") is ALREADY
    note = scene.incident.note or ""
    assert note.startswith("responder:budi, ") and note.endswith(": Pintu belakang\nterkunci")
    assert scene.kinds().count(journal.NOTE_ADDED) == 1
    assert scene.said()[-1] == ("responder:budi", "alive", None), "a note from the scene is a sign of life"
    closed = scene.desk.close(1, "Siti", "verified", "aman")
    assert closed.note == f"aman\n{note}"
    assert scene.desk.close(1, "Siti", "verified", "aman").note == closed.note


@pytest.mark.parametrize("note", ["", "  \n", "x" * (LONGEST_NOTE + 1)])
def test_a_note_of_no_or_too_many_characters_is_refused(scene: Scene, note: str) -> None:
    with pytest.raises(ResponderRefused, match="1 to"):
        scene.steps.add_note(scene.budi, PHONE, note)


def test_what_cannot_be_is_refused_by_name(scene: Scene) -> None:
    with pytest.raises(ResponderRefused, match="leads nowhere"):
        scene.steps.say("0" * 22, PHONE, "accepted")
    with pytest.raises(ResponderRefused, match="leads nowhere"):
        scene.steps.say(scene.budi, "short", "accepted")
    with pytest.raises(ResponderRefused, match="one of accepted, alive"):
        scene.steps.say(scene.budi, PHONE, "acknowledged")
    for minutes in (-1, 255):
        with pytest.raises(ResponderRefused, match="0 to 254"):
            scene.steps.say(scene.budi, PHONE, "accepted", minutes)
    assert scene.store.responses_of(1) == []


def test_whoever_has_left_the_list_is_refused(scene: Scene) -> None:
    with scene.store.transaction() as transaction:
        transaction.remove_responders(["budi"])
    with pytest.raises(ResponderRefused, match="leads nowhere"):
        scene.steps.say(scene.budi, PHONE, "accepted", 5)


def test_a_held_call_waits_for_a_person(scene: Scene) -> None:
    held = sample_store.open_incident(scene.store, 2, held=True)
    links = ResponderLinks(scene.store, "https://petugas.example", scene.clock)
    with pytest.raises(ResponderRefused, match="wait for the desk"):
        scene.steps.say(links.url(held.id, "budi").rpartition("/")[2], PHONE, "accepted", 5)


def test_a_word_on_another_way_counts_like_one_by_the_link(scene: Scene) -> None:
    assert scene.steps.answer(1, "patroli-1", FactKind.ACCEPTED, 3) is TAKEN
    assert (scene.incident.unit, scene.incident.eta_minutes) == ("patroli-1", 3)
    assert scene.store.responses_of(1)[0].browser_hash is None
    assert scene.said() == [("responder:patroli-1", "accepted", 3)]


def test_the_escalation_follows_what_a_responder_says_and_desks_ring_on(tmp_path: Path) -> None:
    district = CalledDistrict(tmp_path)
    incident = district.press()
    district.waves.work()
    keyring = KeyRing(district.store, sample_store.GATEWAY_KEY)
    steps = ResponderSteps(district.store, keyring, SentAnswers(), JournalNotifier(), district.clock, outputs=())
    steps.answer(incident.id, "patroli-1", FactKind.ACCEPTED, 3)
    steps.answer(incident.id, "patroli-1", FactKind.ARRIVED)
    district.waves.work()
    escalation = district.store.escalation_of(incident.id)
    assert escalation is not None
    assert [(each.who, each.progress) for each in escalation.assignments] == [
        ("responder:patroli-1", Progress.ON_SCENE)
    ]
    assert escalation.phase is Phase.CALLING, "no desk has acknowledged"
    district.store.close()
