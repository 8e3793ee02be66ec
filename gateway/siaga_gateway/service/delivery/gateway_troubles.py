"""Tells outputs that the gateway itself is in trouble, and when it has recovered, without using the store.

A trouble is one message when it begins, one each time it becomes worse, and one when it has been over for a while. Each
output has its own thread and gets only the latest message: one not taken in time is superseded. What was sent is
remembered across the restarts of a rescue.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.gateway_trouble import Trouble, TroubleKind
from siaga_gateway.service.delivery import retry_policy
from siaga_gateway.service.ports import Clock, Delivered, TroubleOutput
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_SURE_S: Final = 15.0  # healthy for so long means that it is over
_FAILING_S: Final = 10.0  # a database failover is not a trouble yet
_OLD_MS: Final = 86_400_000  # older than a day: nobody needs to hear that it is over
_IDLE_S: Final = 60.0


class TroubleMemory(Protocol):
    """Stores a few lines beyond the life of the process, if there is room."""

    def read(self) -> str:
        """Return the lines; empty if there are none. Never raises."""
        ...

    def write(self, written: str) -> None:
        """Never raises."""
        ...


class Troubles:
    """Call `met` from any thread, `watch` once presses are taken, then `stop`."""

    def __init__(
        self, gateway: str, who: str, outputs: Sequence[TroubleOutput], clock: Clock, kept: TroubleMemory
    ) -> None:
        """who: this gateway's name in identifiers. outputs: with none, nothing is done."""
        self._gateway = gateway
        self._who = who
        self._clock = clock
        self._kept = kept
        self._changed = threading.Condition(threading.RLock())
        self._latest: Trouble | None = None
        self._told: dict[str, int] = {}  # by output, the highest sequence that it took or refused permanently
        self._tried: dict[str, int] = {}
        self._failures: dict[str, int] = {}  # consecutive, up to the latest attempt
        self._well_since: float | None = None  # monotonic seconds
        self._failing_since: float | None = None
        self._look: Callable[[], TroubleKind | None] | None = None
        self._outputs = {output.name: output for output in outputs}
        self._watch = PeriodicThread("trouble", self._turn, end_s=5)
        self._tellers = {
            name: PeriodicThread(f"trouble-{name}", partial(self._tell, name), end_s=1) for name in self._outputs
        }
        if outputs:
            self._remember()
        for teller in self._tellers.values():
            teller.start()

    def met(self, kind: TroubleKind) -> None:
        """Report trouble. One that is no worse than what was met before, and is not over, is ignored."""
        with self._changed:
            self._well_since = None
            latest, now_ms = self._latest, self._clock.now_ms()
            if not self._outputs or (latest and not latest.over and not kind.worse_than(latest.kind)):
                return
            if latest is None or latest.over:
                self._told.clear()
                self._tried.clear()
                latest = Trouble(self._gateway, f"{self._who}-trouble-{now_ms}", 0, kind, now_ms, now_ms)
            self._send(replace(latest, sequence=latest.sequence + 1, kind=kind, sent_at_ms=now_ms))

    def watch(self, look: Callable[[], TroubleKind | None]) -> None:
        """Poll for trouble, every second, in a thread of its own. look: returns what is wrong now."""
        self._look = look
        if self._outputs:
            self._watch.start()

    def stop(self, within_s: float = 12.0) -> None:
        """Stop; an output that has not had the latest message gets one more attempt. Idempotent."""
        self._watch.stop()
        kind = None if self._look is None else self._look()
        if kind is not None and kind is not TroubleKind.STORE_FAILING:
            self.met(kind)
        self._look = None
        with self._changed:
            self._changed.wait_for(self._all_tried, within_s)
        for teller in self._tellers.values():
            teller.stop()

    def _all_tried(self) -> bool:
        latest = self._latest
        return latest is None or all(
            max(self._told.get(name, 0), self._tried.get(name, 0)) >= latest.sequence
            for name, teller in self._tellers.items()
            if teller.alive
        )

    def _turn(self) -> float:
        kind, now = None if self._look is None else self._look(), time.monotonic()
        if kind is TroubleKind.STORE_FAILING:
            self._failing_since = now if self._failing_since is None else self._failing_since
            with self._changed:
                self._well_since = None
            if now - self._failing_since >= _FAILING_S:
                self.met(kind)
        elif kind is not None:
            self.met(kind)
        else:
            self._failing_since = None
            self._well(now)
        return _LOOK_S

    def _well(self, now: float) -> None:
        with self._changed:
            if self._latest is None or self._latest.over:
                return
            if self._well_since is None:
                self._well_since = now
            if now - self._well_since >= _SURE_S:
                latest = self._latest
                self._send(replace(latest, sequence=latest.sequence + 1, sent_at_ms=self._clock.now_ms(), over=True))

    def _send(self, latest: Trouble) -> None:
        self._latest = latest
        self._failures.clear()
        self._keep()
        for teller in self._tellers.values():
            teller.wake()

    def _tell(self, name: str) -> float:
        """Send the latest message. Returns seconds until the next attempt."""
        with self._changed:
            latest = self._latest
            if latest is None or self._told.get(name, 0) >= latest.sequence:
                return _IDLE_S
            if latest.over and self._clock.now_ms() - latest.sent_at_ms > _OLD_MS:
                self._told[name] = latest.sequence
                self._changed.notify_all()
                return _IDLE_S
        result = self._outputs[name].tell(latest, latest.key(name))
        with self._changed:
            if self._latest is not None and latest.identifier != self._latest.identifier:
                return 0.0  # another trouble meanwhile, which counts its messages anew
            self._tried[name] = latest.sequence
            self._changed.notify_all()
            if isinstance(result, Delivered) or result.permanent:
                self._told[name] = latest.sequence
                self._keep()
            if isinstance(result, Delivered):
                log.warning(Localized("log.trouble.told", output=name, kind=latest.kind, state=_state(latest)))
                return 0.0
            if result.permanent:
                log.error(Localized("log.trouble.refused", output=name, why=result.detail))
                return 0.0
            if latest is not self._latest:
                return 0.0
            failures = self._failures[name] = self._failures.get(name, 0) + 1
        if failures == 1:
            log.warning(Localized("log.trouble.untold", output=name, why=result.detail))
        return retry_policy.pause_s(failures, random.random(), result.retry_after_s)  # noqa: S311 (spreads load)

    def _keep(self) -> None:
        assert self._latest is not None
        self._kept.write(json.dumps({"latest": asdict(self._latest), "told": self._told}))

    def _remember(self) -> None:
        try:
            kept = json.loads(self._kept.read() or "{}")
            if "latest" in kept:
                latest = kept["latest"]
                self._latest = Trouble(**{**latest, "kind": TroubleKind(latest["kind"])})
                self._told = {str(name): int(sequence) for name, sequence in kept["told"].items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            log.warning(Localized("log.trouble.unread"))
            self._latest, self._told = None, {}


def _state(trouble: Trouble) -> str:
    return "back" if trouble.over else "trouble"
