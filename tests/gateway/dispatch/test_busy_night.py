"""After a busy night: each call has its whole history, and each promise was kept or is to be seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from gateway.dispatch.busy_night import LISTED, SHAKEN, WAYS, BusyNight
from gateway.dispatch.night_people import HOME_ENDS_MS, PATROL_ENDS_MS, patrol_at
from gateway.dispatch.night_ways import DEAD
from gateway.ingest_harness import NOW_MS
from gateway.ways.modem_place import TIMES, Telephone
from siaga_gateway.catalogue import text
from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.escalation_state import ContactKind, Phase
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.keyed_answer import Question, Said, Taken
from siaga_gateway.domain.notification import RESPONDER, Notification, NotificationState, key_of, whose
from siaga_gateway.domain.owner_cases import OwnerCaseKind
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.responder_positions import Outcome
from siaga_gateway.service.inbound import TextOutcome
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry

pytestmark = pytest.mark.timeout(3600)  # a night takes as long as a busy machine lets it

STATE = NotificationState
RUNGS = ["stations", "chief", "region", "everyone"]
LONGEST_S = 60


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusyNight]:
    with Telephone(times=copied(TIMES, ring=20.0, call=30.0)) as line:
        made = BusyNight(tmp_path_factory.mktemp("night"), line)
        made.live()
    yield made
    made.desk.close()


@pytest.fixture(scope="module")
def incidents(night: BusyNight) -> list[Incident]:
    return list(night.store.recent_incidents(1_000))


@pytest.fixture(scope="module")
def rows(night: BusyNight, incidents: list[Incident]) -> dict[int, list[Notification]]:
    """Whom each incident told."""
    return {each.id: night.notifications(each.id) for each in incidents}


def calls(entries: list[JournalEntry]) -> list[JournalEntry]:
    return [entry for entry in entries if entry.kind == journal.CALLED]


def test_the_night_had_all_that_it_should(night: BusyNight, incidents: list[Incident]) -> None:
    assert len(incidents) > 60
    assert any(each.duress for each in incidents) and any(each.presses > 1 for each in incidents)
    assert night.store.recent_tests(10)
    entries = night.store.journal_after(0, 100_000)
    kinds = {entry.kind for entry in entries}
    assert {journal.DISPATCHED_BY_PERSON, journal.PRESSED_AGAIN, journal.DURESS, journal.CALLED} <= kinds
    reached = {str(entry.facts["rung"]) for entry in calls(list(entries))}
    assert {*RUNGS, "operator", "supervisor"} <= reached
    whys = {str(entry.facts["why"]) for entry in calls(list(entries))}
    assert {"opened", "held", "unassigned", "not_arrived", "withdrawn", "backup", "made_real"} <= whys
    told = {(each.word, each.who) for each in night.people.said}
    assert {word for word, _ in told} == {"accepted", "declined", "withdrew", "arrived", "alive", "backup", "finished"}
    assert {who for word, who in told if word == "accepted"} == {"ani", "budi", "dewi", "patroli", "fajar", "gita"}
    assert night.ways[ContactWay.NTFY].lost and night.ways[ContactWay.SMS].lost
    assert night.faults == []


def test_each_call_has_a_complete_history_in_order(night: BusyNight, incidents: list[Incident]) -> None:
    for incident in incidents:
        entries = [
            each for each in night.store.journal_of_incident(incident.id) if not each.kind.startswith("delivery")
        ]
        assert entries[0].kind == journal.INCIDENT_OPENED
        assert all(a.at_ms <= b.at_ms for a, b in pairwise(entries))
        assert calls(entries), incident.id
        closed = [number for number, each in enumerate(entries) if each.kind == journal.CLOSED]
        assert len(closed) == 1
        assert calls(entries[closed[0] :]) == [], "nobody is called for what is over"
        assert incident.state is IncidentState.CLOSED
        escalation = night.store.escalation_of(incident.id)
        assert escalation is not None and escalation.phase is Phase.CLOSED


def test_a_ladder_climbs_rung_by_rung_and_keeps_its_height_where_somebody_drops_out(
    night: BusyNight, incidents: list[Incident]
) -> None:
    for incident in incidents:
        waves: dict[object, list[JournalEntry]] = {}
        for entry in calls(list(night.store.journal_of_incident(incident.id))):
            if entry.facts["why"] != "held":
                waves.setdefault(entry.facts["wave"], []).append(entry)
        reached = 0
        for entries in waves.values():
            heights = [RUNGS.index(str(each.facts["rung"])) for each in entries]
            # Where somebody who was sent drops out, the first are called once more and the climb goes on.
            kept = reached if entries[0].facts["why"] in ("withdrawn", "backup", "not_arrived") else 0
            assert heights[0] == 0 and all(each <= kept + 1 for each in heights[1:2]), heights
            assert all(0 <= b - a <= 1 for a, b in pairwise(heights[1:])), heights
            reached = max(kept, heights[-1])


def test_as_long_as_no_desk_answers_somebody_is_called_each_minute(
    night: BusyNight, incidents: list[Incident], rows: dict[int, list[Notification]]
) -> None:
    """Within 60 s of the one before, however long the operator sleeps, and across the restart; who accepts moves the
    climb by as much once more, while desks ring."""
    silences, climbs = [], []
    answered = (journal.SEEN, journal.ASSIGNED, journal.CLOSED, journal.ACKNOWLEDGED)
    for incident in incidents:
        entries = night.store.journal_of_incident(incident.id)
        rings = [row.made_at_ms for row in rows[incident.id] if row.kind is ContactKind.RING_DESK]
        last, climbed, pause_s = None, None, 0
        for entry in entries:
            if climbed is not None and last is not None and entry.kind in (journal.CALLED, *answered):
                # Of an exercise only the console rings, which leaves no row: its desk is not on the drill's list.
                for at_ms in (*(each for each in sorted(rings) if climbed < each <= entry.at_ms), entry.at_ms):
                    if entries[0].facts["mode"] != "exercise":
                        silences.append((at_ms - last) / 1_000)
                    last = at_ms
                climbs.append((entry.at_ms - climbed) / 1_000 - pause_s)
            if entry.kind in (journal.INCIDENT_OPENED, journal.CALLED):
                last, climbed, pause_s = entry.at_ms, entry.at_ms, 0
            elif entry.kind == journal.RESPONDER_SAID and entry.facts["said"] == "accepted":
                pause_s = LONGEST_S
            elif entry.kind in answered:
                last = climbed = None
    assert len(silences) > 300
    assert max(silences) <= LONGEST_S and max(climbs) <= LONGEST_S
    assert night.late == []


def test_each_promise_was_kept_or_is_to_be_seen(
    night: BusyNight, incidents: list[Incident], rows: dict[int, list[Notification]]
) -> None:
    handed: Counter[ContactWay] = Counter()
    for incident in incidents:
        for row in rows[incident.id]:
            assert row.state is not STATE.PENDING and row.next_at_ms is None
            if row.way not in WAYS:
                assert row.state is STATE.BY_HAND
                continue
            folded = re.search(r" \(\d+ in (\S+)\)$", row.detail or "")  # told of in one message with others
            key = key_of(incident.identifier, row) if folded is None else folded[1]
            taken = night.ways[row.way].taken[key]
            if row.state is STATE.HANDED_OVER:
                handed[row.way] += 1
                assert taken >= 1
            elif row.state is STATE.FAILED:
                dead = DEAD in row.recipient and row.detail == "403"
                assert dead or row.way is ContactWay.PHONE, "only a desk's key says that nobody can come"
            else:
                assert row.state in (STATE.WITHDRAWN, STATE.EXPIRED)
    assert handed.total() > 500 and set(handed) == set(WAYS)


def test_nobody_gets_again_what_is_known_to_have_arrived(night: BusyNight) -> None:
    """A message is sent a second time only where nobody knows what became of the first, and under the same key."""
    for way in night.ways.values():
        twice = {key for key, times in way.taken.items() if times > 1}
        assert twice <= way.lost
        assert all(way.taken[key] <= 3 for key in twice)


def test_who_is_called_first_is_who_must_come(
    night: BusyNight, incidents: list[Incident], rows: dict[int, list[Notification]]
) -> None:
    """Each call of an active registration that has a place called its station at once."""
    for incident in incidents:
        first = [row for row in rows[incident.id] if row.number == 1 and row.kind is ContactKind.CALL]
        opened = night.store.journal_of_incident(incident.id)[0].facts
        if opened["mode"] == "exercise":
            continue
        if opened["has_position"] and first and first[0].rung == "stations":
            assert any("polsek" in row.recipient for row in first)
            assert {row.made_at_ms - incident.opened_at_ms for row in first} == {0}


def test_the_last_word_to_each_button_is_that_its_call_is_closed(night: BusyNight, incidents: list[Incident]) -> None:
    """Under whichever of its presses it waits for an answer by now."""
    for device_id in {incident.device_id for incident in incidents}:
        assert night.sent.of(device_id)[-1][18] == Stage.CLOSED


# Officers and the patrol


def words(night: BusyNight, incident: Incident) -> list[tuple[int, str, str]]:
    """(when, who, what) of all that the history has of responders' words."""
    return [
        (each.at_ms, str(each.facts["who"]).removeprefix(RESPONDER), str(each.facts["said"]))
        for each in night.store.journal_of_incident(incident.id)
        if each.kind == journal.RESPONDER_SAID
    ]


def test_what_officers_said_is_in_the_history_and_nothing_that_nobody_said(
    night: BusyNight, incidents: list[Incident]
) -> None:
    """By the link, in a chat or by text alike. A time of duty that ends withdraws who is under way."""
    for incident in incidents:
        kept = [each for each in words(night, incident) if each[1] != "eko"]
        said = [(each.at_ms, each.who, each.word) for each in night.people.said_of(incident.id) if each.was_open]
        assert [each for each in said if each not in kept] == []
        for at_ms, who, word in kept:
            if (at_ms, who, word) not in said:
                ends_ms = {"patroli": PATROL_ENDS_MS, "fajar": HOME_ENDS_MS}[who]
                assert word == "withdrew" and 0 <= at_ms - NOW_MS - ends_ms < 20_000
    assert len(night.people.chatter) > 5 and set(night.people.chatter) == {TextOutcome.UNCLEAR}


def test_a_key_in_a_call_is_an_officers_word_or_a_desks(night: BusyNight, incidents: list[Incident]) -> None:
    by_id = {each.id: each for each in incidents}
    told: dict[str, int] = Counter()
    for call in night.phone.calls:
        row = night.people.meant[call.key]
        incident, pressed = by_id[row.incident_id], [said for said, taken in call.answers if taken is Taken.TAKEN]
        if call.question is Question.RESPONDER and pressed == [Said.YES]:
            assert (call.at_ms, "eko", "accepted") in words(night, incident)
        elif call.question is Question.DESK and pressed == [Said.YES]:
            kept = night.store.journal_of_incident(incident.id)
            heard = [
                each for each in kept if each.at_ms == call.at_ms and each.kind in (journal.SEEN, journal.ACKNOWLEDGED)
            ]
            assert [each.actor for each in heard] == [text("calls.spoken.by_phone", "id", name="Polda")]
        else:
            continue
        told[call.question] += 1
    assert told[Question.RESPONDER] > 5 and told[Question.DESK] > 3
    for incident in incidents:
        times = {call.at_ms for call in night.phone.calls if night.people.meant[call.key].incident_id == incident.id}
        assert {at_ms for at_ms, who, _ in words(night, incident) if who == "eko"} <= times


def test_a_responder_is_no_desk_and_the_button_hears_of_him_at_once(
    night: BusyNight, incidents: list[Incident]
) -> None:
    heard = 0
    for incident in incidents:
        for entry in night.store.journal_of_incident(incident.id):
            if entry.kind in (journal.SEEN, journal.ACKNOWLEDGED, journal.ASSIGNED, journal.CLOSED):
                assert not str(entry.actor).startswith(RESPONDER)
        said = night.people.said_of(incident.id)
        if said and said[0].word == "accepted" and said[0].unassigned and words(night, incident)[0][1] == said[0].who:
            assert said[0].stage == Stage.ASSIGNED
            heard += 1
    assert heard > 10


def test_the_patrol_is_called_from_where_it_was_and_no_more_after_its_duty(
    night: BusyNight, incidents: list[Incident], rows: dict[int, list[Notification]]
) -> None:
    near = 0
    assert {what for at_ms, what in night.people.positions.items() if at_ms - NOW_MS < PATROL_ENDS_MS} == {
        Outcome.TAKEN
    }
    for incident in incidents:
        still = not any(each.kind == journal.POSITION for each in night.store.journal_of_incident(incident.id)[1:])
        for row in rows[incident.id]:
            ms = row.made_at_ms - NOW_MS
            if row.recipient == "responder:patroli" and row.kind is ContactKind.CALL:
                assert ms < PATROL_ENDS_MS
                if still and row.number == 1 and row.rung == "stations" and incident.place is not None:
                    assert row.metres == round(distance_m(patrol_at(ms - ms % 60_000), incident.place[:2]))
                    near += 1
            assert whose(row.recipient) != "responder:hadi", "no way of his is proven"
            if whose(row.recipient) == "responder:gita" and row.kind is ContactKind.CALL:
                assert row.rung == "everyone", "off duty"
    assert near > 2


# The drill, the earthquake, the end


def test_the_drill_calls_only_whom_it_names_and_what_is_real_is_never_marked(
    night: BusyNight, incidents: list[Incident], rows: dict[int, list[Notification]]
) -> None:
    drilled = {each.device_id for each in night.drilled}
    exercises = [each for each in incidents if is_exercise(each)]
    closed, again, forced, said, lasting = (each.device_id for each in night.drilled)
    assert sorted(each.device_id for each in exercises) == sorted([closed, lasting])
    real = {each.device_id for each in incidents if each.drill is not None and each.mode is Mode.ACTUAL}
    assert real == {again, forced, said}
    mark = text("calls.title.exercise", "id", title="")
    titles = {key: title for way in night.ways.values() for key, title in way.titles.items()}
    for incident in incidents:
        recipients = {whose(each.recipient) for each in rows[incident.id]}
        marked = {
            titles.get(key_of(incident.identifier, each), "").startswith(mark)
            for each in rows[incident.id]
            if each.is_responder
        }
        if incident in exercises:
            assert recipients <= set(LISTED) and True in marked
        elif incident.drill is None:
            assert incident.device_id not in drilled or incident.device_id == closed
            assert incident.mode is Mode.ACTUAL and True not in marked
        else:
            assert not recipients <= set(LISTED), "it is real, and calls whom it must"


def test_an_earthquake_is_one_major_incident_and_its_chief_is_told_in_few_messages(
    night: BusyNight, incidents: list[Incident], rows: dict[int, list[Notification]]
) -> None:
    shaken = {each.device_id for each in night.shaken}
    members = [each for each in incidents if each.device_id in shaken]
    assert len(members) == SHAKEN and {each.cluster for each in members} == {min(each.id for each in members)}
    assert not any(each.cluster is not None for each in incidents if is_exercise(each))
    by_id = {each.id: each.identifier for each in members}

    def messages(who: str) -> tuple[int, int]:
        """How many calls of the first waves one was told of, and in how many messages."""
        mine = [row for each in members for row in rows[each.id] if row.recipient == who and row.wave == 1]
        told = [row for row in mine if row.kind is ContactKind.CALL and row.state is STATE.HANDED_OVER]
        folded = [re.search(r" \(\d+ in (\S+)\)$", row.detail or "") for row in told]
        keys = [key_of(by_id[row.incident_id], row) for row in told]
        return len(told), len({key if one is None else one[1] for key, one in zip(keys, folded, strict=True)})

    told, sent = messages("responder:citra")
    assert told > 4 * SHAKEN and sent * 5 <= told
    told, sent = messages("station:polsek-se")
    assert told == sent > SHAKEN


def test_each_call_ended_as_the_operator_said_and_the_owners_record_has_it(
    night: BusyNight, incidents: list[Incident]
) -> None:
    for incident in incidents:
        entries = night.store.journal_of_incident(incident.id)
        (closed,) = [each for each in entries if each.kind == journal.CLOSED]
        assert incident.disposition == night.ended[incident.id] == closed.facts["disposition"]
    assert {each.kind for each in night.store.owner_cases_of(night.desk.owner_id)} == set(OwnerCaseKind)
