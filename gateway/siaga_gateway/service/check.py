"""The first look at incoming frames: is it one, do we know the device, did the device make it? Nothing is written here.

The cheap refusals come first. What is refused becomes entries for the journal, sampled, so that a flood of noise costs
little more than counting it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from siaga_gateway.domain.frame import FrameError, Kind, Suite, Uplink, decode_uplink
from siaga_gateway.domain.record import record
from siaga_gateway.domain.verify import verify, verify_enrol
from siaga_gateway.service import journal
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.keyring import KeyRing, KnownDevice
from siaga_gateway.service.lanes import FORGED, UNKNOWN
from siaga_gateway.service.sampling import SampledEntry, Sampler
from siaga_gateway.service.store import Stranger

# Fewer signatures than these are checked sooner where they are than by another process.
_WORTH_SENDING: Final = 8
# How many strangers are remembered by count, for their journal entries only.
_STRANGERS: Final = 10_000
_PROVEN: Final = 10_000  # verified frames that are remembered, in each of two generations
_KEPT_BYTES: Final = 256  # of a malformed frame, as evidence


class Verdicts(Protocol):
    """Signatures that are being checked."""

    def wait(self) -> Sequence[bool] | None:
        """For each of the frames, whether its key made it; None: nobody will say, check them yourself."""
        ...


class Verifier(Protocol):
    """Checks signatures while this process does something else."""

    def begin(self, frames: Sequence[tuple[bytes, bytes]]) -> Verdicts | None:
        """Of each frame the key that is to have made it (X || Y) and all its bytes, under ES256. None: not now."""
        ...


@record
class Genuine:
    """A frame that an enrolled device made."""

    inbound: InboundFrame
    uplink: Uplink
    known: KnownDevice


@dataclass(slots=True)
class Checked:
    """A batch after the first look."""

    genuine: list[Genuine] = field(default_factory=list)
    strangers: list[Stranger] = field(default_factory=list)
    entries: list[SampledEntry] = field(default_factory=list)
    malformed: int = 0
    unknown: int = 0
    forged: int = 0
    reasons: dict[str, int] = field(default_factory=dict)  # of the malformed


@dataclass(slots=True)
class Begun:
    """A batch laid out and looked up, its signatures under way."""

    malformed: list[tuple[InboundFrame, FrameError]]
    strange: list[tuple[InboundFrame, Uplink]]
    ours: list[Genuine]  # if the verdict says so
    repeated: list[bool]  # of `ours`: these very bytes were verified before
    verdicts: Verdicts | None  # of the rest under ES256, in their order


class Checker:
    """For one thread, in which all is checked without `verifier`. `genuine` and `doubt` hear of senders: see
    service/lanes.py."""

    def __init__(
        self,
        keyring: KeyRing,
        sampler: Sampler,
        verifier: Verifier | None = None,
        genuine: Callable[[InboundFrame], None] = lambda frame: None,
        doubt: Callable[[InboundFrame, str], None] = lambda frame, why: None,
    ) -> None:
        self._keyring = keyring
        self._sampler = sampler
        self._verifier = verifier
        self._genuine = genuine
        self._doubt = doubt
        self._seen: dict[bytes, int] = {}
        # Frames that were verified lately. A device_id is the hash of its key, so the verdict holds for ever: bytes
        # that come again, as after a lost answer or by a second bearer, need no second look. Two generations.
        self._proven: set[bytes] = set()
        self._proven_before: set[bytes] = set()

    def check(self, frames: Sequence[InboundFrame]) -> Checked:
        """Sort the frames. Raises StoreFailing before anything was noted, so that it may be called again."""
        return self.finish(self.begin(frames))

    def begin(self, frames: Sequence[InboundFrame]) -> Begun:
        """Lay out, look up, and have the signatures checked meanwhile. Raises StoreFailing; nothing is noted yet."""
        laid_out: list[tuple[InboundFrame, Uplink]] = []
        malformed: list[tuple[InboundFrame, FrameError]] = []
        for frame in frames:
            try:
                laid_out.append((frame, decode_uplink(frame.raw)))
            except FrameError as error:
                malformed.append((frame, error))
        known = self._keyring.look_up({uplink.device_id for _, uplink in laid_out})
        ours: list[Genuine] = []
        strange: list[tuple[InboundFrame, Uplink]] = []
        for frame, uplink in laid_out:
            device = known.get(uplink.device_id)
            if device is None:
                strange.append((frame, uplink))
            else:
                ours.append(Genuine(frame, uplink, device))
        proven, before = self._proven, self._proven_before
        repeated = [one.inbound.raw in proven or one.inbound.raw in before for one in ours]
        verdicts: Verdicts | None = None
        if self._verifier is not None:
            signed = [
                (one.known.key.public_xy, one.inbound.raw)
                for one, done in zip(ours, repeated, strict=True)
                if not done and one.uplink.suite is Suite.ES256
            ]
            if len(signed) >= _WORTH_SENDING:
                verdicts = self._verifier.begin(signed)
        return Begun(malformed, strange, ours, repeated, verdicts)

    def finish(self, begun: Begun) -> Checked:
        """The verdicts, and what they mean for the journal and for the senders."""
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
        checked = Checked(malformed=len(begun.malformed), forged=good.count(False))
        for frame, fault in begun.malformed:
            facts = {"reason": str(fault.reason), "detail": fault.detail, "size": len(frame.raw)}
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

    def _refuse_forged(self, checked: Checked, one: Genuine) -> None:
        uplink = one.uplink
        facts: dict[str, object] = {"kind": _name(uplink), "counter": uplink.counter, "suite": uplink.suite.name}
        self._note(checked, journal.FORGED, one.inbound, uplink.device_id, facts)
        self._doubt(one.inbound, FORGED)

    def _remember(self, genuine: list[Genuine]) -> None:
        if len(self._proven) >= _PROVEN:
            self._proven_before, self._proven = self._proven, set()
        self._proven.update(one.inbound.raw for one in genuine)
        for one in genuine:
            self._genuine(one.inbound)

    def _look_at_strangers(self, checked: Checked, strange: list[tuple[InboundFrame, Uplink]]) -> None:
        met: dict[bytes, Stranger] = {}
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
            met[uplink.device_id] = Stranger(
                device_id=uplink.device_id,
                first_seen_ms=frame.received_ms if before is None else before.first_seen_ms,
                last_seen_ms=frame.received_ms,
                frames=1 if before is None else before.frames + 1,
                frame=frame.raw,
                enrol_frame=frame.raw if proven else None if before is None else before.enrol_frame,
            )
            count = self._seen.pop(uplink.device_id, 0) + 1
            self._seen[uplink.device_id] = count
            if len(self._seen) > _STRANGERS:
                del self._seen[next(iter(self._seen))]
            if str(count).strip("0") == "1":  # the 1st, 10th, 100th, ... frame of this stranger
                facts = {"kind": _name(uplink), "counter": uplink.counter, "proven": proven}
                self._note(checked, journal.UNKNOWN_DEVICE, frame, uplink.device_id, facts)
        checked.strangers.extend(met.values())

    def _note(
        self, checked: Checked, kind: str, frame: InboundFrame, device_id: bytes | None, facts: dict[str, object]
    ) -> None:
        entry = self._sampler.note(kind, frame.received_ms, device_id, facts, frame.raw[:_KEPT_BYTES])
        if entry is not None:
            checked.entries.append(entry)


def _name(uplink: Uplink) -> str:
    return uplink.kind.name.lower()
