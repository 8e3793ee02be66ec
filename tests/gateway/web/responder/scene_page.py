"""A responders' page in this process on a real store: an open incident of an invented holder, and two responders."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from gateway import sample_store
from gateway.dispatch.listed_responders import BUDI, WATI
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.sample_site import SITE
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.photograph_conversion import PhotographConversion
from siaga_gateway.domain.incident import Incident, Position
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.responder_links import ResponderLinks, open_link
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.web.responder.app import PageOptions, ResponderPage, create_responder_app

BASE = "http://127.0.0.1"
BROWSER = {"sec-fetch-site": "same-origin"}  # as every browser of today says of a page's own form
PLACE = Position(-54_287_001, 1_052_619_002, 18, 12, "gnss", NOW_MS - 900)
WHO = ("Contoh Wati", "+620000000001", "Jl. Contoh 1, Bandar Lampung", "Toko Contoh, kasir")
NIK = "9900000000000001"


class ScenePage:
    def __init__(self, folder: Path, *, show_holder: bool = True, secure: bool = False) -> None:
        self.store = sample_store.new_store(folder)
        sample_store.with_device(self.store)
        sample_store.open_incident(self.store)
        self.change(position=PLACE)
        with self.store.transaction() as transaction:
            transaction.put_responders([BUDI, WATI])
        self.clock, self.sent = ManualClock(NOW_MS), SentAnswers()
        keyring, bell = KeyRing(self.store, sample_store.GATEWAY_KEY), JournalNotifier()
        self.steps = ResponderSteps(self.store, keyring, self.sent, bell, self.clock, outputs=())
        self.desk = IncidentActions(self.store, keyring, self.sent, bell, self.clock, outputs=())
        links = ResponderLinks(self.store, BASE, self.clock)
        self.budi, self.wati = (links.url(1, key).removeprefix(BASE) for key in ("budi", "wati"))
        self.disclosed: list[tuple[str, int]] = []
        self.opened: list[str] = []  # tokens
        self.options = PageOptions(
            site=SITE.name,
            local=SITE.local,
            language="id",
            hosts=("127.0.0.1",),
            secure=secure,
            show_holder=show_holder,
        )
        self.page = ResponderPage(
            partial(open_link, self.store),
            self.steps,
            lambda who, incident_id: self.disclosed.append((who, incident_id)),
            self.clock,
            self.options,
            PhotographConversion().converted,
            self._opened,
        )
        self.app = create_responder_app(self.page, self.options)
        self.phone = self.browser()

    def _opened(self, token: str) -> None:
        self.opened.append(token)
        self.steps.opened(token)

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url=BASE, follow_redirects=False)

    def change(self, **fields: Any) -> None:
        with self.store.transaction() as transaction:
            transaction.put_incident(copied(transaction.incidents([1])[1], **fields))

    @property
    def incident(self) -> Incident:
        found = self.store.incident(1)
        assert found is not None
        return found

    def said(self) -> list[object]:
        return [each.facts["said"] for each in self.store.journal_of_incident(1) if "said" in each.facts]
