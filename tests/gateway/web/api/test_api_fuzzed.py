"""Whatever a program sends, the API answers within its description, and never with a fault of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway import sample_store
from gateway.fake_ports import RunningClock
from gateway.web.conftest import ORIGIN
from gateway.web.every_page import OPERATOR, PASSWORD, EveryPage
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.service.dispatch.call_directory import CallDirectory
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.web.api.openapi import description

CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 12  # of each route; the seed is fixed


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The console with all its pages, and an event stream that ends at once."""
    world = EveryPage(tmp_path_factory.mktemp("api"))
    store, operate = _incidents(tmp_path_factory.mktemp("incidents"))
    app = world.console.app
    context = app.state.context
    app.state.context = replace(context, reader=store, operate=operate, directory=CallDirectory(store))
    context.program_streams.close()
    with TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, raise_server_exceptions=False) as client:
        signed_in = client.post("/sign-in", data={"name": OPERATOR, "password": PASSWORD}, follow_redirects=False)
        assert signed_in.status_code == 303
        yield client
    world.close()
    store.close()


class NoRadio:
    def send(self, device_id: bytes, frame: bytes) -> None:
        """Nobody listens."""


def _incidents(folder: Path) -> tuple[SqlStore, IncidentActions]:
    store = sample_store.new_store(folder)
    sample_store.with_device(store)
    for counter in range(1, 6):
        sample_store.open_incident(store, counter)
    ring = KeyRing(store, sample_store.GATEWAY_KEY)
    return store, IncidentActions(store, ring, NoRadio(), JournalNotifier(), RunningClock(), outputs=[])


def test_no_request_gets_an_answer_outside_the_description(api: TestClient) -> None:
    schema = schemathesis.openapi.from_dict(description())
    tried = {found.ok().label: _answers(api, found.ok()) for found in schema.get_all_operations()}
    assert len(tried) == sum(len(methods) for methods in description()["paths"].values())
    answered = [label for label, statuses in tried.items() if statuses & {200, 304}]
    assert len(answered) > len(tried) / 3, "many are understood, and not only refused"


def _answers(api: TestClient, operation: APIOperation) -> set[int]:
    """Try one route; return the statuses it answered with."""
    statuses = set[int]()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def holds(case: schemathesis.Case) -> None:
        sent = case.as_transport_kwargs(base_url=ORIGIN)
        headers = {name: value for name, value in dict(sent.get("headers") or {}).items() if value is not None}
        headers.pop("Authorization", None)  # who asks is signed in
        what = {name: sent.get(name) for name in ("params", "json", "data") if sent.get(name) is not None}
        url, origin = sent["url"], {"Origin": ORIGIN}
        answer = api.request(sent["method"], url, headers={**headers, **origin}, follow_redirects=False, **what)
        statuses.add(answer.status_code)
        assert answer.status_code < 500, (case, answer.text)
        case.validate_response(answer, checks=CHECKS)

    holds()
    assert statuses, operation.label
    return statuses
