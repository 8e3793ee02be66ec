"""An operator rings the holder back: what is stored, who hears of it, and what becomes of the alarm level."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.dispatch.called_district import CalledDistrict
from gateway.fake_ports import ManualClock, SentAnswers
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.escalation_state import ContactKind, Phase
from siaga_gateway.domain.incident import Change, Incident, IncidentState, Mode
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.triage import Sign
from siaga_gateway.domain.value import copied
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.kinds import is_unheard
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import OperateError, Overtaken
from siaga_gateway.service.registry.code_words import hashed, set_code_words
from siaga_gateway.service.registry.subject_access import held_about
from siaga_gateway.web.console.ladder_views import Ringing, ringing_of

CODE, DURESS = "Mangga Harum", "Rambutan Tua"


class Rung:
    """A district with a press that a desk has seen; its holder has agreed on two words."""

    def __init__(self, folder: Path) -> None:
        self.district = CalledDistrict(folder)
        self.store = self.district.store
        set_code_words(self.store, ManualClock(1), 1, hashed(CODE, DURESS, 1), actor="Dewi")
        # As the gateway has it, but for an output that hears of it.
        before = self.district.operator
        self.answers = SentAnswers()
        self.operator = IncidentActions(
            self.store, before._after._keyring, self.answers, JournalNotifier(), self.district.clock,
            outputs=["cad"],
        )  # fmt: skip
        self.incident = self.district.press()
        self.district.go_on()
        self.operator.seen(1, "Siti")
        self.district.go_on(1)

    def says(self, said: str, word: str = "") -> Incident:
        found = self.operator.called_back(1, "Siti", said, word)
        self.district.go_on(1)
        return found

    def level(self) -> tuple[int, set[Sign]]:
        alarm = self.store.alarms([1])[1]
        return alarm.level, {each.sign for each in alarm.reasons}


@pytest.fixture
def rung(tmp_path: Path) -> Iterator[Rung]:
    made = Rung(tmp_path)
    yield made
    made.district.close()


@pytest.mark.parametrize(
    ("said", "sign"), [("needs_help", Sign.CONFIRMED), ("unanswered", Sign.UNANSWERED), ("cut", Sign.CUT)]
)
def test_whatever_comes_of_it_but_the_code_word_raises_the_level(rung: Rung, said: str, sign: Sign) -> None:
    assert rung.level()[0] == 2
    rung.says(said)
    assert rung.level() == (3, {sign})


def test_the_code_word_lowers_the_level_and_closes_nothing(rung: Rung) -> None:
    found = rung.says("calls_off", " mangga-HARUM ")
    assert (found.call_back, found.state, found.duress) == (CallBack.CALLED_OFF, IncidentState.SEEN, False)
    assert rung.level()[0] == 1
    entries = [each for each in rung.store.journal_of_incident(1) if each.kind == journal.CALLED_BACK]
    assert [(each.facts, each.actor) for each in entries] == [({"call_back": "called_off", "wrong_words": 0}, "Siti")]
    rung.says("unanswered")
    assert rung.level()[0] == 3, "the newest call counts"


def test_another_press_after_it_was_called_off_is_a_call_again(rung: Rung) -> None:
    rung.says("calls_off", CODE)
    with rung.store.transaction() as transaction:
        found = transaction.incidents([1])[1]
        transaction.put_incident(copied(found, presses=2))
    rung.district.note(rung.incident, journal.PRESSED_AGAIN)
    rung.district.go_on(1)
    assert rung.level()[0] == 3


def test_two_wrong_words_are_as_none_and_no_right_one_is_taken_after_them(rung: Rung) -> None:
    for wrong in (1, 2):
        found = rung.says("calls_off", "durian")
        assert (found.call_back, found.wrong_words) == (CallBack.NO_WORD, wrong)
        assert rung.level() == (3, {Sign.NO_WORD})
    assert rung.says("calls_off", CODE).call_back is CallBack.NO_WORD
    assert rung.says("calls_off", DURESS).call_back is CallBack.DURESS_WORD, "that one is always heard"


def test_the_duress_word_raises_to_four_and_tells_stations_and_outputs_without_a_sound_at_the_desk(rung: Rung) -> None:
    found = rung.says("calls_off", DURESS)
    assert found.duress and rung.level()[0] == 4
    assert rung.store.deliveries()[0].change is Change.DURESS
    assert journal.DURESS not in [each.kind for each in rung.store.journal_of_incident(1)]
    state = rung.district.state(rung.incident)
    assert state.phase is Phase.ACKNOWLEDGED
    last = rung.store.notifications_of(1)[-1]
    assert last.kind is ContactKind.RING_DESK
    rung.says("calls_off", CODE)
    assert rung.level()[0] == 4, "whoever is forced can be made to say the other word too"


@pytest.mark.parametrize("registration", [RegistrationState.SUSPENDED, RegistrationState.STOLEN])
def test_a_held_call_is_sent_at_once_after_the_duress_word(rung: Rung, registration: RegistrationState) -> None:
    held = rung.district.press(counter=2, held=True)
    with rung.store.transaction() as transaction:
        found = transaction.incidents([held.id])[held.id]
        transaction.put_incident(copied(found, registration=registration))
    rung.district.go_on(1)
    assert rung.district.state(held).phase is Phase.HELD
    rung.answers.frames.clear()

    found = rung.operator.called_back(held.id, "Siti", "calls_off", DURESS)
    assert found.duress and not found.held
    assert [each.change for each in rung.store.deliveries() if each.incident_id == held.id] == [Change.OPENED]
    assert rung.answers.frames, "the button shows no longer that nobody comes"
    rung.district.go_on(1)
    state = rung.district.state(held)
    assert (state.phase, state.rung) == (Phase.CALLING, "stations")
    assert rung.district.whom(held, "stations")
    rung.operator.called_back(held.id, "Siti", "calls_off", DURESS)
    kinds = [each.kind for each in rung.store.journal_of_incident(held.id)]
    assert kinds.count(journal.DISPATCHED_BY_PERSON) == 1, "it is sent once"


@pytest.mark.parametrize("asked", [False, True])
def test_no_console_sounds_for_what_the_duress_word_begins(rung: Rung, asked: bool) -> None:
    """Whoever forces the holder hears what rings beside the operator."""
    if asked:
        rung.district.restore()
        rung.district.go_on(1)
    else:
        with rung.store.transaction() as transaction:
            found = transaction.incidents([1])[1]
            transaction.put_incident(copied(found, mode=Mode.EXERCISE, drill=1))
    before = rung.store.last_journal_id()
    found = rung.says("calls_off", DURESS)
    state = rung.district.state(found)
    assert (state.phase, found.mode) == (Phase.CALLING, Mode.ACTUAL), "it is called all the same"
    assert ringing_of(found, state) == Ringing()
    loud = {journal.PRESSED_AGAIN, journal.DURESS, journal.KEY_COPIED, journal.MADE_REAL, journal.DESK_RUNG}
    entries = [each for each in rung.store.journal_of_incident(1) if each.id > before]
    assert [each.kind for each in entries if each.kind in loud and not is_unheard(each.facts)] == []
    assert asked or journal.MADE_REAL in [each.kind for each in entries]
    rung.district.go_on(90)
    assert ringing_of(found, rung.district.state(found)).sound, "not for ever"


def test_without_words_nobody_calls_off(rung: Rung) -> None:
    set_code_words(rung.store, ManualClock(1), 1, None, actor="Dewi")
    assert rung.says("calls_off", CODE).call_back is CallBack.NO_WORD


@pytest.mark.parametrize(("said", "word"), [("calls_off", DURESS), ("calls_off", CODE), ("needs_help", "")])
def test_what_was_heard_is_taken_whoever_accepted_meanwhile(rung: Rung, said: str, word: str) -> None:
    shown = rung.incident.call_backs
    assert len(shown) <= 16
    with rung.store.transaction() as transaction:
        found = transaction.incidents([1])[1]
        transaction.put_incident(copied(found, unit="budi", eta_minutes=6, state=IncidentState.ASSIGNED))
    found = rung.operator.called_back(1, "Siti", said, word, shown=shown)
    assert found.call_back is not CallBack.NOT_TRIED
    assert found.duress is (word == DURESS)


def test_a_press_that_came_while_they_spoke_is_not_called_off(rung: Rung) -> None:
    with rung.store.transaction() as transaction:
        transaction.put_incident(copied(transaction.incidents([1])[1], presses=3))
    rung.operator.called_back(1, "Siti", "calls_off", CODE, presses=1)
    rung.district.go_on(1)
    assert rung.level()[0] > 1, "it counts as pressed after the word"
    assert rung.operator.called_back(1, "Siti", "calls_off", CODE, presses=9).called_presses == 3
    rung.district.go_on(1)
    assert rung.level()[0] == 1


def test_nobody_closes_over_an_officer_who_asks_for_help_meanwhile(rung: Rung) -> None:
    district, known = rung.district, rung.district.state(rung.incident)
    page = rung.store.incident(1)
    assert page is not None
    for said in ("arrived", "backup"):
        district.note(page, journal.RESPONDER_SAID, who="responder:budi", said=said)
        district.go_on(1)
    assert district.state(page).wave > known.wave
    shown = {"presses": page.presses, "duress": page.duress, "shown": page.progress}
    with pytest.raises(Overtaken):
        rung.operator.close(1, "Siti", "verified", "", wave=known.wave, **shown)
    assert district.state(page).phase is Phase.CALLING
    after = rung.operator.close(1, "Siti", "verified", "", wave=district.state(page).wave, **shown)
    assert after.state is IncidentState.CLOSED


def test_what_somebody_else_recorded_meanwhile_is_looked_at_first(rung: Rung) -> None:
    seen = rung.incident
    rung.says("calls_off", DURESS)
    with pytest.raises(Overtaken):
        rung.operator.called_back(1, "Rina", "calls_off", CODE, shown=seen.call_backs)
    with pytest.raises(Overtaken):
        rung.operator.close(1, "Rina", "accidental", "", shown=seen.progress)
    found = rung.operator.called_back(1, "Rina", "calls_off", DURESS, shown=seen.call_backs)
    assert found.call_back is CallBack.DURESS_WORD, "that one is never asked for again"
    with pytest.raises(OperateError, match="one of needs_help"):
        rung.says("maybe")


def test_the_words_are_nowhere_and_their_owner_learns_when_they_were_set(rung: Rung, tmp_path: Path) -> None:
    rung.says("calls_off", "durian montong")
    rung.says("calls_off", CODE)
    rung.store.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()).lower()
    for word in (b"mangga", b"rambutan", b"durian"):
        assert word not in stored
    assert b"argon2id" in stored


def test_erasing_an_owner_takes_the_words_and_a_copy_of_what_is_held_names_their_day(rung: Rung) -> None:
    owner = rung.store.owner(1)
    assert owner is not None
    assert held_about(rung.store, owner)["owner"]["code_words_set"] == "1970-01-01T00:00:00.001+00:00"
    with rung.store.transaction() as transaction:
        transaction.erase_owner(1, rung.district.clock.now_ms())
    assert rung.store.code_words(1) is None
