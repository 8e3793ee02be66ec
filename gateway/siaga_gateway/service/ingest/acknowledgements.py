"""The acknowledgements due for a stored frame: its answer, and the stage of its incident."""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.incident_rules import stage_of
from siaga_gateway.domain.value import record
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.verification import AuthenticFrame
from siaga_gateway.service.registry.keyring import KnownDevice
from siaga_gateway.service.store import Transaction

# Stages that answer the frame itself; the others report the incident's progress.
FIRST_STAGES: Final = frozenset({Stage.RECEIVED, Stage.TEST, Stage.REFUSED})


@record
class Reply:
    """An ACK to send after the transaction commits."""

    known: KnownDevice
    counter: int
    digest: bytes  # of the uplink it acknowledges
    stage: Stage
    eta_minutes: int | None = None
    # The frame that asked, if it does not show where its device is now: answered there, and on no other paid route.
    back: InboundFrame | None = None
    repeated: bool = False  # the frame was already stored


def reply(one: AuthenticFrame, digest: bytes, stage: Stage, eta_minutes: int | None = None) -> Reply:
    """Return the answer to this frame, whose digest is `digest`."""
    return Reply(one.known, one.uplink.counter, digest, stage, eta_minutes)


def progress(transaction: Transaction, one: AuthenticFrame, digest: bytes, incident: Incident) -> list[Reply]:
    """Repeat the stage of an incident that is past received: the button may have missed it.

    It names this frame, except for a closing: that names the newest PRESS that was closed, so that no later one is
    taken for closed.
    """
    stage, uplink = stage_of(incident), one.uplink
    if stage in FIRST_STAGES:
        return []
    if stage is Stage.CLOSED and not (uplink.kind is Kind.PRESS and uplink.counter >= incident.last_press):
        return _closings(transaction, one.known, incident)
    return [reply(one, digest, stage, incident.told_minutes if stage is Stage.ASSIGNED else None)]


def former(transaction: Transaction, one: AuthenticFrame, named: Incident | None) -> list[Reply]:
    """Return the ACKs due before a PRESS that opens an incident but names another: the named one is closed, while the
    button still shows its stage. So it first hears of the closing."""
    if named is None or stage_of(named) is not Stage.CLOSED:
        return []
    return _closings(transaction, one.known, named)


def _closings(transaction: Transaction, known: KnownDevice, incident: Incident) -> list[Reply]:
    named = transaction.named_calls(incident.id, incident.key_copied)
    return [Reply(known, counter, digest, Stage.CLOSED) for counter, digest in named]
