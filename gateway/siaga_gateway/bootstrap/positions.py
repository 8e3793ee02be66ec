"""Assembles what takes the positions of responders' phones in the press process."""

from __future__ import annotations

from dataclasses import dataclass

from siaga_gateway.adapters.owntracks.mqtt_intake import OwntracksLink, PositionSink
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.lifecycle_journal import journalled
from siaga_gateway.bootstrap.places_and_people import make_duty
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.service.dispatch.responder_positions import PositionIntake
from siaga_gateway.service.journal import kinds as journal


@dataclass(frozen=True, slots=True)
class Positions:
    """The intake, which the front calls too, and the link to the phones' broker, if there is one."""

    intake: PositionIntake
    link: OwntracksLink | None = None
    sink: PositionSink | None = None

    def pieces(self) -> list[Piece]:
        """Stopping them ends the intake, then stores and acknowledges what has come."""
        if self.link is None or self.sink is None:
            return []
        return [
            Piece("link to the phones' broker", stop=self.link.stop),
            Piece("positions of phones", self.sink.start, self.sink.stop),
            Piece("positions by the phones' broker", self.link.start_later, self.link.hold_back),
        ]


def make_positions(base: Foundation) -> Positions:
    store, clock, notifier, settings = base.store, base.clock, base.notifier, base.settings
    intake = PositionIntake(store, clock, notifier, make_duty(settings, store))
    if not settings.owntracks.mqtt.enabled:
        return Positions(intake)
    sink = PositionSink(intake.take)
    link = OwntracksLink(
        settings.owntracks.mqtt,
        gateway=settings.name,
        clock=clock,
        sink=sink,
        refused=intake.refused_by_name,
        on_change=journalled(store, notifier, clock, lost=journal.PHONES_LOST, back=journal.PHONES_BACK),
    )
    return Positions(intake, link, sink)
