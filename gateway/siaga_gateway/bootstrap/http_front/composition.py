"""Assembles the press process's side of the front: the front's process, and the calls that it may make here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from siaga_gateway.adapters.mqtt.buttons import MqttLink
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.http_front.calls import STORE_TROUBLE, front_calls, offer_to
from siaga_gateway.bootstrap.http_front.supervisor import FrontProcess
from siaga_gateway.bootstrap.monitoring import Operations
from siaga_gateway.bootstrap.preflight import StartError
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.delivery.dead_letters import DeadLetters
from siaga_gateway.service.dispatch.responder_positions import PositionIntake
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.ingest.worker import Ingest
from siaga_gateway.service.journal.disclosures import DisclosureLog
from siaga_gateway.service.journal.sign_in_log import SignInLog

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Front:
    """The front's process, and the logs that its operators cause."""

    process: FrontProcess
    disclosures: DisclosureLog
    sign_ins: SignInLog

    def piece(self) -> Piece:
        return Piece("front", self.process.start, self.process.stop, stops_first=True)

    def logs(self) -> list[Piece]:
        """They are stopped after the front, and then write what they held back."""
        disclosures = Piece("log of disclosures", self.disclosures.start, self.disclosures.stop)
        return [Piece("log of sign-ins", stop=self.sign_ins.stop), disclosures]

    def listeners(self, given_up: Callable[[], bool], again: bool) -> Piece:
        """Wait until they are open.

        again: the gateway has restarted by itself and takes presses already, so a front that failed is retried.
        """

        def wait() -> None:
            try:
                self.process.await_ready(given_up)
            except StartError as error:
                if not again:
                    raise
                log.error(Localized("log.front.failed", why=error))

        return Piece("listeners of the front", wait)


def make_front(
    base: Foundation,
    link: MqttLink,
    ingest: Ingest,
    operations: Operations,
    positions: PositionIntake,
    grown: Callable[[], None],
) -> Front:
    """grown: called after each step of an operator, when the outbox may have grown."""
    store, clock, notifier, local = base.store, base.clock, base.notifier, base.settings.local
    names = tuple(output.name for output in base.outputs)
    # On routes other than MQTT its steps are sent by the process that has them, see StageRelay.
    operator = IncidentActions(store, base.keyring, link, notifier, clock, outputs=names, committed=grown, local=local)
    disclosures = DisclosureLog(store, clock)
    sign_ins = SignInLog(store, clock)
    desk = MaintenanceCases(store, notifier, clock, base.settings.supervision.wanted, local)
    deliveries = DeadLetters(store, notifier, clock, names)
    process = FrontProcess(
        base.settings,
        base.sockets.of_the_front(),
        calls={
            **front_calls(operator, disclosures, sign_ins, desk, deliveries, positions),
            STORE_TROUBLE: operations.store_trouble,
        },
        figures=operations.figures,
        offer=offer_to(ingest),
    )
    notifier.pass_on(process.ring)
    return Front(process, disclosures, sign_ins)
