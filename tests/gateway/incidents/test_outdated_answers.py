"""What a responder wrote or tapped before things changed: it may no longer be what he means."""

from __future__ import annotations

import pytest

from gateway.incidents.test_text_answers import (
    CHAT,
    GROUP,
    NUMBER,
    TAKEN,
    UNCLEAR,
    Scene,
    assigned,
    chats,
    person,
    scene,
    unclear,
    words,
)
from gateway.sample_store import NOW_MS
from siaga_gateway.domain.escalation_state import Contact as Called
from siaga_gateway.domain.escalation_state import ContactKind, Progress, Why
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.notification import NotificationState, made
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.drills import forget_answers
from siaga_gateway.service.dispatch.moved_chats import MovedChats, former_chat
from siaga_gateway.service.dispatch.text_codes import TextCodes
from siaga_gateway.service.dispatch.text_numbers import TextNumbers
from siaga_gateway.service.inbound import InboundText, TextOutcome
from siaga_gateway.service.store import StoreFailing

__all__ = ["scene"]


def test_what_may_be_minutes_old_is_asked_again_but_for_a_call_for_help(scene: Scene) -> None:
    code = scene.codes.code(1, "a")

    def tap(said: str) -> TextOutcome:
        return scene.answers.read(InboundText(NUMBER, said, scene.clock.at_ms, NUMBER, late=True))

    for said in ("1", "2", "3"):
        assert tap(f"{said} {code}") is UNCLEAR
        assert scene.told() == words("help.late", code=code)
    assert not scene.said() and tap("1 99") is UNCLEAR
    assert scene.write(f"3 {code}") is TAKEN and tap(f"2 {code}") is TAKEN
    assert [each[1] for each in scene.said()] == ["arrived", "backup"]


def test_what_answers_the_exercise_is_no_answer_to_the_call_that_it_became(scene: Scene) -> None:
    code = scene.codes.code(1, "a")
    called = Called(1, ContactKind.CALL, Why.MADE_REAL, 2)
    real = made(1, called, "responder:a", ContactWay.SMS, 0, None, NOW_MS)
    with scene.store.transaction() as transaction:
        transaction.put_incident(copied(transaction.incidents([1])[1], mode=Mode.ACTUAL, drill=1))
        transaction.add_notifications([real])
    with scene.store.transaction() as transaction:
        transaction.put_notifications(
            [copied(real, state=NotificationState.HANDED_OVER, attempts=1, attempted_ms=NOW_MS)]
        )
    # By the list of an older version, which drew no other code.
    before = InboundText(NUMBER, f"1 {code}", NOW_MS - 5_000, NUMBER)
    assert [scene.write(f"1 {code} *"), scene.answers.read(before)] == [UNCLEAR, UNCLEAR]
    assert "THIS IS REAL" in scene.told() and not scene.said()
    assert scene.write(f"1 {code}") is TAKEN


def test_a_text_to_the_exercise_that_was_long_on_its_way_is_none_to_the_call(scene: Scene) -> None:
    old = scene.codes.code(1, "a", True)
    called = Called(1, ContactKind.CALL, Why.MADE_REAL, 2)
    real = copied(made(1, called, "responder:a", ContactWay.SMS, 0, None, NOW_MS), next_at_ms=None)
    with scene.store.transaction() as transaction:
        transaction.put_incident(copied(transaction.incidents([1])[1], mode=Mode.ACTUAL, drill=1))
        forget_answers(transaction, 1, NOW_MS)
        transaction.add_notifications([copied(real, state=NotificationState.HANDED_OVER, attempted_ms=NOW_MS)])
    scene.clock.at_ms += 60_000
    assert scene.write("1") is UNCLEAR, "it has not been told of the call yet"
    assert scene.codes.code(1, "a", True) == old
    anew = TextCodes(scene.store, [TextNumbers(scene.store)], scene.clock)
    assert anew.code(1, "a", True) is None, "who sends it still says that it is an exercise"
    new = scene.codes.code(1, "a")
    assert new not in (None, "", old)
    assert scene.write(f"1 {old}") is UNCLEAR and "THIS IS REAL" in scene.told() and not scene.said()
    assert scene.write(f"1 {new}") is TAKEN


@pytest.mark.parametrize("written", ["2", "1", "3"])
def test_who_was_sent_and_knows_of_the_exercise_alone_rings_the_desk_also_without_a_code(
    scene: Scene, written: str
) -> None:
    assigned(scene, Progress.ON_SCENE)
    scene.codes.code(1, "a")
    with scene.store.transaction() as transaction:
        transaction.put_incident(copied(transaction.incidents([1])[1], mode=Mode.ACTUAL, drill=1))
    assert scene.write(written) is UNCLEAR and "THIS IS REAL" in scene.told() and not scene.said()
    assert unclear(scene) == [("responder:a", "sms")]


def test_a_tap_in_a_group_that_became_another_counts_until_and_after_the_list_is_corrected(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    answers, new = chats(scene), "-1001557912345"
    code, moved = scene.codes.code(1, "patrol"), MovedChats(scene.store)
    tap = InboundText(CHAT, f"1 {code}", NOW_MS, None, new)
    assert answers.read(tap) is UNCLEAR
    for _ in range(2):
        moved.note(GROUP, new)
    assert [each.args for each in caplog.records] == [()] and new in caplog.text, "said once"
    assert answers.read(tap) is TAKEN
    with scene.store.transaction() as transaction:
        transaction.change_responders()
        way = ProvenWay(Contact(ContactWay.TELEGRAM, new), NOW_MS)
        transaction.put_responders([copied(person("patrol", NUMBER), ways=(way,))])
    assert answers.read(InboundText(CHAT, f"3 {code}", NOW_MS, None, new)) is TAKEN


def test_what_the_store_cannot_keep_of_a_moved_chat_is_noted_with_the_next_message(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = MovedChats(scene.store)

    def fails() -> None:
        raise StoreFailing("passed_on", why="a full disk")

    with monkeypatch.context() as broken:
        broken.setattr(scene.store, "transaction", fails)
        moved.note("-17", "-1001")
    assert former_chat(scene.store, "-1001") == ""
    moved.note("-17", "-1001")
    assert former_chat(scene.store, "-1001") == "-17"
