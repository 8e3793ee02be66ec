"""A row that is damaged, or that a later version wrote, hides no other: not in any list that the store returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway import sample_store
from gateway.dispatch.listed_places import NE, SW
from gateway.dispatch.listed_responders import ALWAYS, BUDI, SAID, WATI
from gateway.sample_store import DEVICE_ID, NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.incidents import SELECT
from siaga_gateway.adapters.sql.postgres.errors import failing
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.device_command import Command, CommandState
from siaga_gateway.domain.device_report import Status
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.drill import Drill
from siaga_gateway.domain.escalation import opened
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import Assignment, Contact, ContactKind, Progress, Why
from siaga_gateway.domain.frame import CommandCode
from siaga_gateway.domain.handover import Handover, ShiftFacts
from siaga_gateway.domain.incident import Disposition, IncidentState, Mode
from siaga_gateway.domain.notification import made
from siaga_gateway.domain.owner_cases import OwnerCase, OwnerCaseKind, OwnerCaseState
from siaga_gateway.domain.permissions import Role
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.protocol import CallKind, ProtocolVersion
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.response import Response
from siaga_gateway.domain.supervision import Case, Cause, SupervisionLimits
from siaga_gateway.domain.value import copied
from siaga_gateway.service.ports import UnreadableCall
from siaga_gateway.service.store import (
    Attempt,
    DeliveryState,
    RowUnreadable,
    Store,
    StoreDamaged,
    SupervisionFilter,
    Transaction,
)
from siaga_gateway.service.store.incident_search import IncidentSearch

OTHER_ID = bytes(range(8))
HEALTH = Status.from_body(bytes((1, 2, 0, 176, 0x13, 5, 0, 0)))
SIEVE = SupervisionFilter(NOW_MS, SupervisionLimits(), {SupervisionLimits().checkin_s: NOW_MS})
# Of plain columns only: there is nothing in them that could not be read.
PLAIN = frozenset(
    {
        *("desk_messages", "desk_messages_of", "incident_numbers", "tokens", "remembered_under"),
        *("shift_notes", "shift_notes_of", "receipts", "closed_since"),
        *("areas", "batches_from", "call_facts", "call_records", "calls_opened", "calls_within", "chain_after"),
        *("coded_calls", "deafness", "devices_changed", "devices_of", "devices_with_commands", "duty_links"),
        *("duty_links_of", "escalations_touched", "event_rows_after", "event_rows_of", "event_signatures", "events"),
        *("expired_incidents", "expired_owners", "expired_last_positions", "home_stations", "incidents_of"),
        *("installed_places", "intervals", "links_opened", "marks", "named_calls", "open_calls", "photographs"),
        *("photographs_of", "positions", "positions_of", "registered_buttons", "rescues", "responder_keys", "settle"),
        *("silences", "strangers", "suspended", "text_codes", "token_hashes", "under_way", "unescalated"),
        *("unreadable_calls", "waiting"),
        *("ask_again", "mark_delivered"),
        *("batches", "coverage", "days_of", "positions_left", "removals", "stored_after"),
        *("closed_before", "coverage_bands", "forget_private_frames", "frame_removals", "incidents_told_of"),
        *("private_frames", "take_untold", "untold", "sessions", "consents_of"),
        *("frames_of", "placed_frames", "sims", "workers", "days_of_each"),
    }
)
# Each row is read, with a part of it missing: an owner without his data, a journal entry as raw text, a level without a
# reason. `notices` are read one by one where one fails: test_delivery_worker.
IN_PART = frozenset(
    {
        *("drill_buttons", "owners", "owners_after", "alarms", "work"),
        *("journal_after", "journal_last", "journal_of_incident", "journal_of_kinds", "journal_of_lines", "journaled"),
    }
)
BY_EACH = frozenset({"notices"})

INCIDENT = "UPDATE incident SET call_back = 'calmed' WHERE id = ?"
ESCALATION = "UPDATE escalation SET phase = 'napping' WHERE incident_id = ?"
NOTIFICATION = "UPDATE notification SET kind = 'sung' WHERE number = ?"
DRILL = "UPDATE drill SET buttons = '[' WHERE id = ?"
CASE = "UPDATE maintenance SET cause = 'moss' WHERE id = ?"
OWNER_CASE = "UPDATE owner_case SET kind = 'dreamt' WHERE id = ?"
COMMAND = "UPDATE command SET code = 99 WHERE down_counter = ?"
NOTICE = "UPDATE notice SET change = 'openfd' WHERE incident_id = ?"
ATTEMPT = "UPDATE attempt SET state = 'sung' WHERE at_ms = ?"
RESPONDER = "UPDATE responder SET kind = 'poet' WHERE responder_key = ?"
SHIFT = "UPDATE shift SET duty = 'asleep' WHERE responder = ?"
DECLARED = "UPDATE self_declared SET duty = 'asleep' WHERE responder = ?"
RESPONSE = "UPDATE response SET state = 'sung' WHERE responder = ?"
STATION = "UPDATE station SET contacts = '[' WHERE station_key = ?"
DEVICE = "UPDATE device SET state = 'lent' WHERE device_id = ?"
STATUS = "UPDATE device_status SET health = x'00' WHERE device_id = ?"
ACCOUNT = "UPDATE account SET role = 'king' WHERE name = ?"
HANDOVER = "UPDATE handover SET facts = '[' WHERE id = ?"
PROTOCOL = "UPDATE protocol SET steps_id = '[' WHERE version = ?"
DISPOSITION = "UPDATE incident SET disposition = 'mischief' WHERE id = ?"

# Of each list: its name, its arguments, and what makes which of its rows unreadable.
OUTSIDE: list[tuple[str, tuple[Any, ...], str, Any]] = [
    ("open_incidents", (), INCIDENT, 1),
    ("recent_incidents", (), INCIDENT, 3),
    ("recent_tests", (), INCIDENT, 5),
    ("found_incidents", (IncidentSearch(), 10**9, 50), INCIDENT, 3),
    ("calls_of", (1,), INCIDENT, 1),
    ("calls_of", (1,), INCIDENT, 3),
    ("ended_calls", (1, 0), DISPOSITION, 3),
    ("open_exercises", (), INCIDENT, 7),
    ("incidents_of_drill", (1,), INCIDENT, 7),
    ("open_escalations", (), ESCALATION, 1),
    ("escalations_due", (NOW_MS + 10**6, "one"), ESCALATION, 1),
    ("notifications_of", (1,), NOTIFICATION, 1),
    ("notifications_due", (ContactWay.NTFY, NOW_MS), NOTIFICATION, 1),
    ("notifications_for", (ContactWay.NTFY, "station:a", NOW_MS), NOTIFICATION, 1),
    ("drills", (), DRILL, 1),
    ("unended_drills", (), DRILL, 1),
    ("cases_of", (DEVICE_ID,), CASE, 1),
    ("open_cases", (), CASE, 1),
    ("opened_since", (Cause.SILENT, 0), CASE, 1),
    ("open_folds", (), CASE, 3),
    ("owner_cases", (), OWNER_CASE, 1),
    ("owner_cases_of", (1,), OWNER_CASE, 1),
    ("commands", (), COMMAND, 1),
    ("commands_due", (NOW_MS,), COMMAND, 1),
    ("commands_expired", (NOW_MS,), COMMAND, 1),
    ("pending", ("cad",), NOTICE, 1),
    ("deliveries", (), NOTICE, 1),
    ("attempts", (1,), ATTEMPT, 1),
    ("responders", (), RESPONDER, "budi"),
    ("shifts", (), SHIFT, "budi"),
    ("declared", (), DECLARED, "budi"),
    ("responses_of", (1,), RESPONSE, "budi"),
    ("stations", (), STATION, "polsek-ne"),
    ("accounts", (), ACCOUNT, "Rina"),
    ("protocols", (), PROTOCOL, 2),
    ("handovers", (None, 10**9, 50), HANDOVER, 2),
    ("handovers_untaken", (None, 0), HANDOVER, 2),
]
INSIDE: list[tuple[str, tuple[Any, ...], str, Any]] = [
    ("open_incidents_of", ([DEVICE_ID, OTHER_ID],), INCIDENT, 8),
    ("open_commands", (DEVICE_ID,), COMMAND, 1),
    ("incidents", ([1, 2],), INCIDENT, 1),
    ("statuses", ([DEVICE_ID, OTHER_ID],), STATUS, DEVICE_ID),
    ("notifications", (1,), NOTIFICATION, 1),
    ("unended_drills", (), DRILL, 1),
    ("ended_calls_of", (1, 0), DISPOSITION, 3),
    ("responses", (1,), RESPONSE, "budi"),
    ("accounts", (), ACCOUNT, "Rina"),
]
# A button whose row cannot be read is there all the same, and whatever it presses is held.
BUTTONS: list[tuple[str, tuple[Any, ...]]] = [
    ("devices", ()),
    ("registrations", ()),
    ("enrolled", ([DEVICE_ID, OTHER_ID],)),
    ("watched", ()),
    ("placed", (10,)),
    ("watched_by", ([DEVICE_ID, OTHER_ID],)),
    ("suspects", (SIEVE, b"", 10)),
]


def _fill(store: SqlStore) -> None:
    device = sample_store.with_device(store)
    with store.transaction() as transaction:
        transaction.add_device(copied(device, device_id=OTHER_ID, public_xy=bytes(64)))
        for device_id in (DEVICE_ID, OTHER_ID):
            transaction.put_status(DeviceStatus(device_id, 1, 5, 5, NOW_MS - 1, low_battery=True, health=HEALTH))
            transaction.set_place(device_id, device.label, (-54_292_000, 1_052_610_000))
    calls = [sample_store.open_incident(store, counter, outputs=("cad",)) for counter in range(1, 9)]
    ladder = Ladder("Contoh")
    causes = {1: Cause.SILENT, 2: Cause.TAMPER}
    with store.transaction() as transaction:
        transaction.put_case(Case(5, OTHER_ID, Cause.SILENT, 1, NOW_MS))
        for number in (1, 2):
            transaction.put_drill(Drill(number, "contoh", "Rina", (DEVICE_ID,), (), NOW_MS, NOW_MS, NOW_MS + 9))
            state = opened(number, NOW_MS, ladder).state
            coming = Assignment("responder:budi", Progress.COMING, 1, NOW_MS)
            transaction.put_escalation(copied(state, next_at_ms=NOW_MS, assignments=(coming,)))
            contact = Contact(
                number, (ContactKind.CALL, ContactKind.ASK)[number - 1], Why.OPENED, 1, "stations", 0, number
            )
            transaction.add_notifications([made(1, contact, "station:a", ContactWay.NTFY, 0, None, NOW_MS)])
            transaction.put_case(Case(number, DEVICE_ID, causes[number], 1, NOW_MS))
            transaction.put_case(Case(2 + number, None, causes[number], 1, NOW_MS))
            transaction.add_owner_case(OwnerCase(0, 1, list(OwnerCaseKind)[number - 1], OwnerCaseState.OPEN, NOW_MS, 3))
            command = Command(
                (DEVICE_ID, OTHER_ID)[number - 1], number, CommandCode.TEST, b"", CommandState.WAITING, "Dewi", 1, 9, 1
            )
            transaction.add_command(command)
            transaction.add_command(replace(command, down_counter=2 + number))
        closed = {"state": IncidentState.CLOSED, "closed_at_ms": NOW_MS, "disposition": Disposition.VERIFIED}
        for call in calls[2:4]:
            transaction.put_incident(copied(call, **{**closed, "closed_at_ms": NOW_MS + call.id}))
        for call in calls[4:6]:
            transaction.put_incident(copied(call, mode=Mode.TEST, **closed))
        for call in (calls[1], calls[6]):
            transaction.put_incident(copied(call, mode=Mode.EXERCISE, drill=1))
        transaction.put_incident(copied(calls[7], device_id=OTHER_ID))
        transaction.record([Attempt(1, at_ms, DeliveryState.PENDING, "") for at_ms in (1, 2)])
        transaction.put_responders([BUDI, WATI])
        transaction.put_stations([NE, SW])
        for name in ("Rina", "Siti"):
            transaction.put_account(Account(name, Role.OPERATOR, "x", NOW_MS, NOW_MS))
        for number in (1, 2):
            transaction.add_handover(Handover(number, None, 0, NOW_MS, "Rina", f"form {number}", ShiftFacts(), None))
            transaction.add_protocol(ProtocolVersion(CallKind.NORMAL, number, ("Tanya",), (), NOW_MS, "Rina"))
        for who in ("budi", "wati"):
            transaction.set_shifts(who, [copied(ALWAYS, responder=who)])
            transaction.declare(copied(SAID, responder=who))
            transaction.put_response(Response(1, who, since_ms=NOW_MS))
    with store.engine.transaction() as session:  # fixed in an incident that is there
        session.run("UPDATE incident SET device_id = ? WHERE id = 8", (OTHER_ID,))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    store = sample_store.new_store(tmp_path_factory.mktemp("unreadable"))
    _fill(store)
    assert isinstance(store.engine, Sqlite)
    store.engine.writer.execute("PRAGMA ignore_check_constraints = ON")  # a flipped bit asks nobody
    yield store
    store.close()


@pytest.fixture
def spoil(filled: SqlStore) -> Iterator[Callable[[str, Any], None]]:
    """Makes a row unreadable; after the test it is as it was."""
    undone: list[tuple[str, tuple[Any, ...]]] = []

    def run(statement: str, key: object) -> None:
        _, table, _, column, *_, by, _, _ = statement.split()
        ((before,),) = filled.fetch(f"SELECT {column} FROM {table} WHERE {by} = ?", (key,))
        undone.append((f"UPDATE {table} SET {column} = ? WHERE {by} = ?", (before, key)))
        with filled.engine.transaction() as session:
            assert session.run(statement, (key,)) == 1

    yield run
    with filled.engine.transaction() as session:
        for statement, parameters in undone:
            session.run(statement, parameters)


def _all(found: Any) -> list[Any]:
    return list(found.items()) if isinstance(found, dict) else list(found)


def _lists(port: type) -> set[str]:
    """The names of all methods that return several things."""
    return {
        name
        for name, method in inspect.getmembers(port, inspect.isfunction)
        if str(method.__annotations__.get("return", "")).startswith(("Sequence[", "Mapping["))
    }


def _check(before: Sequence[Any], after: Sequence[Any]) -> None:
    assert len(before) > 1 and len(after) == len(before) - 1
    assert [each for each in before if each in after] == after


@pytest.mark.parametrize(("name", "arguments", "statement", "key"), OUTSIDE, ids=[each[0] for each in OUTSIDE])
def test_a_list_comes_without_the_row_that_cannot_be_read(
    filled: SqlStore, spoil: Any, name: str, arguments: tuple[Any, ...], statement: str, key: object
) -> None:
    before = _all(getattr(filled, name)(*arguments))
    spoil(statement, key)
    _check(before, _all(getattr(filled, name)(*arguments)))


@pytest.mark.parametrize(("name", "arguments", "statement", "key"), INSIDE, ids=[each[0] for each in INSIDE])
def test_so_does_one_in_a_transaction(
    filled: SqlStore, spoil: Any, name: str, arguments: tuple[Any, ...], statement: str, key: object
) -> None:
    def look() -> list[Any]:
        with filled.transaction() as transaction:
            return _all(getattr(transaction, name)(*arguments))

    before = look()
    spoil(statement, key)
    _check(before, look())


@pytest.mark.parametrize(("name", "arguments"), BUTTONS, ids=[each[0] for each in BUTTONS])
@pytest.mark.parametrize("statement", [DEVICE, STATUS], ids=["device", "status"])
def test_a_button_that_cannot_be_read_is_there_all_the_same(
    filled: SqlStore, spoil: Any, name: str, arguments: tuple[Any, ...], statement: str
) -> None:
    before = _all(getattr(filled, name)(*arguments))
    spoil(statement, DEVICE_ID)
    after = _all(getattr(filled, name)(*arguments))
    assert len(before) == len(after) == 2
    assert filled.registrations()[DEVICE_ID] is (
        RegistrationState.SUSPENDED if statement == DEVICE else RegistrationState.ACTIVE
    )


def test_each_list_of_the_store_is_looked_at_here() -> None:
    named = {name for name, *_ in (*OUTSIDE, *INSIDE, *BUTTONS)}
    others = {"open_owner_cases", "pending_enrolments"}  # sums by kind; as `enrolled`
    lists = _lists(Store) | _lists(Transaction)
    assert lists - named - PLAIN - IN_PART - BY_EACH - others == set(), "may one row of it hide all others?"
    assert (named | PLAIN | IN_PART | BY_EACH | others) - lists == set(), "no such list any more"


@pytest.mark.parametrize(
    ("statement", "key", "read"),
    [
        (INCIDENT, 1, lambda store: store.incident(1)),
        (ESCALATION, 1, lambda store: store.escalation_of(1)),
        (OWNER_CASE, 1, lambda store: store.owner_case(1)),
        (STATUS, DEVICE_ID, lambda store: store.status(DEVICE_ID)),
        (NOTICE, 1, lambda store: store.delivery(1)),
        (COMMAND, 1, lambda store: store.first_command(DEVICE_ID)),
    ],
    ids=["incident", "escalation", "owner case", "status", "delivery", "command"],
)
def test_one_row_by_itself_says_that_it_cannot_be_read(
    filled: SqlStore, spoil: Any, statement: str, key: object, read: Callable[[SqlStore], Any]
) -> None:
    assert read(filled) is not None
    spoil(statement, key)
    with pytest.raises(RowUnreadable, match=r"cannot be read|tidak dapat dibaca"):
        read(filled)


def test_a_damaged_page_hides_only_the_closed_incidents_on_it(
    filled: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = filled.fetch

    def fetch(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if statement.startswith(SELECT) and ("incident.id IN" not in statement or 4 in parameters):
            raise StoreDamaged("store.damaged", why="page 77")
        return whole(statement, parameters)

    assert [each.id for each in filled.recent_incidents()] == [4, 3]
    monkeypatch.setattr(filled, "fetch", fetch)
    assert [each.id for each in filled.recent_incidents()] == [3]


def test_who_is_busy_is_known_beside_an_escalation_that_cannot_be_read(filled: SqlStore, spoil: Any) -> None:
    spoil("UPDATE escalation SET assignments = '[' WHERE incident_id = ?", 1)
    assert filled.assigned_responders() == {"budi"}


def test_a_text_of_which_a_bit_was_flipped_hides_no_other_row(filled: SqlStore, spoil: Any) -> None:
    entries = filled.journal_after(0)
    spoil("UPDATE incident SET device_label = CAST(x'546fff6f' AS TEXT) WHERE id = ?", 1)
    spoil("UPDATE incident SET mode = CAST(x'ff' AS TEXT) WHERE id = ?", 2)
    found = filled.open_incidents()
    assert (found[0].id, found[0].device_label) == (1, "To\ufffdo")
    assert len(found) > 1 and 2 not in {each.id for each in found}
    with filled.transaction() as transaction:
        assert transaction.incidents([1, 2]).keys() == {1}
        transaction.note("seen", NOW_MS, {"device": "x"})
    with filled.engine.transaction() as session:
        session.run("UPDATE journal SET facts = CAST(x'ff' AS TEXT) WHERE id = ?", (filled.last_journal_id(),))
    assert list(filled.journal_after(0))[:-1] == list(entries)
    assert filled.journal_last(1)[0].facts == {"damaged": "\ufffd"}


def test_a_text_of_the_database_that_is_none_is_damage() -> None:
    with pytest.raises(StoreDamaged, match="pg_amcheck"), failing():
        b"\xff".decode()


def test_open_calls_that_cannot_be_read_are_told_as_far_as_they_are_known(
    filled: SqlStore, spoil: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> Sequence[UnreadableCall]:
        return filled.unreadable_calls({each.id for each in filled.open_incidents()})

    assert look() == []
    assert filled.unreadable_calls(()) == [], "one that is opened meanwhile can be read"
    spoil(INCIDENT, 1)
    spoil(INCIDENT, 3)  # closed
    spoil(INCIDENT, 5)  # a test
    assert look() == [UnreadableCall(1, NOW_MS, DEVICE_ID.hex(), "Toko Contoh, kasir")]
    whole = filled.fetch

    def fetch(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if "FROM incident" in statement and ("id = ?" not in statement or parameters[0] == 1):
            raise StoreDamaged("store.damaged", why="page 77")
        return whole(statement, parameters)

    monkeypatch.setattr(filled, "fetch", fetch)
    assert filled.unreadable_calls(()) == [UnreadableCall(1)]
