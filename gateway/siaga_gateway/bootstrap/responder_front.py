"""The press process's side of the responders' page: its process, and what that may ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from siaga_gateway.adapters.mqtt.buttons import MqttLink
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.http_front.calls import ANSWERS, DISCLOSURES
from siaga_gateway.bootstrap.http_front.supervisor import FrontProcess
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.config.console import ConsoleSettings
from siaga_gateway.config.settings import Settings
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal.disclosures import DisclosureLog

_CALLS: Final = ("enter", "say", "add_note")


@dataclass(frozen=True, slots=True)
class PageFront:
    """The page's process, and the log that its readers cause."""

    process: FrontProcess
    disclosures: DisclosureLog
    steps: ResponderSteps

    def piece(self) -> Piece:
        return Piece("responders' page", self.process.start, self.process.stop, stops_first=True)

    def log(self) -> Piece:
        """Stopped after the page, and then writes what it held back."""
        return Piece("log of disclosures to responders", self.disclosures.start, self.disclosures.stop)


def make_page(base: Foundation, link: MqttLink, grown: Callable[[], None]) -> PageFront:
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
    process = FrontProcess(
        settings_of_the_page(base.settings),
        base.sockets.of_the_responders(),
        calls=calls,
        figures={},
        room="page_front",
    )
    return PageFront(process, disclosures, steps)


def settings_of_the_page(settings: Settings) -> Settings:
    """Return the settings without the operators' passwords; the front's process gets none of the other secrets."""
    return settings.model_copy(update={"console": ConsoleSettings()})
