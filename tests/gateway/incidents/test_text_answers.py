"""What a responder writes back is done durably, confirmed, and bounded; what is not understood does nothing."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway import sample_store
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.catalogue import text
from siaga_gateway.domain.escalation_state import Assignment, ContactKind, Escalation, Phase, Progress, Why
from siaga_gateway.domain.escalation_state import Contact as Called
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import made
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import VALID_MS, ProvenWay
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.text_codes import TextCodes
from siaga_gateway.service.dispatch.text_numbers import TextNumbers
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.downlink.sms_budget import ReplyBudget
from siaga_gateway.service.inbound import InboundText, TextOutcome
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.incidents.text_answers import HELPS_A_DAY, TextAnswers
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store import StoreFailing

NUMBER, OTHER, UNPROVEN, STRANGER = (f"+628120000000{each}" for each in range(1, 5))
TAKEN, UNCLEAR, NOBODY = TextOutcome.TAKEN, TextOutcome.UNCLEAR, TextOutcome.STRANGER
LOCAL = LocalTime(UTC)


def person(key: str, number: str, *, proven: bool = True, language: str = "en") -> Responder:
    way = ProvenWay(Contact(ContactWay.SMS, number), NOW_MS if proven else None)
    chat = ProvenWay(Contact(ContactWay.TELEGRAM, "1000000001"))
    return Responder(key, ResponderKind.OFFICER, "Contoh", language=language, ways=(chat, way))


class Scene:
    """Two open incidents, three responders, and what went back to their numbers."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.clock = ManualClock(NOW_MS)
        self.sent: list[tuple[Hashable, str]] = []
        steps = ResponderSteps(
            store, KeyRing(store, sample_store.GATEWAY_KEY), SentAnswers(), JournalNotifier(), self.clock, outputs=[]
        )
        numbers = TextNumbers(store)
        drawn = iter(["123456"] * 2 + ["654321"] * 99)
        self.questions = WayQuestions(store, self.clock, Duty(store, ZoneInfo("UTC")), code=lambda: next(drawn))
        self.answers = TextAnswers(store, numbers, steps, self.questions, self, self.clock, LOCAL, ReplyBudget(20, 200))
        self.codes = TextCodes(store, [numbers], self.clock, lambda free: free[47])

    def reply(self, origin: Hashable, text: str) -> None:
        self.sent.append((origin, text))

    def write(self, text: str, number: str = NUMBER) -> TextOutcome:
        return self.answers.read(InboundText(number, text, self.clock.at_ms, number))

    def told(self) -> str:
        """The last answer."""
        return self.sent[-1][1]

    def said(self, incident_id: int = 1) -> list[tuple[object, object, object]]:
        entries = self.store.journal_of_incident(incident_id)
        kept = [each.facts for each in entries if each.kind == journal.RESPONDER_SAID]
        return [(each["who"], each["said"], each.get("way")) for each in kept]

    def close(self, incident_id: int) -> None:
        with self.store.transaction() as transaction:
            there = transaction.incidents([incident_id])[incident_id]
            transaction.put_incident(copied(there, state=IncidentState.CLOSED, closed_at_ms=self.clock.at_ms))

    def incident(self) -> Incident:
        found = self.store.incident(1)
        assert found is not None
        return found


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    store = sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    for counter in (1, 2):
        sample_store.open_incident(store, counter)
    with store.transaction() as transaction:
        transaction.put_responders(
            [person("a", NUMBER), person("b", OTHER, language="id"), person("c", UNPROVEN, proven=False)]
        )
    yield Scene(store)
    store.close()


def words(key: str, language: str = "en", **values: object) -> str:
    return text(f"calls.{key}", language, **values)


def test_an_answer_with_its_code_is_the_responders_and_no_desks(scene: Scene) -> None:
    code = scene.codes.code(1, "a")
    scene.codes.code(2, "a")
    assert scene.write(f"1 {code}") is TAKEN
    assert (scene.incident().state, scene.incident().unit) == (IncidentState.OPEN, "a")
    assert scene.told() == words("taken.accepted", code=code, at=LOCAL.clock(NOW_MS, NOW_MS))
    scene.clock.at_ms += 60_000
    keys = ("arrived", "alive", "arrived")
    for written, key in zip((f"3 {code}", f"3 {code}", f"1 {code}"), keys, strict=True):
        assigned(scene, Progress.ON_SCENE, asked=key == "alive")
        assert scene.write(written) is TAKEN
        assert scene.told() == words(f"taken.{key}", code=code, at=LOCAL.clock(scene.clock.at_ms, scene.clock.at_ms))
    assert scene.write(f"4 {code}") is TAKEN and "not coming" in scene.told()
    assert scene.incident().unit is None
    steps = ["accepted", "arrived", "alive", "withdrew"]
    assert scene.said() == [("responder:a", each, "sms") for each in steps]
    assert not scene.said(2)


def test_the_same_text_a_second_time_is_no_sign_of_life(scene: Scene) -> None:
    """Networks deliver twice. Who was asked has answered once, also where a desk has taken note of his silence."""
    code = scene.codes.code(1, "a")
    for _ in range(2):
        assert scene.write(f"3 {code}") is TAKEN
        assert scene.told() == words("taken.arrived", code=code, at=LOCAL.clock(scene.clock.at_ms, scene.clock.at_ms))
        scene.clock.at_ms += 600_000
    assert [each[1] for each in scene.said()] == ["arrived"]
    ask = Called(9, ContactKind.ASK, Why.SCENE_SILENT, 1, who="responder:a")
    with scene.store.transaction() as transaction:
        transaction.add_notifications([made(1, ask, "responder:a", ContactWay.SMS, 0, None, scene.clock.at_ms)])
    scene.clock.at_ms += 60_000
    for _ in range(2):
        assert scene.write(f"3 {code}") is TAKEN
        scene.clock.at_ms += 60_000
    assert [each[1] for each in scene.said()] == ["arrived", "alive"]


def test_two_on_scene_is_a_call_for_help_as_on_the_telephone(scene: Scene) -> None:
    code = scene.codes.code(1, "a")
    for written in ("3", "2", "4", "2", "4"):
        assert scene.write(f"{written} {code}") is TAKEN
        scene.clock.at_ms += 60_000
    assert [each[1] for each in scene.said()] == ["arrived", "backup", "withdrew"]
    told = [each[1] for each in scene.sent]
    at = LOCAL.clock(NOW_MS + 60_000, NOW_MS + 60_000)
    assert told[1] == words("taken.backup", code=code, at=at) and f"4 {code}" in told[1]
    assert f"2 {code}" in told[0], "who has arrived is told how to call for help"
    assert all("not coming" in each for each in told[2:])


def test_what_is_noted_in_an_exercise_says_so(scene: Scene) -> None:
    with scene.store.transaction() as transaction:
        transaction.put_incident(copied(transaction.incidents([1])[1], mode=Mode.EXERCISE))
    scene.codes.code(1, "b")
    assert scene.write("1", OTHER) is TAKEN
    assert scene.told().startswith("LATIHAN: Dicatat pukul")


def test_the_same_text_twice_is_said_once_and_confirmed_again(scene: Scene) -> None:
    scene.codes.code(1, "a")
    assert [scene.write("1"), scene.write("1")] == [TAKEN, TAKEN]
    assert len(scene.said()) == 1 and len(scene.sent) == 2


def test_without_a_code_only_where_there_is_no_doubt(scene: Scene) -> None:
    assert scene.write("1") is UNCLEAR and scene.told() == words("help.no_call")
    scene.codes.code(1, "a")
    assert scene.write("1") is TAKEN
    scene.codes.code(2, "a")
    assert scene.write("3") is UNCLEAR and scene.told() == words("help.several")
    scene.close(2)
    assert scene.write("3") is UNCLEAR, "the one that was closed a moment ago may be meant"
    scene.clock.at_ms += 3_600_000
    assert scene.write("3") is TAKEN
    assert [each[1] for each in scene.said()] == ["accepted", "arrived"] and not scene.said(2)


def test_an_answer_from_before_its_only_call_means_another_one(scene: Scene) -> None:
    scene.codes.code(1, "a")
    late = InboundText(NUMBER, "1", scene.clock.at_ms - 1, NUMBER)
    assert scene.answers.read(late) is UNCLEAR
    assert scene.told() == words("help.several") and not scene.said()


def test_a_code_of_somebody_else_or_of_last_week_does_nothing(scene: Scene) -> None:
    scene.codes.code(1, "b")
    assert scene.write("1 47") is UNCLEAR and scene.told() == words("help.unknown_code")
    scene.close(1)
    scene.clock.at_ms += 7 * 86_400_000 + 1
    assert scene.write("1 47", OTHER) is UNCLEAR
    assert scene.told() == words("help.unknown_code", "id")
    assert not scene.said()


def test_after_the_closing_it_is_over(scene: Scene) -> None:
    code = scene.codes.code(1, "b")
    scene.close(1)
    assert scene.write(f"1 {code}", OTHER) is TAKEN and scene.told() == words("taken.over", "id")
    assert scene.write("1", OTHER) is TAKEN and scene.told() == words("taken.over", "id")
    assert not scene.said()


@pytest.mark.parametrize("written", ["rapat sampai jam 1", "STOP", "1 47 ya", ""])
def test_whatever_else_a_responder_writes_does_nothing_and_he_is_helped(scene: Scene, written: str) -> None:
    scene.codes.code(1, "a")
    assert scene.write(written) is UNCLEAR
    assert scene.sent == [(NUMBER, words("help.unclear"))] and not scene.said()


def assigned(scene: Scene, progress: Progress, *, asked: bool = False) -> None:
    """As the escalation has it: a is assigned to the first incident."""
    with scene.store.transaction() as transaction:
        before = transaction.escalation(1) or Escalation(1, Phase.ACKNOWLEDGED, Why.OPENED, NOW_MS)
        mine = Assignment("responder:a", progress, 1, NOW_MS, asked=asked)
        assert transaction.put_escalation(copied(before, next_at_ms=NOW_MS + 60_000, assignments=(mine,)))


def unclear(scene: Scene) -> list[object]:
    entries = scene.store.journal_of_incident(1)
    return [(each.facts["who"], each.facts["way"]) for each in entries if each.kind == journal.TEXT_UNCLEAR]


def test_what_is_not_understood_of_who_was_sent_rings_the_desk_once_a_minute(scene: Scene) -> None:
    scene.write("tolong")
    assert not unclear(scene), "nobody is assigned"
    assigned(scene, Progress.ON_SCENE)
    scene.write("tolong", OTHER)
    assert not unclear(scene), "another one is"
    for _ in range(3):
        assert scene.write("tolong") is UNCLEAR
    assert unclear(scene) == [("responder:a", "sms")]
    scene.clock.at_ms += 60_000
    scene.write("bantuan 47")
    assert len(unclear(scene)) == 2
    assigned(scene, Progress.FINISHED)
    scene.clock.at_ms += 60_000
    scene.write("pulang")
    assert len(unclear(scene)) == 2


@pytest.mark.parametrize(("written", "rings"), [("2 99", True), ("2 47", True), ("2", True), ("1 99", False)])
def test_a_call_for_help_that_is_not_taken_rings_the_desk(scene: Scene, written: str, rings: bool) -> None:
    """Its code is unknown, or of an exercise that became real; or no call is meant, or one of several."""
    assigned(scene, Progress.ON_SCENE)
    if written == "2 47":
        scene.codes.code(1, "a")
        with scene.store.transaction() as transaction:
            transaction.retire_text_codes(1)
    assert scene.write(written) is UNCLEAR and len(scene.sent) == 1 and not scene.said()
    assert bool(unclear(scene)) is rings


def test_nobody_is_helped_more_than_five_times_a_day(scene: Scene) -> None:
    for _ in range(9):
        assert scene.write("apa?") is UNCLEAR
    assert len(scene.sent) == HELPS_A_DAY == 5
    scene.codes.code(1, "a")
    assert scene.write("1") is TAKEN and len(scene.sent) == 6, "an answer is confirmed all the same"
    scene.write("apa?", OTHER)
    assert len(scene.sent) == 7
    scene.clock.at_ms += 86_400_000
    scene.write("apa?")
    assert len(scene.sent) == 8


def test_an_answer_that_was_not_taken_is_always_told_so_and_takes_nothing_from_the_others(scene: Scene) -> None:
    for _ in range(HELPS_A_DAY):
        scene.write("apa?")
    for written, why in (("1", "no_call"), ("1 99", "unknown_code"), ("123456", "wrong_proof")):
        assert scene.write(written) is UNCLEAR and scene.told() == words(f"help.{why}")
    scene.codes.code(1, "a")
    scene.codes.code(2, "a")
    assert scene.write("1") is UNCLEAR and scene.told() == words("help.several")
    for _ in range(30):
        scene.write("1 99")
    told = len(scene.sent)
    assert told == HELPS_A_DAY + 1 + 20, "so many a minute"
    assert scene.write("1 47") is TAKEN and len(scene.sent) == told + 1, "whoever forges them silences no confirmation"


@pytest.mark.parametrize("written", ["1", "1 47", "123456", "apa?"])
def test_strangers_and_numbers_that_are_not_proven_are_not_answered(scene: Scene, written: str) -> None:
    scene.codes.code(1, "c")
    assert scene.write(written, STRANGER) is NOBODY
    if written != "123456":
        assert scene.write(written, UNPROVEN) is NOBODY
    assert not scene.sent and not scene.said()


def test_a_held_call_says_that_it_is_not_to_be_answered(scene: Scene) -> None:
    with scene.store.transaction() as transaction:
        transaction.put_incident(copied(transaction.incidents([1])[1], held=True))
    scene.codes.code(1, "a")
    assert scene.write("1") is UNCLEAR
    assert len(scene.sent) == 1 and not scene.said()


def test_a_code_written_back_from_the_very_number_proves_that_number_alone(scene: Scene) -> None:
    scene.questions.ask(frozenset({ContactWay.SMS, ContactWay.TELEGRAM}), "c")
    assert scene.write("123456", OTHER) is UNCLEAR and scene.told() == words("help.wrong_proof", "id")
    assert scene.write("123456", STRANGER) is NOBODY
    assert scene.write("000000", UNPROVEN) is UNCLEAR and scene.told() == words("help.wrong_proof")
    assert scene.write(" 123 456.", UNPROVEN) is TAKEN and scene.told() == words("taken.proven")
    with scene.store.transaction() as transaction:
        there = transaction.responder("c")
    assert there is not None
    assert [(each.contact.way, each.proven) for each in there.ways] == [
        (ContactWay.TELEGRAM, False),
        (ContactWay.SMS, True),
    ]
    scene.codes.code(1, "c")
    assert scene.write("1", UNPROVEN) is TAKEN, "from now on it counts"


def test_a_code_is_too_old_after_a_day_and_void_after_five_wrong_ones(scene: Scene) -> None:
    contacts = frozenset({ContactWay.SMS})
    scene.questions.ask(contacts, "c")
    scene.clock.at_ms += VALID_MS
    assert scene.write("123456", UNPROVEN) is UNCLEAR
    scene.questions.ask(contacts, "c")
    for _ in range(5):
        scene.write("000000", UNPROVEN)
    assert scene.write("123456", UNPROVEN) is UNCLEAR


def test_what_the_store_cannot_take_comes_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.codes.code(1, "a")

    def fails() -> object:
        raise StoreFailing("passed_on", why="a full disk")

    with monkeypatch.context() as patched:
        patched.setattr(scene.store, "transaction", fails)
        with pytest.raises(StoreFailing):
            scene.write("1")
    assert not scene.sent, "nothing is confirmed that is not durable"
    assert scene.write("1") is TAKEN


CHAT, FELLOW, GROUP = "1000000001", "1000000002", "-100200300"


def chats(scene: Scene) -> TextAnswers:
    """What is written to a bot: a patrol has a group's chat, two officers their own."""
    people = {"patrol": GROUP, "a": CHAT, "b": FELLOW}
    with scene.store.transaction() as transaction:
        transaction.change_responders()
        for key, chat in people.items():
            way = ProvenWay(Contact(ContactWay.TELEGRAM, chat), None if key == "b" else NOW_MS)
            transaction.put_responders([copied(person(key, NUMBER), ways=(way,))])
    numbers = TextNumbers(scene.store, ContactWay.TELEGRAM)
    scene.codes = TextCodes(scene.store, [numbers], scene.clock, lambda free: free[47])
    steps, questions, budget = scene.answers._steps, scene.questions, ReplyBudget(20, 200)
    return TextAnswers(
        scene.store, numbers, steps, questions, scene, scene.clock, LOCAL, budget, way=ContactWay.TELEGRAM
    )


def test_an_answer_to_a_bot_is_that_of_whose_chat_it_is(scene: Scene) -> None:
    answers = chats(scene)
    assert answers.read(InboundText(NUMBER, "1 47", NOW_MS, None)) is NOBODY, "a telephone is no chat"
    scene.codes.code(1, "a")
    assert answers.read(InboundText(CHAT, "1 47", NOW_MS, None)) is TAKEN
    assert scene.said() == [("responder:a", "accepted", "telegram")]


def test_in_a_group_it_is_whoever_tapped_if_his_own_chat_is_proven(scene: Scene) -> None:
    answers = chats(scene)
    code = scene.codes.code(1, "patrol")
    for sender in (FELLOW, "1000000009"):
        assert answers.read(InboundText(sender, f"1 {code}", NOW_MS, None, GROUP)) is NOBODY
    assert scene.said() == [] and scene.sent == []
    assert answers.read(InboundText(CHAT, f"1 {code}", NOW_MS, None, GROUP)) is TAKEN
    assert scene.said() == [("responder:a", "accepted", "telegram")]
    assert answers.read(InboundText(CHAT, "123456", NOW_MS, None, GROUP)) is UNCLEAR, "no code is taken there"
    assert answers.read(InboundText(CHAT, f"1 {code}", NOW_MS, None)) is UNCLEAR, "it was told to the group"


@pytest.mark.parametrize("language", ["id", "en"])
def test_each_answer_is_one_text_message(language: str) -> None:
    at = LOCAL.clock(NOW_MS, NOW_MS)
    for key in ("accepted", "declined", "arrived", "alive", "backup", "over", "proven"):
        told = words(f"taken.{key}", language, code="147", at=at.replace("UTC", "WITA"))
        assert len(words("title.exercise", language, title=told)) <= 160
    for key in ("unclear", "several", "unknown_code", "no_call", "wrong_proof"):
        assert len(words(f"help.{key}", language)) <= 160
