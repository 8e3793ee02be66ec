"""No text with something hidden in it gets into a page unseen, or by a form of a page into the store.

Fields and forms are found, not listed: a new one cannot escape.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gateway import sample_store
from gateway.fake_account_store import no_accounts
from gateway.fake_ports import RunningClock
from gateway.sample_site import SITE
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from gateway.web.maintenance_fleet import fleet_desk
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.catalogue import LANGUAGES, texts
from siaga_gateway.domain.api_tokens import GRANTABLE
from siaga_gateway.domain.escalation_state import Assignment, Contact, ContactKind, Escalation, Phase, Progress, Why
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.invisible_characters import hidden
from siaga_gateway.domain.notification import NotificationState, made
from siaga_gateway.domain.owner_cases import OwnerCase, OwnerCaseKind, OwnerCaseLimits, OwnerCaseState
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.supervision import Case, Cause
from siaga_gateway.domain.value import copied
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.registry.owner_cases import OwnerCases
from siaga_gateway.service.reports.figure_reports import FigureReports
from siaga_gateway.web.app import ConsoleOptions, create_app
from siaga_gateway.web.session.context import shown

NASTY = "\u202eX\u2066\u200b\x1b[2J\x00\ufeff\u00ad"
PAGES = (
    "/",
    "/incidents",
    "/incidents?ids=1",
    "/incidents/1",
    "/incidents/1/calls",
    "/feed",
    "/maintenance",
    "/owners",
    "/owners/1",
    "/figures",
    "/sign-in",
)


class NoRadio:
    def send(self, device_id: bytes, frame: bytes) -> None:
        """Nobody listens."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = sample_store.new_store(tmp_path)
    sample_store.with_device(made)
    sample_store.open_incident(made)
    with made.transaction() as transaction:
        transaction.put_case(Case(1, sample_store.DEVICE_ID, Cause.TAMPER, 1, 1))
        for kind in OwnerCaseKind:
            transaction.add_owner_case(OwnerCase(0, 1, kind, OwnerCaseState.OPEN, 1, 3))
    yield made
    made.close()


def browser(store: SqlStore, reader: Any = None) -> TestClient:
    notifier, clock = FakeBell(), RunningClock()
    operator = IncidentActions(
        store, KeyRing(store, sample_store.GATEWAY_KEY), NoRadio(), JournalNotifier(), clock, outputs=[]
    )
    app = create_app(
        reader=reader or store,
        operate=operator,
        disclosures=FakeDisclosures(),
        sign_ins=FakeSignIns(),
        accounts=no_accounts(clock),
        notifier=notifier,
        clock=clock,
        options=ConsoleOptions(SITE, Mode.ACTUAL, "en", b"k" * 32),
        maintenance=fleet_desk(store, notifier, clock),
        owners=OwnerCases(store, JournalNotifier(), clock, OwnerCaseLimits(), [OPERATOR]),
        figures=FigureReports(store, clock, SITE.local),
    )
    client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
    assert client.post("/sign-in", data={"name": OPERATOR}).status_code == 303
    return client


def spoilt(value: Any) -> Any:
    """The same record with something hidden in every text of it and of what it holds."""
    changes: dict[str, Any] = {}
    for field in fields(value):
        each = getattr(value, field.name)
        if (type(each) is str and field.name not in ("language",)) or (each is None and "str" in str(field.type)):
            changes[field.name] = f"{field.name} {NASTY}"
        elif hasattr(each, "__dataclass_fields__"):
            changes[field.name] = spoilt(each)
    return replace(value, **changes)


class OldStore:
    """Reads as a store from before the rule: every text of every incident and entry has something hidden in it."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        def read(*arguments: Any) -> Any:
            found = getattr(self._store, name)(*arguments)
            if isinstance(found, Incident | Escalation):
                return spoilt(found)
            if isinstance(found, list | tuple):
                return [spoilt(each) if hasattr(each, "__dataclass_fields__") else each for each in found]
            return found

        return read


@pytest.mark.parametrize("state", list(IncidentState))
def test_what_older_versions_stored_is_shown_as_what_it_is(store: SqlStore, state: IncidentState) -> None:
    with store.transaction() as transaction:
        incident = transaction.incidents([1])[1]
        closed = {"closed_at_ms": sample_store.NOW_MS} if state is IncidentState.CLOSED else {}
        transaction.put_incident(replace(incident, state=state, **closed))
        for kind in (journal.ASSIGNED, journal.BEARER_LOST, journal.TAMPER):
            about = None if kind == journal.BEARER_LOST else 1
            transaction.note(
                kind, sample_store.NOW_MS, {"unit": NASTY, "who": NASTY, "why": NASTY, "new": NASTY}, incident_id=about
            )
        someone = Assignment(f"unit:{NASTY}".replace("\x00", ""), Progress.COMING, 1, 1, 5, 2)
        calling = Escalation(1, Phase.CALLING, Why.BACKUP, 1, 2, wave=2, rung="chief", assignments=(someone,))
        assert transaction.put_escalation(calling)
        call = Contact(1, ContactKind.CALL, Why.BACKUP, 2, "chief")
        failed = copied(made(1, call, "station:x", ContactWay.SMS, 0, 5, 1), state=NotificationState.FAILED, detail="x")
        transaction.add_notifications([failed])
    with store.engine.transaction() as session:
        session.run("UPDATE device SET label = ?", (f"label {NASTY}".replace("\x00", ""),))
    client = browser(store, OldStore(store))
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert list(hidden(answer.text)) == [], path
    told = client.get("/incidents/1").text
    for name in ("name", "address", "device_label", "unit" if state is not IncidentState.OPEN else "name"):
        assert f"{name} &lt;U+202E&gt;X&lt;U+2066&gt;" in told, name
    assert list(hidden(client.post("/incidents/1/nik").text)) == []
    client.close()


def test_whatever_a_template_places_goes_through_the_rule() -> None:
    assert shown(NASTY) == "<U+202E>X<U+2066><U+200B><U+001B>[2J<U+0000><U+FEFF><U+00AD>"
    assert shown("a\nb") == "a\nb" and shown(3) == 3


def text_fields(page: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(address, field, the other fields as one fills them in) of each text that the page's forms take."""
    for attributes, body in re.findall(r"<form([^>]*)>(.*?)</form>", page, re.DOTALL):
        where = re.search(r'(?:hx-post|action)="([^"]*)"', attributes)
        assert where is not None
        given: dict[str, str] = {}
        texts = []
        for kind, inner in re.findall(r"<(input|textarea|select|button)\b([^>]*)>", body):
            name = re.search(r'name="([^"]*)"', inner)
            if name is None or kind == "button":
                continue
            type_ = re.search(r'type="([^"]*)"', inner)
            value = re.search(r'value="([^"]*)"', inner)
            given.setdefault(name[1], value[1] if value else "7")
            if kind == "textarea" or type_ is None or type_[1] in ("text", "search", "hidden", "number", "password"):
                texts.append(name[1])
        for field in texts:
            yield html.unescape(where[1]), field, given


def test_no_form_of_any_page_lets_anything_hidden_into_the_store(store: SqlStore) -> None:
    client = browser(store)
    tried = set()
    for step in ("", "seen", "assign", "on-scene", "close", "note"):
        if step:
            client.post(f"/incidents/1/{step}", data={"unit": "Raimas 1", "disposition": "verified", "note": "aman"})
        for page in PAGES:
            for address, field, given in text_fields(client.get(page).text):
                where = re.sub(r"\d+", "N", address.partition("?")[0])
                early = where == "/incidents/N/close" and field == "note" and step != "on-scene"
                if (where, field, step) in tried or early:  # closed too early, the other forms would be gone
                    continue
                tried.add((where, field, step))
                method = client.get if "maintenance#" in address else client.post
                values = {**given, field: f"Raimas {NASTY}"}
                answer = method(address, **({"params": values} if method == client.get else {"data": values}))
                assert list(hidden(answer.text)) == [], (address, field)
    fields_tried = {(where, field) for where, field, _ in tried}
    assert fields_tried >= {
        ("/incidents/N/assign", "unit"),
        ("/incidents/N/assign", "eta"),
        ("/incidents/N/close", "note"),
        ("/incidents/N/note", "note"),
        ("/incidents/N/correct", "reason"),
        ("/maintenance/cases/N/close", "note"),
        ("/owners/cases/N/dismiss", "reason"),
        ("/owners/cases/N/advised", "reason"),
        ("/sign-in", "name"),
    }
    incident = store.incident(1)
    assert incident is not None
    kept = [getattr(incident, field.name) for field in fields(incident)]
    for table in ("incident", "journal", "maintenance", "device", "owner_case"):
        kept += [value for row in store.fetch(f"SELECT * FROM {table}") for value in row]
    assert [text for text in kept if isinstance(text, str) and any(hidden(text))] == []
    client.close()


def test_every_permission_that_a_program_can_be_given_has_words() -> None:
    """The page of accounts offers each of them."""
    for language in LANGUAGES:
        known = texts("console", language)
        assert {f"console.scope.{each.value.replace('.', '_')}" for each in GRANTABLE} == {
            key for key in known if key.startswith("console.scope.")
        }
