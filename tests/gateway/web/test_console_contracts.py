"""What the console relies on: one contract for its fakes and for the parts that the gateway puts behind it."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.fake_ports import RunningClock
from gateway.web.console_fakes import Book, FakeBell
from siaga_gateway.domain.escalation_state import Escalation, Phase, Why
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.supervision import Case, Cause
from siaga_gateway.service.fleet.maintenance_cases import CaseOvertaken
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import OperateError, OperatorActions, Overtaken
from siaga_gateway.service.ports import JournalReader, Notifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.web.console.running_notes import running_notes
from waiting import ENDS_S


@dataclass
class Console:
    reader: JournalReader
    operate: OperatorActions
    open: Callable[[], int]
    climb: Callable[[Escalation], None]


class NoRadio:
    def send(self, device_id: bytes, frame: bytes) -> None:
        """Nobody listens."""


@pytest.fixture(params=["fake", "real"])
def console(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Console]:
    if request.param == "fake":
        book = Book(FakeBell())
        numbers = iter(range(1, 100))

        def press() -> int:
            number = next(numbers)
            book.press(number)
            return number

        yield Console(
            book, book, press, lambda known: book.climb(known.incident_id, 0, phase=known.phase, wave=known.wave)
        )
        return
    store = sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    ring = KeyRing(store, sample_store.GATEWAY_KEY)
    operator = IncidentActions(store, ring, NoRadio(), JournalNotifier(), RunningClock(), outputs=[])
    counters = iter(range(1, 100))

    def open_one() -> int:
        incident = sample_store.open_incident(store, next(counters))
        with store.transaction() as transaction:
            transaction.note(journal.INCIDENT_OPENED, incident.opened_at_ms, incident_id=incident.id)
        return incident.id

    def climb(known: Escalation) -> None:
        with store.transaction() as transaction:
            assert transaction.put_escalation(known)

    yield Console(store, operator, open_one, climb)
    store.close()


def steps(console: Console, number: int) -> list[Callable[[], object]]:
    return [
        lambda: console.operate.seen(number, "Rina"),
        lambda: console.operate.assign(number, "Rina", "Raimas 1", 7),
        lambda: console.operate.on_scene(number, "Rina"),
        lambda: console.operate.close(number, "Rina", "verified", "aman"),
    ]


def test_an_unknown_incident_is_none_to_read_and_an_error_to_act_on(console: Console) -> None:
    assert console.reader.incident(999) is None
    assert list(console.reader.journal_of_incident(999)) == []
    for step in [*steps(console, 999), lambda: console.operate.dispatch_held(999, "Rina")]:
        with pytest.raises(OperateError, match="999"):
            step()


def test_a_call_that_rings_again_is_acknowledged_as_it_was_shown_and_a_new_one_by_seeing_it(console: Console) -> None:
    new, old = console.open(), console.open()
    console.operate.seen(old, "Rina")
    for number in (new, old):
        console.climb(Escalation(number, Phase.CALLING, Why.UNASSIGNED, 1, 2, wave=3))
    last = console.reader.last_journal_id()
    with pytest.raises(OperateError):
        console.operate.acknowledge(old, "Rina", 2)
    assert console.reader.last_journal_id() == last
    assert console.operate.acknowledge(old, "Rina", 3).state is IncidentState.SEEN
    entry = console.reader.journal_of_incident(old)[-1]
    assert (entry.kind, entry.actor, dict(entry.facts)) == (journal.ACKNOWLEDGED, "Rina", {"wave": 3})
    assert console.operate.acknowledge(new, "Rina", 3).seen_by == "Rina"
    console.operate.close(old, "Rina", "verified", "")
    with pytest.raises(OperateError, match="closed"):
        console.operate.acknowledge(old, "Rina", 3)


def test_whoever_has_not_seen_the_newest_wave_has_not_seen_the_call(console: Console) -> None:
    """A wave for back-up began a moment before he pressed the button."""
    number, unknown = console.open(), console.open()
    for each in (number, unknown):
        console.climb(Escalation(each, Phase.CALLING, Why.BACKUP, 1, 2, wave=2))
    last = console.reader.last_journal_id()
    with pytest.raises(OperateError):
        console.operate.seen(number, "Rina", wave=1)
    assert console.reader.last_journal_id() == last
    assert console.operate.seen(number, "Rina", wave=2).state is IncidentState.SEEN
    assert console.operate.seen(number, "Rina", wave=1).state is IncidentState.SEEN, "it is a repetition"
    assert console.operate.seen(unknown, "Rina").state is IncidentState.SEEN


def test_only_what_is_asked_about_is_called_again(console: Console) -> None:
    asked, called = console.open(), console.open()
    console.climb(Escalation(asked, Phase.ASKED, Why.OPENED, 1, 2))
    console.climb(Escalation(called, Phase.CALLING, Why.OPENED, 1, 2, wave=1))
    for number in (asked, called):
        assert console.operate.resume(number, "Rina").id == number
    kinds = [[entry.kind for entry in console.reader.journal_of_incident(number)] for number in (asked, called)]
    assert kinds == [["incident_opened", "resumed"], ["incident_opened"]]
    with pytest.raises(OperateError, match="999"):
        console.operate.resume(999, "Rina")


def test_the_journal_is_read_in_order_from_any_place_in_any_portion(console: Console) -> None:
    assert console.reader.last_journal_id() == 0 and list(console.reader.journal_after(0)) == []
    for _ in range(3):
        console.open()
    console.operate.seen(2, "Rina")
    last = console.reader.last_journal_id()
    ids = [entry.id for entry in console.reader.journal_after(0)]
    assert ids == sorted(ids) and ids[-1] == last and len(ids) == 4
    assert [entry.id for entry in console.reader.journal_after(ids[0], 2)] == ids[1:3]
    assert list(console.reader.journal_after(last)) == []
    assert [entry.kind for entry in console.reader.journal_of_incident(2)] == ["incident_opened", "seen"]
    assert console.reader.journal_of_incident(2)[-1].actor == "Rina"


def test_open_ones_come_oldest_first_and_closed_ones_newest_first(console: Console) -> None:
    numbers = [console.open() for _ in range(4)]
    for number in (numbers[1], numbers[0]):
        console.operate.close(number, "Rina", "accidental", "")
    assert [each.id for each in console.reader.open_incidents()] == numbers[2:]
    some = console.reader.incidents([numbers[0], numbers[3], 4_711])
    assert {key: each.id for key, each in some.items()} == {numbers[0]: numbers[0], numbers[3]: numbers[3]}
    assert {each.id for each in console.reader.recent_incidents()} == set(numbers[:2])
    assert next(each.id for each in console.reader.recent_incidents(1)) in numbers[:2]


def test_numbers_of_incidents_come_newest_first_by_state_and_time(console: Console) -> None:
    numbers = [console.open() for _ in range(4)]
    console.operate.close(numbers[1], "Rina", "accidental", "")

    def page(**wanted: object) -> list[int]:
        everything: dict[str, object] = {"before": None, "states": (), "from_ms": None, "before_ms": None, "limit": 9}
        return list(console.reader.incident_numbers(**{**everything, **wanted}))  # type: ignore[arg-type]

    assert page() == numbers[::-1]
    assert page(limit=2) == numbers[:1:-1] and page(before=numbers[2]) == numbers[1::-1]
    assert page(states=[IncidentState.CLOSED]) == [numbers[1]]
    assert page(states=[IncidentState.CLOSED, IncidentState.OPEN]) == numbers[::-1]
    first = console.reader.incident(numbers[0])
    assert first is not None
    opened = first.opened_at_ms
    assert numbers[0] in page(from_ms=opened, before_ms=opened + 1)
    assert page(before_ms=opened) == [] == page(from_ms=2**60)


def test_each_step_is_there_to_read_when_it_returns_and_repeating_it_writes_nothing(console: Console) -> None:
    number = console.open()
    reached = [IncidentState.SEEN, IncidentState.ASSIGNED, IncidentState.ON_SCENE, IncidentState.CLOSED]
    for step, state in zip(steps(console, number), reached, strict=True):
        step()
        found = console.reader.incident(number)
        assert found is not None and found.state is state
        last = console.reader.last_journal_id()
        step()
        assert console.reader.last_journal_id() == last


def test_seen_after_somebody_went_further_is_no_error_but_other_steps_on_a_closed_one_are(console: Console) -> None:
    number = console.open()
    console.operate.assign(number, "Rina", "Raimas 1", None)
    assert console.operate.seen(number, "Budi").state is IncidentState.ASSIGNED
    console.operate.close(number, "Rina", "unfounded", "")
    for step in steps(console, number)[:3]:
        with pytest.raises(OperateError, match="closed"):
            step()


def test_nobody_is_on_scene_before_a_unit_is_assigned(console: Console) -> None:
    number = console.open()
    with pytest.raises(OperateError, match="unit"):
        console.operate.on_scene(number, "Rina")


def progress(console: Console, number: int) -> str:
    found = console.reader.incident(number)
    assert found is not None
    return found.progress


def test_of_two_who_saw_the_same_the_second_is_refused_and_nothing_of_the_first_is_lost(console: Console) -> None:
    number = console.open()
    console.operate.seen(number, "Rina", shown=progress(console, number))
    shown = progress(console, number)
    console.operate.assign(number, "Rina", "Raimas 1", 7, shown=shown)
    last = console.reader.last_journal_id()
    for late in (
        lambda: console.operate.assign(number, "Budi", "Raimas 2", 3, shown=shown),
        lambda: console.operate.assign(number, "Budi", "Raimas 2", 3),  # a script that saw nothing
        lambda: console.operate.close(number, "Budi", "verified", "aman", shown=shown),
        lambda: console.operate.seen(number, "Budi", shown="of an open one"),
    ):
        with pytest.raises(Overtaken) as refused:
            late()
        assert refused.value.incident.unit == "Raimas 1"
    assert console.reader.last_journal_id() == last
    console.operate.assign(number, "Budi", "Raimas 2", 3, shown=progress(console, number))
    with pytest.raises(Overtaken):
        console.operate.on_scene(number, "Rina", shown=shown)
    assert console.operate.assign(number, "Budi", "Raimas 2", 5).eta_minutes == 5, "one's own is corrected"


def test_a_second_closing_says_that_it_did_nothing_and_its_note_can_be_added(console: Console) -> None:
    number = console.open()
    console.operate.close(number, "Rina", "verified", "aman")
    for disposition, note in (("verified", "dibawa ke RS"), ("unfounded", "aman")):
        with pytest.raises(Overtaken):
            console.operate.close(number, "Budi", disposition, note)
    for _ in range(2):
        added = console.operate.add_note(number, "Budi", "dibawa ke RS")
    assert added == console.reader.incident(number)
    first, second = (added.note or "").split("\n")
    assert first == "aman" and second.startswith("Budi") and second.endswith(": dibawa ke RS")
    assert [entry.kind for entry in console.reader.journal_of_incident(number)][-2:] == ["closed", "note_added"]


def test_several_units_are_sent_and_who_leads_them_is_the_one_that_is_there_soonest(console: Console) -> None:
    number = console.open()
    console.operate.assign(number, "Rina", "Raimas 1", 9)
    led = console.operate.assign(number, "Rina", "Raimas 2", 4, beside=True, shown=progress(console, number))
    assert (led.unit, led.eta_minutes, led.state) == ("Raimas 2", 4, IncidentState.ASSIGNED)
    shown = progress(console, number)
    last = console.reader.last_journal_id()
    assert console.operate.assign(number, "Budi", "Raimas 2", 4, beside=True, shown="old").progress == shown
    with pytest.raises(Overtaken):
        console.operate.assign(number, "Budi", "Raimas 3", 4, beside=True, shown="old")
    with pytest.raises(Overtaken):
        console.operate.stand_down(number, "Budi", "Raimas 2", shown="old")
    assert console.reader.last_journal_id() == last
    assert console.operate.stand_down(number, "Budi", "Raimas 2").unit == "Raimas 1"
    assert console.operate.stand_down(number, "Budi", "Raimas 2").unit == "Raimas 1", "it is stood down already"
    console.operate.assign(number, "Rina", "Raimas 4", None, beside=True)
    there = console.operate.on_scene(number, "Rina", unit="Raimas 4")
    assert (there.unit, there.state) == ("Raimas 4", IncidentState.ON_SCENE)
    with pytest.raises(OperateError):
        console.operate.on_scene(number, "Rina", unit="Raimas 9")
    assert console.operate.assign(number, "Rina", "Raimas 5", 3, beside=True).state is IncidentState.ON_SCENE
    left = console.operate.stand_down(number, "Rina", "Raimas 4")
    assert (left.unit, left.state) == ("Raimas 5", IncidentState.ASSIGNED), "nobody is there any more"
    kinds = [entry.kind for entry in console.reader.journal_of_incident(number)]
    assert kinds[1:] == ["assigned", "assigned", "stood_down", "assigned", "on_scene", "assigned", "stood_down"]


def test_without_the_last_of_its_units_an_incident_is_as_before_any_was_sent(console: Console) -> None:
    number = console.open()
    console.operate.assign(number, "Rina", "Raimas 1", 9)
    alone = console.operate.stand_down(number, "Rina", "Raimas 1")
    assert (alone.state, alone.unit, alone.eta_minutes, alone.seen_by) == (IncidentState.SEEN, None, None, "Rina")
    assert console.operate.assign(number, "Rina", "Raimas 2", 3, beside=True).unit == "Raimas 2"
    console.operate.close(number, "Rina", "verified", "")
    with pytest.raises(OperateError):
        console.operate.stand_down(number, "Rina", "Raimas 2")


def test_what_was_closed_by_mistake_is_opened_again_with_nobody_on_the_way(console: Console) -> None:
    number = console.open()
    assert console.operate.reopen(number, "Rina", "nothing to open").state is IncidentState.OPEN
    console.operate.assign(number, "Rina", "Raimas 1", 9)
    console.operate.close(number, "Rina", "unfounded", "kosong")
    with pytest.raises(Overtaken):
        console.operate.reopen(number, "Budi", "salah klik", shown="of an open one")
    again = console.operate.reopen(number, "Budi", "salah klik", shown=progress(console, number))
    assert again == console.reader.incident(number)
    assert (again.state, again.seen_by, again.unit, again.units) == (IncidentState.SEEN, "Budi", None, ())
    assert (again.closed_by, again.closed_at_ms, again.disposition, again.note) == (None, None, None, "kosong")
    assert [each.id for each in console.reader.open_incidents()] == [number]
    entry = console.reader.journal_of_incident(number)[-1]
    assert (entry.kind, entry.actor, entry.facts.get("reason")) == (journal.REOPENED, "Budi", "salah klik")
    last = console.reader.last_journal_id()
    assert console.operate.reopen(number, "Rina", "too").id == number and console.reader.last_journal_id() == last
    console.operate.assign(number, "Rina", "Raimas 2", 3)
    assert console.operate.close(number, "Rina", "verified", "aman").disposition == "verified"
    with pytest.raises(OperateError, match="999"):
        console.operate.reopen(999, "Rina", "nobody's")


def test_notes_of_an_open_incident_are_added_and_stay_when_it_is_closed(console: Console) -> None:
    number = console.open()
    with pytest.raises(OperateError, match="999"):
        console.operate.add_note(999, "Rina", "nobody")
    for who, note in (("Rina", "dua orang\nBudi, 01-12-2026 10:00:00 UTC: semua aman"), ("Budi", "pintu belakang")):
        for _ in range(2):  # a form that is sent twice adds one line
            console.operate.add_note(number, who, note)
    open_one = console.reader.incident(number)
    assert open_one is not None and open_one.state is IncidentState.OPEN
    console.operate.close(number, "Rina", "verified", "aman")
    closed = console.reader.incident(number)
    assert closed is not None and closed.note == f"aman\n{open_one.note}"
    told = [(each.author, each.text.split("\n")[0]) for each in running_notes(closed.note)]
    assert told == [("", "aman"), ("Rina", "dua orang"), ("Budi", "pintu belakang")]
    kinds = [entry.kind for entry in console.reader.journal_of_incident(number)]
    assert kinds == ["incident_opened", "note_added", "note_added", "closed"]


def test_a_step_of_the_protocol_is_ticked_once_taken_back_and_only_of_the_list_that_was_shown(console: Console) -> None:
    number = console.open()
    found = console.reader.incident(number)
    assert found is not None
    for _ in range(2):  # a form that is sent twice writes one entry
        assert console.operate.tick(number, "Rina", "normal", 0, 1, True) == found, "the incident stays as it is"
    console.operate.tick(number, "Budi", "normal", 0, 0, True)
    console.operate.tick(number, "Budi", "normal", 0, 1, False)
    console.operate.tick(number, "Budi", "normal", 0, 2, False)
    entries = console.reader.journal_of_incident(number)
    assert [(each.kind, each.actor, each.facts["step"]) for each in entries[1:]] == [
        (journal.PROTOCOL_TICKED, "Rina", 1),
        (journal.PROTOCOL_TICKED, "Budi", 0),
        (journal.PROTOCOL_UNTICKED, "Budi", 1),
    ]
    for protocol, version, step in (("duress", 0, 1), ("normal", 1, 1), ("normal", 0, 99)):
        with pytest.raises(OperateError):
            console.operate.tick(number, "Rina", protocol, version, step, True)
    console.operate.close(number, "Rina", "verified", "aman")
    with pytest.raises(OperateError, match="closed"):
        console.operate.tick(number, "Rina", "normal", 0, 3, True)
    with pytest.raises(OperateError, match="999"):
        console.operate.tick(999, "Rina", "normal", 0, 0, True)
    assert len(console.reader.journal_of_incident(number)) == 5


def test_an_overtaken_step_is_told_across_processes(console: Console) -> None:
    number = console.open()
    console.operate.close(number, "Rina", "verified", "aman")
    with pytest.raises(Overtaken) as refused:
        console.operate.close(number, "Budi", "unfounded", "kosong")
    arrived = pickle.loads(pickle.dumps(refused.value))
    assert (arrived.incident, arrived.called, str(arrived)) == (refused.value.incident, False, str(refused.value))
    case = Case(3, None, Cause.SILENT, 20, 1, closed_ms=2, closed_by="Rina", note="mast")
    told = pickle.loads(pickle.dumps(CaseOvertaken(case)))
    assert (told.case, str(told)) == (case, str(CaseOvertaken(case)))


@pytest.mark.parametrize("make", [FakeBell, JournalNotifier])
def test_a_bell_wakes_whoever_waits_and_is_not_missed_between_two_waits(make: Callable[[], Notifier]) -> None:
    async def scenario() -> None:
        notifier = make()
        assert await notifier.wait(0.01) is False
        threading.Timer(0.05, notifier.ring).start()
        assert await notifier.wait(ENDS_S) is True
        assert await notifier.wait(0.01) is False, "one ring, one waking"
        notifier.ring()  # while nobody waits
        assert await notifier.wait(ENDS_S) is True
        others = [asyncio.create_task(notifier.wait(ENDS_S)) for _ in range(3)]
        await asyncio.sleep(0)
        notifier.ring()
        assert [await other for other in others] == [True, True, True]

    asyncio.run(scenario())
