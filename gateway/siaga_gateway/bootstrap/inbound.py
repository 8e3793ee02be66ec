"""Assembles the path by which frames come in: the broker link, the other bearers, ingest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from siaga_gateway.adapters.mqtt.broker_probe import BrokerLimits
from siaga_gateway.adapters.mqtt.buttons import BrokerUnreachable, MqttLink
from siaga_gateway.adapters.verify_process import VerifyProcess, room_beside
from siaga_gateway.bootstrap.bearers import OtherBearers
from siaga_gateway.bootstrap.downlink import Downlink
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.lifecycle_journal import journalled, note
from siaga_gateway.bootstrap.preflight import StartError
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.domain.event import Timing
from siaga_gateway.service.fleet.login_suspension import LoginSuspensions
from siaga_gateway.service.inbound import InboundFrame, InboundText, TextOutcome, TextReader
from siaga_gateway.service.ingest.recording import IncidentDefaults
from siaga_gateway.service.ingest.worker import Ingest, Limits
from siaga_gateway.service.journal import kinds as journal


class EntryPoint:
    """Where bearers offer frames. It breaks a cycle: bearers are made before ingest, which needs them."""

    ingest: Ingest | None = None

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        return self.ingest is not None and self.ingest.offer(frame, timeout_s)


class TextEntryPoint:
    """Where bearers have texts without a frame read; the same cycle."""

    reader: TextReader | None = None

    def read(self, text: InboundText) -> TextOutcome:
        return TextOutcome.STRANGER if self.reader is None else self.reader.read(text)


@dataclass(frozen=True, slots=True)
class Bearers:
    """The links that frames arrive by and answers leave by."""

    link: MqttLink
    others: OtherBearers
    entry_point: EntryPoint
    texts: TextEntryPoint

    def connections(self) -> list[Piece]:
        """The links themselves: they close after everything that arrived by them is acknowledged."""
        return [*self.others.connections(), Piece("link to the broker", stop=self.link.stop)]

    def intake(self, base: Foundation, again: bool) -> list[Piece]:
        """What lets frames in; stopping it ends that, while acknowledging and sending still work.

        again: the gateway has restarted by itself; it does not insist on a broker.
        """
        connect = self.link.start_later if again else partial(_connect, self.link, base.shutdown.told)
        return [
            Piece("frames by the broker", connect, self.link.hold_back),
            *([Piece("broker probe", partial(_probe, base, self.link), self.link.end_probe)] * base.identity.first),
            *self.others.intake(),
        ]


def make_bearers(base: Foundation, suspensions: LoginSuspensions) -> Bearers:
    """Make the links; ingest is connected to them later. Raises: SettingsError."""
    store, notifier, clock, settings = base.store, base.notifier, base.clock, base.settings
    entry_point, texts = EntryPoint(), TextEntryPoint()
    link = MqttLink(
        settings.mqtt,
        gateway=settings.name,
        clock=clock,
        sink=entry_point,
        mode=str(settings.mode),
        worker=base.identity.among(settings),
        share=base.gateway_key.share_name,
        on_change=journalled(store, notifier, clock),
        on_flood=suspensions.flooded,
        on_crowd=suspensions.crowded,
        ours=suspensions.knows,
        on_no_echo=partial(note, store, clock, journal.BROKER_LIMITED, {"no_echo": True}),
    )

    def bearer_journalled(**facts: object) -> Callable[[bool, str], None]:
        return journalled(store, notifier, clock, lost=journal.BEARER_LOST, back=journal.BEARER_BACK, facts=facts)

    others = OtherBearers(
        settings,
        clock=clock,
        sink=entry_point,
        texts=texts if base.identity.first else None,
        journalled=bearer_journalled,
    )
    return Bearers(link, others, entry_point, texts)


@dataclass(frozen=True, slots=True)
class Inbound:
    """Ingest, and the process that checks signatures for it (None: ingest checks them)."""

    ingest: Ingest
    verifier: VerifyProcess | None

    def pieces(self) -> list[Piece]:
        """Stopping them finishes, commits and acknowledges what is in progress."""
        verifier = self.verifier
        beside = [] if verifier is None else [Piece("check of signatures", verifier.start, verifier.close)]
        return [*beside, Piece("ingest", self.ingest.start, self.ingest.stop)]


def make_inbound(base: Foundation, bearers: Bearers, committed: Callable[[], None], downlink: Downlink) -> Inbound:
    """Make ingest and connect the bearers to it. committed: called after each commit."""
    settings = base.settings
    verifier = VerifyProcess() if settings.verify_process and room_beside(base.identity.of) else None
    ingest = Ingest(
        store=base.store,
        keyring=base.keyring,
        sender=downlink.routes,
        notifier=base.notifier,
        clock=base.clock,
        defaults=IncidentDefaults(
            gateway=settings.name,
            mode=settings.mode,
            timing=Timing(settings.delayed_after_s, settings.clock_ahead_s),
            outputs=tuple(output.name for output in base.outputs),
            test_outputs=tuple(output.name for output in base.outputs if output.receives_tests),
        ),
        limits=Limits(settings.batch, settings.queue, settings.quarantine),
        verifier=verifier,
        committed=committed,
        came_by=downlink.routes.came_by,
        answered=downlink.commands.heard,
        send_back=downlink.routes.send_back,
        on_health=lambda well, _why: bearers.link.announce(well),
        on_damage=base.guard.met,
        surveyed=base.survey.add,
    )
    bearers.entry_point.ingest = ingest
    return Inbound(ingest, verifier)


def _connect(link: MqttLink, given_up: Callable[[], bool]) -> None:
    """Connect now. Raises: StartError if the broker is unreachable: at a first start somebody is there to fix it."""
    try:
        link.start(given_up=given_up)
    except BrokerUnreachable as error:
        raise StartError("lines", lines=error) from None


def _probe(base: Foundation, link: MqttLink) -> None:
    """Have the broker's limits found out in the background, and journalled."""

    def limited(found: BrokerLimits) -> None:
        facts: dict[str, object] = {
            "in_flight": found.in_flight if found.narrow else None,
            "no_sessions": not found.sessions,
        }
        note(base.store, base.clock, journal.BROKER_LIMITED, facts)

    link.try_broker(limited)
