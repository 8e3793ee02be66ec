"""The short codes by which an answer by text message names its call: one for each responder and incident.

A code is written into the message, so it is no secret and proves nothing: the number does, as far as a number can. It
keeps an answer from meaning another call than the one that its writer has before his eyes.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from siaga_gateway.domain.text_answer import KEPT_MS, free_codes
from siaga_gateway.service.dispatch.text_numbers import TextNumbers
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store
from siaga_gateway.service.store.text_codes import TextCode

_REMEMBERED: Final = 5_000
_DRAWN: Final = "text_code.drawn"  # when the last code was


class TextCodes:
    """Thread-safe."""

    def __init__(
        self,
        store: Store,
        numbers: Sequence[TextNumbers],
        clock: Clock,
        draw: Callable[[Sequence[str]], str] = secrets.choice,
    ) -> None:
        """numbers: of each way on which people write back."""
        self._store = store
        self._numbers = numbers
        self._clock = clock
        self._draw = draw
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, str, bool], str | None] = OrderedDict()

    def code(self, incident_id: int, responder: str, exercise: bool = False) -> str | None:
        """Return this person's code for the incident, the same each time; None: all are in use, or an exercise is none
        any more.

        exercise: whether it is one; a call that it becomes has another code. Raises: StoreFailing.
        """
        key = incident_id, responder, exercise
        with self._lock:
            if key not in self._known:
                self._known[key] = self._made(incident_id, responder, exercise)
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            return self._known[key]

    def _made(self, incident_id: int, responder: str, exercise: bool) -> str | None:
        now_ms = self._clock.now_ms()
        # One number may be two people's.
        sharing = frozenset[str]().union(*(each.sharing(responder) for each in self._numbers))
        with self._store.transaction() as transaction:
            # It holds up any other worker that draws until this is committed: both might draw the same.
            transaction.remember(_DRAWN, str(now_ms))
            codes = transaction.text_codes(sharing, now_ms - KEPT_MS)
            mine = _of(codes, incident_id, responder)
            if mine is not None and (mine.code or exercise):
                return None if exercise and mine.former else mine.code
            free = free_codes(frozenset(known for each in codes for known in (each.code, each.former) if known))
            if not free:
                return None
            transaction.add_text_code(TextCode(incident_id, responder, self._draw(free), now_ms))
        # As it is now: another worker may have been faster.
        with self._store.transaction() as transaction:
            mine = _of(transaction.text_codes(sharing, now_ms - KEPT_MS), incident_id, responder)
            return None if mine is None else mine.code


def _of(codes: Sequence[TextCode], incident_id: int, responder: str) -> TextCode | None:
    return next((each for each in codes if (each.incident_id, each.responder) == (incident_id, responder)), None)
