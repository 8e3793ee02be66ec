"""The acknowledgements that a stored frame brings about: what it is answered, and how far its incident is."""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.attach import stage_of
from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.record import record
from siaga_gateway.service.check import Genuine
from siaga_gateway.service.keyring import KnownDevice
from siaga_gateway.service.store import Transaction

# Stages that answer a frame itself; the others tell how far its incident is.
FIRST_STAGES: Final = frozenset({Stage.RECEIVED, Stage.TEST, Stage.REFUSED})


@record
class Reply:
    """An ACK to send once the transaction is committed."""

    known: KnownDevice
    counter: int
    digest: bytes  # of the uplink that it names
    stage: Stage
    eta_minutes: int | None = None


def reply(one: Genuine, digest: bytes, stage: Stage, eta_minutes: int | None = None) -> Reply:
    """The answer to this very frame, whose digest this is."""
    return Reply(one.known, one.uplink.counter, digest, stage, eta_minutes)


def progress(transaction: Transaction, one: Genuine, digest: bytes, incident: Incident) -> list[Reply]:
    """Where the incident is further than received, says so again: the button may have missed it.

    It names the frame at hand, except for a closing: that names the newest PRESS which was closed, so that none that
    the holder made later is taken for closed.
    """
    stage, uplink = stage_of(incident), one.uplink
    if stage in FIRST_STAGES:
        return []
    if stage is Stage.CLOSED and not (uplink.kind is Kind.PRESS and uplink.counter >= incident.last_press):
        return _closings(transaction, one.known, incident)
    return [reply(one, digest, stage, incident.eta_minutes if stage is Stage.ASSIGNED else None)]


def former(transaction: Transaction, one: Genuine, named: Incident | None) -> list[Reply]:
    """Of a PRESS that opens an incident although it names another: that one is closed, and the button shows how far it
    was. So it hears of the closing first."""
    if named is None or stage_of(named) is not Stage.CLOSED:
        return []
    return _closings(transaction, one.known, named)


def _closings(transaction: Transaction, known: KnownDevice, incident: Incident) -> list[Reply]:
    named = transaction.named_calls(incident.id, incident.key_copied)
    return [Reply(known, counter, digest, Stage.CLOSED) for counter, digest in named]
