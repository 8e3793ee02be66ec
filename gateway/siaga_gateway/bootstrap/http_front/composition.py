"""Assembles the press process's side of the front: the front's process, and the calls that it may make here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from siaga_gateway.adapters.files.built_in_land import BuiltInLand
from siaga_gateway.adapters.mqtt.buttons import MqttLink
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.http_front.calls import (
    ANSWER_CODE,
    ARRIVED,
    LONGER_HOLD,
    MACHINE,
    READ_TEXT,
    STORE_TROUBLE,
    front_calls,
    offer_to,
    read_by,
)
from siaga_gateway.bootstrap.http_front.supervisor import FrontProcess
from siaga_gateway.bootstrap.list_imports import make_import_desk
from siaga_gateway.bootstrap.monitoring import Operations
from siaga_gateway.bootstrap.places_and_people import make_duty, make_jurisdictions
from siaga_gateway.bootstrap.preflight import StartError
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.service.accounts.account_book import AccountBook
from siaga_gateway.service.accounts.names_permitted import NamesPermitted
from siaga_gateway.service.accounts.token_book import TokenBook
from siaga_gateway.service.delivery.dead_letters import DeadLetters
from siaga_gateway.service.dispatch.drills import Drills
from siaga_gateway.service.dispatch.message_receipts import receipts_taken
from siaga_gateway.service.dispatch.responder_positions import PositionIntake
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.downlink.command_port import CommandDesk
from siaga_gateway.service.downlink.longer_hold import ask_for_longer_hold
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.service.inbound import TextReader
from siaga_gateway.service.incidents.console_presence import PresenceBook
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.incidents.protocol_book import ProtocolBook
from siaga_gateway.service.ingest.worker import Ingest
from siaga_gateway.service.journal.disclosures import DisclosureLog
from siaga_gateway.service.journal.sign_in_log import SignInLog
from siaga_gateway.service.registry.owner_cases import OwnerCases
from siaga_gateway.service.registry.registry_book import RegistryBook
from siaga_gateway.service.reports.shift_book import ShiftBook

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
    texts: TextReader,
    grown: Callable[[], None],
) -> Front:
    """texts: reads those without a frame. grown: called after each step of an operator: the outbox may have grown."""
    store, clock, notifier, local = base.store, base.clock, base.notifier, base.settings.local
    names = tuple(output.name for output in base.outputs)
    # On routes other than MQTT its steps are sent by the process that has them, see StageRelay.
    limits = base.settings.owner_cases.limits()
    operator = IncidentActions(
        store,
        base.keyring,
        link,
        notifier,
        clock,
        outputs=names,
        committed=grown,
        local=local,
        limits=limits,
        messages=base.settings.message_options(),
    )
    owners = OwnerCases(store, notifier, clock, limits, NamesPermitted(store, Permission.OWNERS_DECIDE), local)
    disclosures = DisclosureLog(store, clock)
    sign_ins = SignInLog(store, clock)
    accounts, protocols = AccountBook(store, clock), ProtocolBook(store, clock)
    shifts = ShiftBook(store, clock, notifier, make_jurisdictions(base.settings, store, clock).sees)
    tokens = TokenBook(store, clock)
    registry = RegistryBook(store, clock, notifier, local, base.settings.area.area(), BuiltInLand())
    desk = MaintenanceCases(store, notifier, clock, base.settings.supervision.wanted, local)
    deliveries = DeadLetters(store, notifier, clock, names)
    drills = Drills(store, notifier, clock, base.settings.mode)
    process = FrontProcess(
        base.settings,
        base.sockets.of_the_front(),
        calls={
            **front_calls(
                operator,
                disclosures,
                sign_ins,
                accounts,
                protocols,
                shifts,
                tokens,
                desk,
                deliveries,
                positions,
                owners,
                drills,
                registry,
                PresenceBook(store, clock),
                make_import_desk(base.settings, store, clock, notifier),
                CommandDesk(store, clock, notifier),
            ),
            LONGER_HOLD: partial(ask_for_longer_hold, store, clock),
            STORE_TROUBLE: operations.store_trouble,
            MACHINE: operations.machine.found,
            READ_TEXT: read_by(texts),
            ARRIVED: receipts_taken(store, clock),
            ANSWER_CODE: WayQuestions(store, clock, make_duty(base.settings, store)).answer,
        },
        figures=operations.figures,
        offer=offer_to(ingest),
    )
    notifier.pass_on(process.ring)
    return Front(process, disclosures, sign_ins)
