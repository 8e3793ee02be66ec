"""Joins texts that arrive in several messages, in any order, and with minutes between them.

A frame's text fits in one message unless somebody rewrites it; in UCS-2 or behind a keyword it takes two or three. Some
daemons and aggregators give the part number, others do not: then everything that could follow a text that begins like a
frame is tried. Whoever sends, what is kept and tried is limited.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, permutations
from typing import Final

from siaga_gateway.formats.sms import Message, whole_frames
from siaga_gateway.formats.sms_carrier_encodings import readings
from siaga_gateway.formats.sms_frame_search import begins_in

KEPT_MS: Final = 15 * 60_000
_FRAGMENTS: Final = 1_000
_OF_ONE: Final = 5  # parts from one sender, if nobody says what belongs together
_MOST_PARTS: Final = 8
_TRIES: Final = 40
_LONGEST: Final = 200  # characters of one message
_TAIL: Final = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}")
_NO_CHANCE: Final = 20  # that many base64 letters are not all lower or all upper case by chance
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class _Fragment:
    key: Hashable
    message: Message
    since_ms: int
    begins: bool


@dataclass(frozen=True, slots=True)
class AssembledText:
    """Frames that several messages contained together."""

    frames: list[bytes]
    keys: tuple[Hashable, ...]  # of these messages


class MultipartAssembly:
    """For one thread. Each message has its own key, under which it may be delivered again."""

    def __init__(self, kept_ms: int = KEPT_MS) -> None:
        self._kept_ms = kept_ms
        self._fragments: OrderedDict[Hashable, _Fragment] = OrderedDict()

    def waits(self, key: Hashable, now_ms: int) -> bool:
        """Whether that message waits for others."""
        fragment = self._fragments.get(key)
        return fragment is not None and not self._is_old(fragment, now_ms)

    def add(self, key: Hashable, message: Message, since_ms: int, now_ms: int) -> AssembledText | None:
        """Return what the message and earlier ones contain together, or None: then see whether it `waits`.

        since_ms: when it first arrived. Joined messages stay until `forget`, so that they may be delivered again.
        """
        if now_ms - since_ms > self._kept_ms or not _may_be_part(message):
            return None
        begins = any(begins_in(reading) for reading in readings(message.text))
        fragment = self._fragments.setdefault(key, _Fragment(key, message, since_ms, begins))
        while len(self._fragments) > _FRAGMENTS:
            self._fragments.popitem(last=False)
        for line in islice(self._lines(fragment, now_ms), _TRIES):
            frames = whole_frames("".join(one.message.text for one in line))
            if frames:
                return AssembledText(frames, tuple(one.key for one in line))
        return None

    def forget(self, key: Hashable) -> None:
        self._fragments.pop(key, None)

    def _lines(self, new: _Fragment, now_ms: int) -> Sequence[Sequence[_Fragment]]:
        """Return the orders in which the new one can stand with others."""
        sender, part = new.message.number, new.message.part
        others = [
            one
            for one in self._fragments.values()
            if one.key != new.key and one.message.number == sender and not self._is_old(one, now_ms)
        ]
        if part is not None:
            by_number = {part.number: new}
            for one in others:
                told = one.message.part
                if told is not None and (told.reference, told.total) == (part.reference, part.total):
                    by_number[told.number] = one
            whole = len(by_number) == part.total
            return [[by_number[number] for number in sorted(by_number)]] if whole else []
        if sender is None:
            return []
        group = [*[one for one in others if one.message.part is None][-_OF_ONE + 1 :], new]
        lines = [line for count in (2, 3) for line in permutations(group, count) if new in line and line[0].begins]
        # Whoever splits a text fills every part but the last. One tail in fifty looks like a beginning by chance: it
        # is tried after all others.
        return sorted(
            lines,
            key=lambda line: (
                any(one.begins for one in line[1:]),
                any(_size(a) < _size(b) for a, b in pairwise(line[1:])),
            ),
        )

    def _is_old(self, fragment: _Fragment, now_ms: int) -> bool:
        return not 0 <= now_ms - fragment.since_ms <= self._kept_ms


def _size(fragment: _Fragment) -> int:
    return len(fragment.message.text)


def _may_be_part(message: Message) -> bool:
    part, text = message.part, message.text
    if len(text) > _LONGEST:
        return False
    if part is not None:
        return 1 < (part.total or 0) <= _MOST_PARTS and 1 <= part.number <= (part.total or 0)
    run = "".join(text.splitlines()).strip()
    one_case = len(run) >= _NO_CHANCE and run in (run.lower(), run.upper())
    if _TAIL.fullmatch(run) and not _WORD.fullmatch(run) and not one_case:
        return True
    return any(begins_in(reading) for reading in readings(text))
