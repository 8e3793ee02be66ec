"""Digests of the most recently acknowledged messages.

A pending message is found in the outbox; this is for what the gateway sends later: an incident's stages, and answers
to repeats.
"""

import struct

from micropython import const
from siaga.core import frame

_LIMIT = const(12)
_SAVED = const(4)
_ITEM = ">BI32s"
_SIZE = const(37)


class Acked:
    """The digests of an incident's acknowledged messages.

    items: (kind, counter, digest), oldest first; kind 0 is a test PRESS
    since: no PRESS up to this counter belongs to the open incident
    """

    def __init__(self) -> None:
        self.items = []  # type: list[tuple[int, int, bytes]]
        self.since = 0

    def note(self, kind: int, counter: int, body: bytes) -> None:
        """Remember an acknowledged message."""
        if self.find(counter) is not None:
            return
        if len(self.items) >= _LIMIT:
            self.items.remove(self._expendable())
        self.items.append((kind, counter, frame.event_digest(kind or frame.PRESS, counter, body)))

    def find(self, counter: int) -> "tuple[int, int, bytes] | None":
        for item in self.items:
            if item[1] == counter:
                return item
        return None

    def _is_press(self, item: "tuple[int, int, bytes]") -> bool:
        return item[0] == frame.PRESS and item[1] > self.since

    def _expendable(self) -> "tuple[int, int, bytes]":
        for item in self.items:
            if not self._is_press(item):
                return item
        return self.items[1]  # it opened the incident

    def saved(self) -> bytes:
        """Return bytes for the incident's record: the digests of its first and newest PRESS; if none was acknowledged,
        of its newest other message, the only one the gateway can name."""
        kept = [item for item in self.items if self._is_press(item)]
        if not kept:
            kept = [i for i in self.items if i[1] > self.since and i[0] in (frame.UPDATE, frame.CANCEL)][-1:]
        kept = kept[:1] + kept[1:][1 - _SAVED :]
        return b"".join([struct.pack(_ITEM, *item) for item in kept])

    def load(self, saved: bytes) -> None:
        """Restore what saved() returned."""
        for start in range(0, len(saved) - _SIZE + 1, _SIZE):
            self.items.append(struct.unpack(_ITEM, saved[start : start + _SIZE]))
