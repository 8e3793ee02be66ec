"""The first look at incoming frames: is it one, do we know the device, did the device make it? Nothing is written here.

The cheap refusals come first. What is refused becomes entries for the journal, sampled, so that a flood of noise costs
little more than counting it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from siaga_gateway.domain.frame import FrameError, Kind, Uplink, decode_uplink
from siaga_gateway.domain.verify import verify, verify_enrol
from siaga_gateway.service import journal
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.keyring import KeyRing, KnownDevice
from siaga_gateway.service.sampling import SampledEntry, Sampler
from siaga_gateway.service.store import Stranger

# A thread gets so many signatures at a time; fewer than two such shares are checked where they are.
_SHARE: Final = 32
# How many strangers are remembered by count, for their journal entries only.
_STRANGERS: Final = 10_000
_KEPT_BYTES: Final = 256  # of a malformed frame, as evidence


@dataclass(frozen=True, slots=True)
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


class Checker:
    """For one thread; `pool` helps with signatures."""

    def __init__(self, keyring: KeyRing, sampler: Sampler, pool: Executor) -> None:
        self._keyring = keyring
        self._sampler = sampler
        self._pool = pool
        self._seen: dict[bytes, int] = {}

    def check(self, frames: Sequence[InboundFrame]) -> Checked:
        """Sort the frames. Raises StoreFailing before anything was noted, so that it may be called again."""
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
        good = self._verified(ours)

        checked = Checked(malformed=len(malformed), forged=good.count(False))
        for frame, fault in malformed:
            facts = {"reason": str(fault.reason), "detail": fault.detail, "size": len(frame.raw)}
            self._note(checked, journal.MALFORMED, frame, None, facts)
        for one, genuine in zip(ours, good, strict=True):
            if genuine:
                checked.genuine.append(one)
                continue
            uplink = one.uplink
            facts = {"kind": _name(uplink), "counter": uplink.counter, "suite": uplink.suite.name}
            self._note(checked, journal.FORGED, one.inbound, uplink.device_id, facts)
        self._look_at_strangers(checked, strange)
        return checked

    def _verified(self, frames: list[Genuine]) -> list[bool]:
        if len(frames) < 2 * _SHARE:
            return [verify(one.uplink, one.known.key) for one in frames]
        shares = [frames[start : start + _SHARE] for start in range(0, len(frames), _SHARE)]
        return [good for share in self._pool.map(_verify_share, shares) for good in share]

    def _look_at_strangers(self, checked: Checked, strange: list[tuple[InboundFrame, Uplink]]) -> None:
        met: dict[bytes, Stranger] = {}
        for frame, uplink in strange:
            before = met.get(uplink.device_id)
            proven = uplink.kind is Kind.ENROL and verify_enrol(uplink)
            if uplink.kind is Kind.ENROL and not proven:
                facts: dict[str, object] = {"kind": _name(uplink), "counter": uplink.counter, "suite": "ES256"}
                self._note(checked, journal.FORGED, frame, uplink.device_id, facts)
                checked.forged += 1
                continue
            checked.unknown += 1
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


def _verify_share(frames: list[Genuine]) -> list[bool]:
    return [verify(one.uplink, one.known.key) for one in frames]


def _name(uplink: Uplink) -> str:
    return uplink.kind.name.lower()
