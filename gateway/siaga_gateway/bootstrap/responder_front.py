"""The press process's side of the responders' page: its process, and what that may ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from siaga_gateway.adapters.mqtt.buttons import MqttLink
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.bootstrap.dispatch import Dispatch
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.http_front.calls import ANSWERS, DISCLOSURES, DUTY
from siaga_gateway.bootstrap.http_front.supervisor import FrontProcess
from siaga_gateway.bootstrap.places_and_people import make_duty
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.bootstrap.ways import make_way
from siaga_gateway.config.console import ConsoleSettings
from siaga_gateway.config.settings import Settings
from siaga_gateway.config.whatsapp_receipts import WhatsappReceiptsSettings
from siaga_gateway.domain.responders import Responder
from siaga_gateway.service.dispatch.duty_link_messages import EVERY_S, DutyLinkMessages
from siaga_gateway.service.dispatch.duty_links import DutyLinks
from siaga_gateway.service.dispatch.duty_page import DutyPage
from siaga_gateway.service.dispatch.responder_positions import PositionIntake
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.dispatch.ways import HandedOver
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal.disclosures import DisclosureLog
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.periodic_jobs import Job, PeriodicJobs, SoleWorker

_CALLS: Final = ("enter", "say", "make_real", "add_note", "add_photograph", "opened")
_DUTY_CALLS: Final = (
    *("declare", "answer", "share", "share_on_call", "renew", "ask"),
    *("push_key", "subscribe", "unsubscribe"),
)


@dataclass(frozen=True, slots=True)
class PageFront:
    """The page's process, and the log that its readers cause."""

    process: FrontProcess
    disclosures: DisclosureLog
    steps: ResponderSteps
    links: PeriodicJobs | None = None  # sends people links to their own pages; None: there are none

    def sending(self) -> list[Piece]:
        return [] if self.links is None else [Piece("links to own pages", self.links.start, self.links.stop)]

    def piece(self) -> Piece:
        return Piece("responders' page", self.process.start, self.process.stop, stops_first=True)

    def log(self) -> Piece:
        """Stopped after the page, and then writes what it held back."""
        return Piece("log of disclosures to responders", self.disclosures.start, self.disclosures.stop)


def make_page(
    base: Foundation, link: MqttLink, grown: Callable[[], None], dispatch: Dispatch, intake: PositionIntake
) -> PageFront:
    """grown: called after each step of a responder, when outbox and journal may have grown."""
    steps = ResponderSteps(
        base.store,
        base.keyring,
        link,
        base.notifier,
        base.clock,
        outputs=tuple(output.name for output in base.outputs),
        committed=grown,
        local=base.settings.local,
    )
    disclosures = DisclosureLog(base.store, base.clock)
    # Whoever takes that process over can do no more than this: a token is needed for each step.
    calls = {f"{ANSWERS}.{name}": getattr(steps, name) for name in _CALLS}
    calls[f"{DISCLOSURES}.shown"] = disclosures.shown
    sending = None
    if (links := make_duty_links(base.settings, base.store, base.clock)) is not None:
        messages = DutyLinkMessages(
            links, dispatch.duty, dispatch.ways, base.clock, base.settings.local, dispatch.calls_wait, dispatch.traffic
        )
        questions = WayQuestions(base.store, base.clock, dispatch.duty)
        zone = base.settings.local.zone
        duty = DutyPage(
            base.store, base.clock, base.notifier, zone, links, questions, intake, messages.ask, dispatch.push
        )
        calls |= {f"{DUTY}.{name}": getattr(duty, name) for name in _DUTY_CALLS}
        sending = PeriodicJobs([Job("links", EVERY_S, messages.work)], SoleWorker(), "links")
    process = FrontProcess(
        settings_of_the_page(base.settings),
        base.sockets.of_the_responders(),
        calls=calls,
        figures={},
        room="page_front",
    )
    return PageFront(process, disclosures, steps, sending)


def make_duty_links(settings: Settings, store: SqlStore, clock: Clock) -> DutyLinks | None:
    """Return what makes links to people's own pages; None: there is no page."""
    page = settings.responder_page
    return None if page.port is None or page.public_url is None else DutyLinks(store, page.public_url, clock)


def sent_link(
    settings: Settings, store: SqlStore, clock: Clock, links: DutyLinks, responder: Responder, actor: str
) -> HandedOver | None:
    """Send somebody a new link now; None: no way took it."""
    ways = [make_way(way, settings, clock) for way in settings.ways]
    try:
        duty = make_duty(settings, store)
        return DutyLinkMessages(links, duty, ways, clock, settings.local).send(responder, actor)
    finally:
        for way in ways:
            way.close()


def settings_of_the_page(settings: Settings) -> Settings:
    """Return the settings without the operators' passwords and what receipts are signed by; the front's process gets
    none of the other secrets."""
    return settings.model_copy(update={"console": ConsoleSettings(), "whatsapp_receipts": WhatsappReceiptsSettings()})
