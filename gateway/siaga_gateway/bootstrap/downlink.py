"""Assembles the path to the buttons: acknowledgements by the bearer of the frame, commands, operator stages."""

from __future__ import annotations

from dataclasses import dataclass

from siaga_gateway.adapters.mqtt.buttons import MqttLink
from siaga_gateway.adapters.sms.replies import BEARER as SMS
from siaga_gateway.bootstrap.bearers import OtherBearers
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.service.downlink.device_commands import CommandWorker
from siaga_gateway.service.downlink.routes import Downlinks
from siaga_gateway.service.downlink.stage_relay import StageRelay


@dataclass(frozen=True, slots=True)
class Downlink:
    routes: Downlinks
    commands: CommandWorker
    relay: StageRelay | None  # None: all answers go by MQTT

    def wake(self) -> None:
        """Call after the journal grew, from any thread."""
        if self.relay is not None:
            self.relay.wake()

    def stages(self) -> list[Piece]:
        """Still relays the last step of an operator, so it stops after the front."""
        relay = self.relay
        return [] if relay is None else [Piece("stages by other bearers", relay.start, relay.stop)]

    def commanding(self) -> list[Piece]:
        """Sending counts as an attempt, so there must be a link first."""
        return [Piece("commands", self.commands.start, self.commands.stop)]


def make_downlink(base: Foundation, link: MqttLink, others: OtherBearers) -> Downlink:
    apart = base.settings.mqtt.own_broker
    routes = Downlinks(link, others.replies, paid=(SMS,), apart=apart)
    relay = StageRelay(base.store, base.keyring, routes, base.clock) if others.replies or apart else None
    commands = CommandWorker(base.store, base.keyring, routes, base.notifier, base.clock)
    return Downlink(routes, commands, relay)
