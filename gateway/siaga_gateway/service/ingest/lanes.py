"""Queues frames for verification: urgent ones first, senders in turn, never more than there is room for.

A frame's lane follows from the kind that it claims, unverified. So a lane says how long to wait, not what is true:

- `urgent`: PRESS, CANCEL, TAMPER, and anything that claims duress. When full it blocks its bearer: nothing is shed.
- `update` (UPDATE, RECEIPT) and `checkin` (CHECKIN, ENROL) share one room. When it is full, check-ins are shed first,
  then the rest: blocking the bearer for them would keep out the presses behind them.
- `doubtful`: senders that lately forged, are not enrolled, send more than a button can, or publish under another's
  name; and new senders, while there are more of them than a province has. Behind all others, but never without a share.
- `noise`: bytes that cannot be a frame, by length or header. They cost no signature check.

Within a lane senders take turns, so that one with a thousand frames delays another's single frame by one. A shed frame
is acknowledged to its bearer and not answered: its button sends it again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from siaga_gateway.domain.frame import Kind, device_id_of, glance, is_by_mac, says_duress
from siaga_gateway.service.inbound import InboundFrame

URGENT: Final = "urgent"
UPDATE: Final = "update"
CHECKIN: Final = "checkin"
DOUBTFUL: Final = "doubtful"
NOISE: Final = "noise"
LANES: Final = (URGENT, UPDATE, CHECKIN, DOUBTFUL, NOISE)
_LANE_OF: Final = {
    Kind.PRESS: URGENT,
    Kind.CANCEL: URGENT,
    Kind.TAMPER: URGENT,
    Kind.UPDATE: UPDATE,
    Kind.RECEIPT: UPDATE,
    Kind.CHECKIN: CHECKIN,
    Kind.ENROL: CHECKIN,
}

# Why a frame was put behind, as counted in Lanes.behind
BUDGET: Final = "budget"
FORGED: Final = "forged"
UNKNOWN: Final = "unknown"
POSED: Final = "posed"
CROWD: Final = "crowd"

# What a button may send in a burst, and in the long run. A full outbox is some 40 frames.
_BURST: Final = 100
_PER_S: Final = 5.0
# The same for all senders together that have proven nothing since the gateway started, for each lane they ask for.
_NEW_BURST: Final = 10_000
_NEW_PER_S: Final = 2_000.0
_DOUBTED_S: Final = 60.0
_BY_MAC: Final = 3  # what a check-in by MAC takes of the worker's time is a third of what a signed one does
_LEAST: Final = 16  # frames of one sender that may wait in the doubtful lane, however many senders share it
_SENDERS: Final = 50_000  # remembered; those unheard the longest are dropped first


class _Sender:
    """What is known of a sender, as named by the bearer."""

    __slots__ = ("at", "doubted", "doubted_until", "proven", "tokens")

    def __init__(self, now: float) -> None:
        self.tokens = float(_BURST)
        self.at = now
        self.proven = False
        self.doubted = ""
        self.doubted_until = 0.0


class _Lane:
    """Frames by sender; senders take turns."""

    __slots__ = ("depth", "frames", "turns")

    def __init__(self) -> None:
        self.turns: deque[Hashable] = deque()
        self.frames: dict[Hashable, list[InboundFrame]] = {}
        self.depth = 0

    def put(self, sender: Hashable, frame: InboundFrame) -> None:
        waiting = self.frames.get(sender)
        if waiting is None:
            self.frames[sender] = [frame]
            self.turns.append(sender)
        else:
            waiting.append(frame)
        self.depth += 1

    def take_light(self, limit: int, into: list[InboundFrame]) -> int:
        """As `take`, where _BY_MAC frames with a MAC count as one. Returns how much of the limit is used."""
        left = units = max(0, limit) * _BY_MAC
        turns, frames, before = self.turns, self.frames, len(into)
        while left > 0 and turns:
            sender = turns.popleft()
            waiting = frames[sender]
            frame = waiting.pop(0)
            into.append(frame)
            left -= 1 if is_by_mac(frame.raw) else _BY_MAC
            if waiting:
                turns.append(sender)
            else:
                del frames[sender]
        self.depth -= len(into) - before
        return -(-(units - left) // _BY_MAC)

    def take(self, limit: int, into: list[InboundFrame]) -> None:
        """Move one frame of each sender in turn into `into`, up to `limit`."""
        count = max(0, min(limit, self.depth))
        turns, frames = self.turns, self.frames
        for _ in range(count):
            sender = turns.popleft()
            waiting = frames[sender]
            into.append(waiting.pop(0))
            if waiting:
                turns.append(sender)
            else:
                del frames[sender]
        self.depth -= count

    def give_up_last(self) -> InboundFrame | None:
        """Remove and return the frame that would be served last; None if none may be shed."""
        if not self.turns:
            return None
        sender = self.turns[-1]
        waiting = self.frames[sender]
        if waiting[-1].kept_by_bearer:
            return None
        frame = waiting.pop()
        if not waiting:
            del self.frames[sender]
            self.turns.pop()
        self.depth -= 1
        return frame


@dataclass(frozen=True, slots=True)
class TakenBatch:
    """A batch."""

    frames: list[InboundFrame]
    urgent: bool  # all of them are from the urgent lane


@dataclass(frozen=True, slots=True)
class ShedFrames:
    """Frames shed since the last call."""

    lane: str
    count: int
    last: InboundFrame


class Lanes:
    """The lanes. Thread-safe: bearers put; one worker takes and reports its verdicts.

    room: frames in the urgent lane; `update` and `checkin` share half as many, the others have a quarter each.
    """

    def __init__(self, room: int, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lanes = {name: _Lane() for name in LANES}
        self._urgent, self._update, self._checkin = (self._lanes[name] for name in (URGENT, UPDATE, CHECKIN))
        self._doubtful, self._noise = self._lanes[DOUBTFUL], self._lanes[NOISE]
        self._room = room
        self._half, self._quarter = max(1, room // 2), max(1, room // 4)
        self._senders: OrderedDict[Hashable, _Sender] = OrderedDict()
        # After a start everybody is new: a province's check-ins must not use up what its presses need.
        self._crowds = {name: _Sender(now()) for name in (URGENT, UPDATE, CHECKIN)}
        for crowd in self._crowds.values():
            crowd.tokens = float(_NEW_BURST)
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._made_room = threading.Condition(self._lock)
        self._holding = False  # nothing is shed: this is no overload, the store fails
        self._urgent_last = False
        self._let_go: dict[str, tuple[int, InboundFrame]] = {}
        self._closed = False
        # Since the start, by lane and by reason
        self.shed = dict.fromkeys(LANES, 0)
        self.behind = dict.fromkeys((BUDGET, FORGED, UNKNOWN, POSED, CROWD), 0)

    # For bearers

    def put(self, frame: InboundFrame, timeout_s: float) -> bool:
        """Queue the frame, or shed it if its lane allows. False: the bearer must redeliver it; after at most
        timeout_s."""
        gone: InboundFrame | None
        with self._lock:
            if self._closed:
                return False
            name = self._lane_for(frame, sender := _sender_of(frame))
            if not self._has_room(name, sender):
                if name == URGENT or self._holding:
                    if timeout_s <= 0 or not self._made_room.wait_for(
                        lambda: self._closed or self._has_room(name, sender), timeout_s
                    ):
                        return False
                    if self._closed:
                        return False
                    gone = None
                elif name == UPDATE and (last := self._checkin.give_up_last()) is not None:
                    gone = self._let(CHECKIN, last)
                elif frame.kept_by_bearer:
                    return False
                else:
                    gone, name = self._let(name, frame), ""
            else:
                gone = None
            if name:
                self._lanes[name].put(sender, frame)
                self._arrived.notify()
        if gone is not None:
            gone.acknowledge()
        return True

    def _let(self, name: str, frame: InboundFrame) -> InboundFrame:
        self.shed[name] += 1
        count = self._let_go[name][0] if name in self._let_go else 0
        self._let_go[name] = (count + 1, frame)
        return frame

    def _has_room(self, name: str, sender: Hashable) -> bool:
        if name == URGENT:
            return self._urgent.depth < self._room
        if name in (UPDATE, CHECKIN):
            return self._update.depth + self._checkin.depth < self._half
        lane = self._lanes[name]
        if lane.depth >= self._quarter:
            return False
        return name == NOISE or len(lane.frames.get(sender, ())) < max(_LEAST, self._quarter // (len(lane.frames) + 1))

    def _lane_for(self, frame: InboundFrame, sender: Hashable) -> str:
        kind = glance(frame.raw)
        if kind is None:
            return NOISE
        now = self._now()
        known = self._senders.get(sender)
        if known is None:
            known = self._senders[sender] = _Sender(now)
            if len(self._senders) > _SENDERS:
                self._senders.popitem(last=False)
        else:
            self._senders.move_to_end(sender)
        name, why = URGENT if says_duress(frame.raw, kind) else _LANE_OF[kind], ""
        if not _spend(known, now, _BURST, _PER_S):
            why = BUDGET
        elif frame.posed:
            why = POSED
        elif now < known.doubted_until:
            why = known.doubted
        elif not known.proven and not _spend(self._crowds[name], now, _NEW_BURST, _NEW_PER_S):
            why = CROWD
        if why:
            self.behind[why] += 1
            return DOUBTFUL
        return name

    # For the worker

    def take(self, urgent: int, others: int, timeout_s: float) -> TakenBatch | None:
        """Return the next batch, or None if nothing arrived within timeout_s.

        Urgent frames go alone, so that they wait for no signature but their own; after each such batch the others get
        one, of at most `others` frames and as much noise; _BY_MAC check-ins by MAC count as one frame.
        """
        with self._lock:
            if not self._depth() and timeout_s > 0:
                self._arrived.wait_for(lambda: self._closed or self._depth() > 0, timeout_s)
            depth = self._depth()
            if not depth:
                return None
            frames: list[InboundFrame] = []
            is_urgent = self._urgent.depth > 0 and not (self._urgent_last and depth > self._urgent.depth)
            self._urgent_last = is_urgent
            if is_urgent:
                self._urgent.take(urgent, frames)
            else:
                least = max(1, others // 8)  # from each lane with frames waiting
                doubtful = min(self._doubtful.depth, least)
                self._update.take(others - doubtful - min(self._checkin.depth, least), frames)
                updates = len(frames)
                light = self._checkin.take_light(others - doubtful - updates, frames)
                self._doubtful.take(others - updates - light, frames)
                self._noise.take(others, frames)
            self._made_room.notify_all()
        return TakenBatch(frames, is_urgent)

    def genuine(self, frame: InboundFrame) -> None:
        """Report a frame as authentic and new: its sender is neither a stranger nor, any longer, a forger."""
        known = self._senders.get(_sender_of(frame))
        if known is not None:
            known.proven = True
            known.doubted_until = 0.0

    def doubt(self, frame: InboundFrame, why: str) -> None:
        """Report a frame as forged or its device as unknown: its sender's frames go behind for a minute."""
        known = self._senders.get(_sender_of(frame))
        if known is not None:
            known.doubted, known.doubted_until = why, self._now() + _DOUBTED_S

    def let_go(self) -> list[ShedFrames]:
        """Return what was shed since the last call."""
        if not self._let_go:
            return []
        with self._lock:
            gone, self._let_go = self._let_go, {}
        return [ShedFrames(lane, count, last) for lane, (count, last) in gone.items()]

    def hold(self, holding: bool) -> None:
        """Set whether the store fails: then shedding is no use, and a full lane blocks its bearer."""
        with self._lock:
            self._holding = holding
            self._made_room.notify_all()

    def close(self) -> None:
        """Accept no more frames, and release whoever waits."""
        with self._lock:
            self._closed = True
            self._arrived.notify_all()
            self._made_room.notify_all()

    def depths(self) -> dict[str, int]:
        """Return the number of waiting frames by lane."""
        return {name: lane.depth for name, lane in self._lanes.items()}

    def _depth(self) -> int:
        return self._urgent.depth + self._update.depth + self._checkin.depth + self._doubtful.depth + self._noise.depth


def _sender_of(frame: InboundFrame) -> Hashable:
    """Return the sender according to the bearer, else the device that the frame names."""
    if frame.sender is not None:
        return frame.sender
    if frame.origin is not None:
        return frame.origin
    # Named only by the frame: it must not count for the device on a bearer that authenticates names.
    return frame.bearer, device_id_of(frame.raw)


def _spend(sender: _Sender, now: float, burst: float, per_s: float) -> bool:
    """Take one frame from the budget, if any is left."""
    tokens = min(burst, sender.tokens + (now - sender.at) * per_s)
    sender.at = now
    if tokens < 1:
        sender.tokens = tokens
        return False
    sender.tokens = tokens - 1
    return True
