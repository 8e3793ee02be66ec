"""Takes the frames of check-ins out of the journal and the quarantine of older versions, while the gateway works.

They were kept in entries about something that was wrong with a check-in, and say where its holder was. The chain covers
a frame by its SHA-256, which stays; so an audit passes at every moment. Each removal is an entry of the chain that
names those that lost theirs: a frame that is gone without one is a broken chain. What is known of an unknown button is
no evidence: no entry tells of its frame.

The journal is read in short stretches, outside of any transaction; one is begun only where something is to go, and a
press waits for one at most. Where it stands is written with what it does: it may be killed at any moment.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store
from siaga_gateway.service.store.audit import FRAMES_UNTIL as AFTER

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0
_STRETCH: Final = 1_000  # entries looked at in one step: what a transaction takes away, at most
_UNWRITTEN: Final = 50_000  # entries without any, after which the place is written all the same
_SHARE: Final = 5  # of the time, this part at most
_TURN_S: Final = 2.0  # other jobs wait for no longer
_STRANGERS_S: Final = 3_600.0  # between two looks at the quarantine, which is small
_APART_S: Final = 900.0  # between two lines of the log, and two times that the engine's is emptied


class FrameRemoval:
    """A periodic job for one worker of all. It has no end: an older gateway may be writing beside this one."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._after = 0  # entries up to this were looked at
        self._written = 0  # the same, as the store knows
        self._removed = 0  # since the last line of the log
        self._quiet_until = 0.0  # monotonic seconds
        self._strangers_at = 0.0  # the same: when to look at the quarantine

    def work(self) -> None:
        """Go on for a while. Raises: StoreFailing; what was done by then stays."""
        begun = time.monotonic()
        if begun >= self._strangers_at:
            with self._store.transaction() as transaction:
                self._removed += transaction.forget_strangers_checkins()
            self._strangers_at = begun + _STRANGERS_S
        while time.monotonic() - begun < _TURN_S:
            since = time.monotonic()
            if not self.step():
                if self._removed and time.monotonic() >= self._quiet_until:
                    self._quiet_until = time.monotonic() + _APART_S
                    log.info(Localized("log.frames.removed", removed=self._removed))
                    self._removed = 0
                    self._store.scrub()  # the engine's log still has what they told
                return
            time.sleep((time.monotonic() - since) * (_SHARE - 1))

    def step(self, stretch: int = _STRETCH) -> bool:
        """Look at some entries. Returns whether there were any. Raises: StoreFailing."""
        self._written = max(self._written, int(self._store.remembered(AFTER) or 0))
        after = max(self._after, self._written)
        until = min(after + stretch, self._store.chain_head().id)
        if until <= after:
            return False
        if self._store.private_frames(after, until):
            self._take(after, until)
        elif until - self._written >= _UNWRITTEN:
            with self._store.transaction() as transaction:
                transaction.remember(AFTER, str(until))
        self._after = until
        return True

    def _take(self, after: int, until: int) -> None:
        with self._store.transaction() as transaction:
            gone = transaction.forget_private_frames(after, until)
            if gone:  # else another worker was first
                transaction.note(journal.FRAMES_REMOVED, self._clock.now_ms(), {"entries": list(gone)})
            transaction.remember(AFTER, str(until))
        self._removed += len(gone)
