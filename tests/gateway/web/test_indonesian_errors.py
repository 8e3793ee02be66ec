"""What the console answers to an Indonesian operator where something cannot be done: none of it is in English, of ours
or of a library. Steps are taken on the real store by the real use case."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from gateway import sample_store
from gateway.fake_account_store import accounts_on
from gateway.fake_account_store import operators as with_operators
from gateway.fake_ports import RunningClock
from gateway.sample_site import SITE
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from gateway.web.maintenance_fleet import fleet_desk
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.catalogue import texts
from siaga_gateway.catalogue.localized import Localized, original
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.domain.incident import Disposition, Mode
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store import StoreFailing
from siaga_gateway.web.app import ConsoleOptions, create_app
from siaga_gateway.web.session.auth import hash_password

DISPOSITION = next(iter(Disposition)).value
NAVIGATING = {"Accept": "text/html,application/xhtml+xml"}
HTMX = {"HX-Request": "true"}


def _pattern(part: str) -> str:
    return ".+?" if part.startswith("{") else re.escape(part)


# Whole texts in English, with the parts that stand in each for certain, which are quickly looked for; and words of a
# sentence that no Indonesian one has.
SENTENCES = [
    ([part for part in parts if not part.startswith("{")], re.compile("".join(map(_pattern, parts))))
    for room in ("errors", "console")
    for each in texts(room, "en").values()
    for parts in [re.split(r"(\{[^}]*\})", each)]
    if each not in texts(room, "id").values() and len(re.findall(r"[a-z]{2,}", re.sub(r"\{[^}]*\}", "", each))) > 3
]
WORDS = {"the", "is", "not", "no", "field", "required", "should", "value", "method", "allowed", "found", "error",
         "invalid", "input", "valid", "missing", "and", "of", "with", "internal", "server", "there", "has", "was", "by",
         "forbidden", "bad", "request", "too", "many", "large"}  # fmt: skip


class NoRadio:
    def send(self, device_id: bytes, frame: bytes) -> None:
        """Nobody listens."""


class Broken:
    """A port of which every call fails so."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*arguments: object, **more: object) -> None:
            raise self._error

        return fail


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = sample_store.new_store(tmp_path)
    sample_store.with_device(made)
    sample_store.open_incident(made)
    yield made
    made.close()


def browser(store: SqlStore, *, operators: dict[str, str] | None = None, **parts: Any) -> TestClient:
    clock, notifier = RunningClock(), FakeBell()
    operate = IncidentActions(
        store, KeyRing(store, sample_store.GATEWAY_KEY), NoRadio(), JournalNotifier(), clock, outputs=[]
    )
    given = {"reader": store, "operate": operate, "maintenance": fleet_desk(store, notifier, clock), **parts}
    app = create_app(
        disclosures=FakeDisclosures(),
        sign_ins=FakeSignIns(),
        accounts=accounts_on(with_operators(operators or {}), clock),
        notifier=notifier,
        clock=clock,
        options=ConsoleOptions(SITE, Mode.ACTUAL, "id", b"k" * 32),
        **given,
    )
    client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
    if not operators:
        assert client.post("/sign-in", data={"name": OPERATOR}).status_code == 303
    return client


def english(answer: httpx.Response) -> set[str]:
    """What of it is in English; quotations and what stands in attributes and scripts aside."""
    page = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", answer.text)
    told = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())
    told = re.sub(r'pesan asli: "[^"]*"', "", told)
    found = {whole.pattern for parts, whole in SENTENCES if all(part in told for part in parts) and whole.search(told)}
    return found | ({word.lower() for word in re.findall(r"[A-Za-z]+", told)} & WORDS)


PATHS = [
    ("GET", "/nowhere", {}, 404),
    ("GET", "/static/nowhere.js", {}, 404),
    ("GET", "/incidents/99", {}, 404),
    ("GET", "/incidents/abc", {}, 422),
    ("GET", "/incidents?ids=x", {}, 422),
    ("GET", f"/incidents?ids={','.join('1' for _ in range(200))}", {}, 422),
    ("GET", "/maintenance?after=zz", {}, 422),
    ("GET", "/live?after=-1", {}, 422),
    ("GET", "/sign-out", {}, 405),
    ("POST", "/", {}, 405),
    ("PUT", "/sign-in", {}, 405),
    ("POST", "/language", {}, 422),
    ("POST", "/incidents/99/seen", {}, 409),
    ("POST", "/incidents/99/nik", {}, 404),
    ("POST", "/incidents/1/on-scene", {}, 409),
    ("POST", "/incidents/1/assign", {"unit": ""}, 422),
    ("POST", "/incidents/1/assign", {"unit": "Polsek", "eta": "soon"}, 422),
    ("POST", "/incidents/1/close", {"disposition": "none"}, 422),
    ("POST", "/incidents/1/close", {"disposition": DISPOSITION, "note": "x" * 3000}, 422),
    ("POST", "/incidents/1/close?presses=many", {"disposition": DISPOSITION}, 422),
    ("POST", "/incidents/1/note", {"note": ""}, 422),
    ("POST", "/maintenance/cases/99/close", {"note": "done"}, 409),
    ("POST", "/maintenance/cases/99/close", {"note": ""}, 422),
]


@pytest.mark.parametrize("headers", [NAVIGATING, HTMX, {}], ids=["navigating", "htmx", "fetch"])
def test_no_refusal_has_english_in_it(store: SqlStore, headers: dict[str, str]) -> None:
    client = browser(store)
    wrong = {}
    for method, path, form, status in PATHS:
        answer = client.request(method, path, data=form if method != "GET" else None, headers=headers)
        found = english(answer)
        if answer.status_code != status or found or not answer.text.strip():
            wrong[method, path] = (answer.status_code, found, answer.text[-300:])
    assert wrong == {}


def test_a_step_on_a_closed_incident_is_refused_in_indonesian(store: SqlStore) -> None:
    client = browser(store)
    assert client.post("/incidents/1/close", data={"disposition": DISPOSITION}).status_code == 200
    for step, form in (
        ("seen", {}),
        ("assign", {"unit": "Polsek"}),
        ("on-scene", {}),
        ("close", {"disposition": "abuse"}),
    ):
        answer = client.post(f"/incidents/1/{step}", data=form, headers=HTMX)
        assert answer.status_code == 409 and english(answer) == set(), (step, answer.text)


def test_no_sign_in_is_refused_in_english(store: SqlStore) -> None:
    client = browser(store, operators={OPERATOR: hash_password("a password that is long")})
    wait = [client.post("/sign-in", data={"name": OPERATOR, "password": "wrong"}) for _ in range(11)]
    assert [wait[0].status_code, wait[-1].status_code] == [403, 429]
    signed_out = client.get("/incidents")
    assert signed_out.status_code == 401
    for answer in (wait[0], wait[-1], signed_out):
        assert english(answer) == set(), answer.text
    assert english(browser(store).post("/sign-in", data={"name": ""})) == set()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreFailing("passed_on", why=Localized("errors.sqlite.FULL", code="SQLITE_FULL", seconds=5)), 503),
        (StoreFailing("store.database", why=original("the server closed the connection")), 503),
        (SettingsError("file.unread", path="a", why=PermissionError(13, "Permission denied")), 500),
        (ZeroDivisionError("division by zero is not allowed"), 500),
    ],
    ids=["disk", "database", "settings", "bug"],
)
def test_no_failure_is_told_in_english(
    store: SqlStore, error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    client = browser(store, reader=Broken(error), operate=Broken(error))
    for answer in (
        client.get("/incidents/1", headers=NAVIGATING),
        client.get("/incidents"),
        client.post("/incidents/1/seen", headers=HTMX),
    ):
        assert answer.status_code == status and english(answer) == set(), answer.text
    assert english(client.get("/")) == set()
    traced = [record for record in caplog.records if record.exc_info]
    assert bool(traced) == (status == 500), "a bug, and what no page expects, has its traceback in the log"


def test_who_navigates_gets_a_page_with_a_way_back_and_a_form_a_line(store: SqlStore) -> None:
    client = browser(store)
    page, line = client.get("/nowhere", headers=NAVIGATING), client.get("/nowhere", headers=HTMX)
    assert '<html lang="id">' in page.text and 'href="/"' in page.text
    assert line.text.startswith("<p") and "<html" not in line.text
    assert "HX-Retarget" in client.post("/incidents/99/seen", headers=HTMX).headers


def test_a_page_that_is_in_english_is_found(store: SqlStore) -> None:
    client = browser(store)
    client.cookies.set("siaga_language", "en")
    assert english(client.get("/nowhere")) and english(client.post("/incidents/99/seen"))
