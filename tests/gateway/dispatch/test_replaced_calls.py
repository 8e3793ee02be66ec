"""A telephone that rings while something happens to its call: a later wave takes its place, or it is closed."""

from __future__ import annotations

from pathlib import Path

from test_keyed_answers import PHONE, Scene

from databases import Place
from siaga_gateway.domain.escalation_state import Contact, ContactKind, FactKind, Why
from siaga_gateway.domain.keyed_answer import Question, Standing, Taken
from siaga_gateway.domain.notification import NotificationState, made


def test_it_is_not_over_and_whoever_answers_it_is_not_called_twice(tmp_path: Path) -> None:
    scene = Scene(Place("sqlite", tmp_path))
    incident, district = scene.press(), scene.district
    ringing = scene.called(incident, "responder:budi")
    talk = scene.answers.talk(ringing, Question.RESPONDER, "")
    scene.answers._people.answer(incident.id, "budi", FactKind.DECLINED)
    assert talk.standing() is Standing.ANSWERED
    district.clock.at_ms += 10_000
    contact = Contact(91, ContactKind.CALL, Why.BACKUP, district.state(incident).wave + 1, "responders", 0, 2)
    backup = made(incident.id, contact, "responder:budi", PHONE, 0, None, district.clock.now_ms())
    with scene.store.transaction() as transaction:
        transaction.add_notifications([backup])
    told = [row.state for row in district.told(incident, PHONE) if row.recipient == "responder:budi"]
    assert sorted(told) == [NotificationState.PENDING, NotificationState.WITHDRAWN]
    assert talk.standing() is Standing.WANTED, "he is asked anew"
    assert scene.take(ringing, Question.RESPONDER) is Taken.TAKEN
    assert talk.standing() is scene.answers.standing(backup, Question.RESPONDER) is Standing.ANSWERED
    district.close()


def test_of_several_calls_told_in_one_the_others_are_not_over_with_the_first(tmp_path: Path) -> None:
    scene = Scene(Place("sqlite", tmp_path))
    district, chief = scene.district, "responder:citra"
    first, second = (district.press(counter=number) for number in (1, 2))
    district.go_on()
    carrier, member = (scene.called(each, chief) for each in (first, second))
    talk = scene.answers.talk(carrier, Question.HEARD, "", [member])
    for each, standing in ((first, Standing.WANTED), (second, Standing.OVER)):
        district.operator.close(each.id, "Siti", "accidental", "")
        district.go_on()
        assert talk.standing() is standing
    district.close()
