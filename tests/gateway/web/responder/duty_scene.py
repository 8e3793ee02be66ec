"""Budi's own page in this process on a real store, beside the page of the incident; all people are invented."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from gateway.web.responder.scene_page import BASE, ScenePage
from siaga_gateway.domain.shifts import DutyState
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.duty_links import DutyLinks, open_duty
from siaga_gateway.service.dispatch.duty_page import DutyPage
from siaga_gateway.service.dispatch.push_devices import PushDevices
from siaga_gateway.service.dispatch.responder_positions import PositionIntake
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.web.responder.duty_routes import DutyRoutes


class DutyScene(ScenePage):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        zone, bell = self.options.local.zone, JournalNotifier()
        self.duty = Duty(self.store, zone)
        self.questions = WayQuestions(self.store, self.clock, self.duty, code=lambda: "246810")
        self.duty_links = DutyLinks(self.store, BASE, self.clock)
        self.asked: list[str] = []
        self.own_page = DutyPage(
            self.store,
            self.clock,
            bell,
            zone,
            self.duty_links,
            self.questions,
            PositionIntake(self.store, self.clock, bell, self.duty),
            self.asked.append,
            PushDevices(self.store, self.clock, lambda given: given, "BKEY"),
        )
        routes = DutyRoutes(
            self.page, partial(open_duty, self.store, self.duty), self.own_page, self.clock, self.options
        )  # fmt: skip
        routes.add_to(self.app)
        self.me = self.own("budi")

    def own(self, key: str) -> str:
        """The path of somebody's own page."""
        return self.duty_links.make(key).removeprefix(BASE)

    def state(self, key: str = "budi") -> DutyState:
        standing = self.duty.standing(key, self.clock.now_ms())
        assert standing is not None
        return standing.duty
