"""Checks incoming frames: is it a frame, do we know the device, did the device make it? Writes nothing.

Cheap refusals come first. Refused frames become sampled journal entries, so that a flood of noise costs little more
than counting it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.frame import FrameError, Kind, Suite, Uplink, decode_uplink, glance, is_private
from siaga_gateway.domain.frame_authentication import verify, verify_enrol
from siaga_gateway.domain.value import record
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.lanes import FORGED, UNKNOWN
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.log_fields import of_frame
from siaga_gateway.service.journal.sampling import SampledEntry, Sampler
from siaga_gateway.service.registry.keyring import KeyRing, KnownDevice
from siaga_gateway.service.store import UnknownDevice

log = logging.getLogger(__name__)

# Fewer signatures than these are checked faster here than by another process.
_WORTH_SENDING: Final = 8
# How many strangers are counted individually, only for their journal entries.
_STRANGERS: Final = 10_000
_PROVEN: Final = 10_000  # remembered verified frames, in each of two generations
_KEPT_BYTES: Final = 256  # of a malformed frame, as evidence


class Verdicts(Protocol):
    """Signatures being checked."""

    def wait(self) -> Sequence[bool] | None:
        """Return, for each frame, whether its key made it; None: no verdict, check them yourself."""
        ...


class Verifier(Protocol):
    """Checks signatures while this process does something else."""

    def begin(self, frames: Sequence[tuple[bytes, bytes]]) -> Verdicts | None:
        """Start checking ES256 frames.

        frames: (X || Y of the key, whole frame) pairs. Returns None if it is not available now.
        """
        ...


@record
class AuthenticFrame:
    """A frame made by an enrolled device."""

    inbound: InboundFrame
    uplink: Uplink
    known: KnownDevice


@dataclass(slots=True)
class CheckedBatch:
    """A checked batch."""

    genuine: list[AuthenticFrame] = field(default_factory=list)
    strangers: list[UnknownDevice] = field(default_factory=list)
    entries: list[SampledEntry] = field(default_factory=list)
    malformed: int = 0
    unknown: int = 0
    forged: int = 0
    reasons: dict[str, int] = field(default_factory=dict)  # of the malformed


@dataclass(slots=True)
class PendingBatch:
    """A decoded batch, its signatures being checked."""

    malformed: list[tuple[InboundFrame, FrameError]]
    strange: list[tuple[InboundFrame, Uplink]]
    ours: list[AuthenticFrame]  # subject to the verdict
    repeated: list[bool]  # of `ours`: these exact bytes were verified before
    verdicts: Verdicts | None  # of the rest under ES256, in order


class Checker:
    """For one thread, which checks everything itself without `verifier`. `doubt` receives senders: see lanes.py."""

    def __init__(
        self,
        keyring: KeyRing,
        sampler: Sampler,
        verifier: Verifier | None = None,
        doubt: Callable[[InboundFrame, str], None] = lambda frame, why: None,
    ) -> None:
        self._keyring = keyring
        self._sampler = sampler
        self._verifier = verifier
        self._doubt = doubt
        self._seen: dict[bytes, int] = {}
        # Recently verified signatures. A device_id is the hash of its key, so a verdict holds for ever: identical
        # bytes, as after a lost answer or by a second bearer, need no second check. Two generations.
        self._proven: set[bytes] = set()
        self._proven_before: set[bytes] = set()

    def check(self, frames: Sequence[InboundFrame]) -> CheckedBatch:
        """Check and sort the frames. Raises: StoreFailing, before anything was noted, so the call can be repeated."""
        return self.finish(self.begin(frames))

    def begin(self, frames: Sequence[InboundFrame]) -> PendingBatch:
        """Decode, look up the devices, start the signature checks. Raises: StoreFailing; nothing is noted yet."""
        laid_out: list[tuple[InboundFrame, Uplink]] = []
        malformed: list[tuple[InboundFrame, FrameError]] = []
        for frame in frames:
            try:
                laid_out.append((frame, decode_uplink(frame.raw)))
            except FrameError as error:
                malformed.append((frame, error))
        known = self._keyring.look_up({uplink.device_id for _, uplink in laid_out})
        ours: list[AuthenticFrame] = []
        strange: list[tuple[InboundFrame, Uplink]] = []
        for frame, uplink in laid_out:
            device = known.get(uplink.device_id)
            if device is None:
                strange.append((frame, uplink))
            else:
                ours.append(AuthenticFrame(frame, uplink, device))
        proven, before = self._proven, self._proven_before
        repeated = [
            one.uplink.suite is Suite.ES256 and (one.inbound.raw in proven or one.inbound.raw in before) for one in ours
        ]
        verdicts: Verdicts | None = None
        if self._verifier is not None:
            signed = [
                (one.known.key.public_xy, one.inbound.raw)
                for one, done in zip(ours, repeated, strict=True)
                if not done and one.uplink.suite is Suite.ES256
            ]
            if len(signed) >= _WORTH_SENDING:
                verdicts = self._verifier.begin(signed)
        return PendingBatch(malformed, strange, ours, repeated, verdicts)

    def finish(self, begun: PendingBatch) -> CheckedBatch:
        """Return the verdicts, with what follows for the journal and for the senders."""
        ours = begun.ours
        told = None if begun.verdicts is None else begun.verdicts.wait()
        if told is None:
            good = [done or verify(one.uplink, one.known.key) for one, done in zip(ours, begun.repeated, strict=True)]
        else:
            verdict = iter(told)
            good = [
                done or (next(verdict) if one.uplink.suite is Suite.ES256 else verify(one.uplink, one.known.key))
                for one, done in zip(ours, begun.repeated, strict=True)
            ]
        checked = CheckedBatch(malformed=len(begun.malformed), forged=good.count(False))
        for frame, fault in begun.malformed:
            facts = {"reason": str(fault.reason), "detail": str(fault.detail), "size": len(frame.raw)}
            checked.reasons[fault.reason] = checked.reasons.get(fault.reason, 0) + 1
            self._note(checked, journal.MALFORMED, frame, None, facts)
        if checked.forged:
            for one, genuine in zip(ours, good, strict=True):
                if not genuine:
                    self._refuse_forged(checked, one)
            checked.genuine = [one for one, genuine in zip(ours, good, strict=True) if genuine]
        else:
            checked.genuine = ours
        self._remember(checked.genuine)
        self._look_at_strangers(checked, begun.strange)
        return checked

    def _refuse_forged(self, checked: CheckedBatch, one: AuthenticFrame) -> None:
        uplink = one.uplink
        facts: dict[str, object] = {"kind": _name(uplink), "counter": uplink.counter, "suite": uplink.suite.name}
        self._note(checked, journal.FORGED, one.inbound, uplink.device_id, facts)
        self._doubt(one.inbound, FORGED)

    def _remember(self, genuine: list[AuthenticFrame]) -> None:
        if len(self._proven) >= _PROVEN:
            self._proven_before, self._proven = self._proven, set()
        # A MAC costs no more to check than to look up.
        self._proven.update(one.inbound.raw for one in genuine if one.uplink.suite is Suite.ES256)

    def _look_at_strangers(self, checked: CheckedBatch, strange: list[tuple[InboundFrame, Uplink]]) -> None:
        met: dict[bytes, UnknownDevice] = {}
        for frame, uplink in strange:
            before = met.get(uplink.device_id)
            proven = uplink.kind is Kind.ENROL and verify_enrol(uplink)
            if uplink.kind is Kind.ENROL and not proven:
                facts: dict[str, object] = {"kind": _name(uplink), "counter": uplink.counter, "suite": "ES256"}
                self._note(checked, journal.FORGED, frame, uplink.device_id, facts)
                self._doubt(frame, FORGED)
                checked.forged += 1
                continue
            checked.unknown += 1
            self._doubt(frame, UNKNOWN)
            met[uplink.device_id] = UnknownDevice(
                device_id=uplink.device_id,
                first_seen_ms=frame.received_ms if before is None else before.first_seen_ms,
                last_seen_ms=frame.received_ms,
                frames=1 if before is None else before.frames + 1,
                frame=b"" if is_private(frame.raw) else frame.raw,
                enrol_frame=frame.raw if proven else None if before is None else before.enrol_frame,
            )
            count = self._seen.pop(uplink.device_id, 0) + 1
            self._seen[uplink.device_id] = count
            if len(self._seen) > _STRANGERS:
                del self._seen[next(iter(self._seen))]
            if str(count).strip("0") == "1":  # this stranger's 1st, 10th, 100th, ... frame
                facts = {"kind": _name(uplink), "counter": uplink.counter, "proven": proven}
                self._note(checked, journal.UNKNOWN_DEVICE, frame, uplink.device_id, facts)
        checked.strangers.extend(met.values())

    def _note(
        self, checked: CheckedBatch, kind: str, frame: InboundFrame, device_id: bytes | None, facts: dict[str, object]
    ) -> None:
        # A check-in's frame says where its holder is: the journal is for ever.
        checkin = device_id is not None and glance(frame.raw) is Kind.CHECKIN
        kept = None if checkin else frame.raw[:_KEPT_BYTES]
        entry = self._sampler.note(kind, frame.received_ms, device_id, facts, kept)
        if entry is not None:
            checked.entries.append(entry)


def _name(uplink: Uplink) -> str:
    return uplink.kind.name.lower()


def log_checked(checked: CheckedBatch) -> None:
    """Log a line for each authentic frame, for whoever looks for one; refused ones are sampled, as in the journal."""
    for entry in checked.entries:
        said = Localized(f"console.journal.{entry.kind}")
        log.warning(said, extra=of_frame(entry.device_id, entry.facts.get("counter")))
    if log.isEnabledFor(logging.DEBUG):
        for one in checked.genuine:
            uplink = one.uplink
            said = Localized(f"console.kind.{uplink.kind.name.lower()}")
            log.debug(said, extra=of_frame(uplink.device_id, uplink.counter))
