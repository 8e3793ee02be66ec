"""Which check-ins of a device have come, without a row for each: a window that slides with its counters.

A call is known by its stored frame, for ever. Of a check-in only this remains: a short digest, as long as its counter
is among the last ones (compare RFC 4303, 3.4.3). Below the window a check-in cannot be told from a repetition, and
counts as one. So a repeated check-in is never taken for a sign of life.

Somebody with a copy of the key may use counters from the future. They get a window of their own, a run, and the real
button's counters go on in theirs.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from siaga_gateway.domain.value import record

WINDOW: Final = 32  # counters
RUNS: Final = 3
CONTENTS: Final = 4  # different messages that are remembered under one counter
DIGEST_BYTES: Final = 4
REACH: Final = 1_000  # counters after which a lower run is not taken up again
_HEAD: Final = struct.Struct(">IIB")
_SEEN: Final = 1 + DIGEST_BYTES
_LAST: Final = 2**32 - 1
_MASK: Final = 0xFF  # a counter's low byte names it within a window


class Verdict(Enum):
    """What the window says of a check-in."""

    NEW = auto()
    REPEATED = auto()
    CONTRADICTS = auto()  # another check-in has come under its counter
    OUTSIDE = auto()  # too old to tell


@record
class Run:
    """Counters that follow one another."""

    top: int  # the highest that has come, of any kind of frame
    lowest: int  # nothing is known of counters below; 0: of all
    seen: bytes = b""  # for each check-in, in order of arrival: the counter's low byte, and its digest

    @property
    def bottom(self) -> int:
        """The lowest counter in the window."""
        return max(self.lowest, self.top - WINDOW + 1)

    def digests(self, counter: int) -> list[bytes]:
        """Return the digests of the check-ins under a counter of the window."""
        low, seen = counter & _MASK, self.seen
        return [seen[at + 1 : at + _SEEN] for at in range(0, len(seen), _SEEN) if seen[at] == low]


def before_windows(highest: int, told: int) -> bytes:
    """Return the window of a device from before there were windows: whatever has come is too old to tell.

    highest: its highest counter. told: that of the frame that its state is from; a copy of its key may be far ahead.
    """
    if highest < 0:
        return b""
    runs = [Run(highest, highest + 1)]
    if 0 <= told < highest - WINDOW:
        runs.insert(0, Run(told, told + 1))
    return _packed(runs)


def judge(window: bytes, first_counter: int, counter: int, digest: bytes) -> Verdict:
    """Judge a check-in. first_counter: the lowest that has come of the device. digest: the event's."""
    if is_next(window, counter):
        return Verdict.NEW
    runs = _runs(window)
    if not runs or counter < first_counter:
        return Verdict.NEW
    if _home(runs, counter) is None:
        return Verdict.OUTSIDE
    found = [each for run in runs if run.bottom <= counter <= run.top for each in run.digests(counter)]
    if not found:
        return Verdict.NEW
    return Verdict.REPEATED if digest[:DIGEST_BYTES] in found else Verdict.CONTRADICTS


def holds(window: bytes, counter: int) -> bool:
    """Whether a check-in has come under a counter, as far as the window knows."""
    return not is_next(window, counter) and any(
        run.bottom <= counter <= run.top and run.digests(counter) for run in _runs(window)
    )


def noted(window: bytes, counter: int, digest: bytes | None, *, apart: bool) -> bytes:
    """Return the window after a frame that counts.

    digest: a check-in's; None: another frame, which is known by its row. apart: its counter follows none that has come.
    """
    if not apart and is_next(window, counter):
        top, lowest, _ = _HEAD.unpack_from(window)
        seen = _left(window[_HEAD.size :], counter - top, top)
        if digest is not None:
            seen += bytes([counter & _MASK]) + digest[:DIGEST_BYTES]
        return _HEAD.pack(counter, lowest, len(seen) // _SEEN) + seen
    runs = _runs(window)
    home = None if apart else _home(runs, counter)
    if home is None:
        if runs and not apart and counter < max(run.top for run in runs):
            return window  # a call from below the window, or a check-in from before the first
        made = Run(counter, 0)
        # The newest makes room: whoever goes on jumping pushes out nobody else.
        runs = [*runs[: RUNS - 1], made]
        home = len(runs) - 1
    run = runs[home]
    seen = run.seen
    if digest is not None:
        seen = _with(run, counter, digest[:DIGEST_BYTES])
    if counter > run.top:
        seen = _left(seen, counter - run.top, run.top)
        if digest is not None:
            seen += bytes([counter & _MASK]) + digest[:DIGEST_BYTES]
    runs[home] = Run(max(run.top, counter), run.lowest, seen)
    return _packed(runs)


def _with(run: Run, counter: int, digest: bytes) -> bytes:
    """Return what a run has seen, with a check-in within its window."""
    if counter > run.top or digest in (known := run.digests(counter)):
        return run.seen
    seen = run.seen
    if len(known) >= CONTENTS:  # the last of them makes room
        last = bytes([counter & _MASK]) + known[-1]
        at = next(at for at in range(0, len(seen), _SEEN) if seen[at : at + _SEEN] == last)
        seen = seen[:at] + seen[at + _SEEN :]
    return seen + bytes([counter & _MASK]) + digest


def _left(seen: bytes, moved: int, top: int) -> bytes:
    """Return what is left in a window that moved up by so many counters."""
    if moved >= WINDOW:
        return b""
    if moved == 1:  # as a rule: one counter leaves, and it came first, if at all
        counters, gone = seen[::_SEEN], (top - WINDOW + 1) & _MASK
        if gone not in counters:
            return seen
        if counters[0] == gone and counters.count(gone) == 1:
            return seen[_SEEN:]
    parts = [seen[at : at + _SEEN] for at in range(0, len(seen), _SEEN) if (top - seen[at]) & _MASK < WINDOW - moved]
    return b"".join(parts)


def _home(runs: Sequence[Run], counter: int) -> int | None:
    """Return which run a counter belongs to; None: it is below all windows that it could be in."""
    inside = [number for number, run in enumerate(runs) if run.bottom <= counter <= run.top]
    if inside:
        return max(inside, key=lambda number: runs[number].top)
    below = [number for number, run in enumerate(runs) if run.top < counter]
    if not below:
        return None
    nearest = max(below, key=lambda number: runs[number].top)
    highest = len(below) == len(runs)
    return nearest if highest or counter - runs[nearest].top <= REACH else None


def is_next(window: bytes, counter: int) -> bool:
    """Whether there is one run, and the counter goes on in it: almost every frame does."""
    if len(window) < _HEAD.size:
        return False
    top, _, count = _HEAD.unpack_from(window)
    return bool(counter > top and len(window) == _HEAD.size + count * _SEEN)


def _runs(window: bytes) -> list[Run]:
    """Return the runs; of a damaged window none: then all that comes is new."""
    runs: list[Run] = []
    at = 0
    while at + _HEAD.size <= len(window):
        top, lowest, count = _HEAD.unpack_from(window, at)
        at += _HEAD.size
        end = at + count * _SEEN
        if end > len(window):
            return []
        runs.append(Run(top, lowest, window[at:end]))
        at = end
    return runs if at == len(window) else []


def _packed(runs: Sequence[Run]) -> bytes:
    return b"".join(
        _HEAD.pack(min(run.top, _LAST), min(run.lowest, _LAST), len(run.seen) // _SEEN) + run.seen for run in runs
    )
