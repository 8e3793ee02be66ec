"""Suspends broker logins that flood: a minute first, then twice as long each time.

The button that owns the login has no MQTT meanwhile. It goes on over its other bearers, and shows by its light if it
has none; so the time is short, and readmitting a flood costs only the second until it is noticed. Suspensions are
stored, so that all workers observe them, also after a restart.
"""

from __future__ import annotations

import json
import logging
import queue
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.registry import ADMITTED
from siaga_gateway.service.fleet.broker_access import PasswordsUnusable
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.log_fields import of_frame
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreFailing, Transaction

log = logging.getLogger(__name__)

FIRST_S: Final = 60
LONGEST_S: Final = 3_600
_FORGOTTEN_MS: Final = 86_400_000  # after a day without a flood the count starts over
_LOOK_S: Final = 1.0
_GRACE_S: Final = 5.0  # for what was in transit when a login was suspended
# The same after closing the login for new buttons: a queue of 50,000, read by several workers, under other buttons'
# names.
DOOR_GRACE_MS: Final = 15_000
KEPT: Final = "broker shut out"  # key in the store
KEPT_DOOR: Final = "broker door closed"  # key in the store: when it was last closed for a flood, or is about to be
_CROWD: Final = ""  # stands for no single login


@dataclass(frozen=True, slots=True)
class Suspension:
    """A login that was suspended; it may be readmitted by now."""

    until_ms: int
    times: int
    is_out: bool = True  # False: readmitted


class Broker(Protocol):
    """One list of who may log in; implemented by fleet.broker_access.BrokerAccess."""

    def wake(self) -> None: ...
    def close_door(self) -> bool:
        """Raises: PasswordsUnusable."""
        ...


def out_for_s(times: int) -> int:
    """Return the duration of a suspension. times: how often it was suspended, including this time."""
    return int(min(LONGEST_S, FIRST_S * 2 ** min(times - 1, 10)))


def kept_out(store: Store) -> Mapping[str, Suspension]:
    """Return all suspensions by device_id in hex, including readmitted ones. Raises: StoreFailing."""
    return {login: Suspension(**each) for login, each in json.loads(store.remembered(KEPT) or "{}").items()}


def logins_out(store: Store) -> frozenset[str]:
    """Return the logins suspended now. Raises: StoreFailing."""
    return frozenset(login for login, each in kept_out(store).items() if each.is_out)


class LoginSuspensions:
    """`flooded` is thread-safe; the work happens in a thread of its own."""

    def __init__(self, store: Store, notifier: Notifier, clock: Clock, holder: str) -> None:
        """holder: this worker's name among all on the store."""
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._holder = holder
        self._brokers: Sequence[Broker] = ()
        self._floods: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self._dealt: dict[str, float] = {}  # by login, when (monotonic) its flood was last handled
        self._looks = PeriodicThread("shut-outs", self.turn, end_s=5)
        self._names: frozenset[str] | None = None  # of all buttons; None: not read yet
        self._version = -1
        self.out = 0  # logins suspended now

    def serve(self, brokers: Sequence[Broker]) -> None:
        """Set the brokers, before the start. None: nobody here controls who may log in."""
        self._brokers = brokers

    def start(self) -> None:
        self._looks.start()

    def stop(self) -> None:
        self._looks.stop()

    def flooded(self, login: str, frames: int) -> None:
        """Report a flood; never raises.

        login: the device_id in hex that it came under. frames: how many too many.
        """
        self._floods.put((login, frames))
        self._looks.wake()

    def crowded(self, frames: int) -> None:
        """Report a flood that is no single sender's; never raises."""
        self.flooded(_CROWD, frames)

    def knows(self, login: str) -> bool:
        """Whether a button of this name is registered, as of a moment ago; never blocks."""
        names = self._names
        return names is None or login in names

    def turn(self) -> float:
        """Handle reported floods, and readmit logins whose time is over. Returns seconds until the next check."""
        floods: dict[str, int] = {}
        while not self._floods.empty():
            login, frames = self._floods.get()
            floods[login] = max(frames, floods.get(login, 0))
        now = time.monotonic()
        # Older entries mean nothing any more, and under invented logins would grow without limit.
        self._dealt = {login: at for login, at in self._dealt.items() if now - at < _GRACE_S}
        fresh = {login: frames for login, frames in floods.items() if login not in self._dealt}
        failed = "flood_not_dealt"
        try:
            if fresh:
                self._deal_with(fresh, now)
            failed = "shut_out_unread"
            self._let_in()
            self._read_names()
        except StoreFailing as error:
            log.error(Localized(f"log.broker.{failed}", why=error))
        return _LOOK_S

    def _deal_with(self, floods: Mapping[str, int], now: float) -> None:
        """Handle floods. They may have come by the login for new buttons, which another worker is just closing: the
        store arbitrates."""
        mark, before = f"{self._clock.now_ms()} {self._holder}", ""
        if self._brokers:
            with self._store.transaction() as transaction:
                transaction.remember(f"{KEPT} by", self._holder)  # other workers wait here
                before = self._store.remembered(KEPT_DOOR) or ""
                transaction.remember(KEPT_DOOR, mark)
        if self._close_the_door(floods, now):
            return
        if before and 0 <= self._clock.now_ms() - int(before.split()[0]) < DOOR_GRACE_MS:
            with self._store.transaction() as transaction:
                transaction.remember(f"{KEPT} by", self._holder)
                if self._store.remembered(KEPT_DOOR) == mark:
                    transaction.remember(KEPT_DOOR, before)
            return
        self._shut_out(floods, now, mark)

    def _close_the_door(self, floods: Mapping[str, int], now: float) -> bool:
        """Close the login for new buttons.

        Anybody who has its password can send under any button's name: while it is open, that is who floods.
        """
        was_open = False
        for broker in self._brokers:
            try:
                was_open |= broker.close_door()
            except PasswordsUnusable as error:
                log.error(error.message)
        if was_open:
            log.error(Localized("log.broker.door_closed"))
            with self._store.transaction() as transaction:
                facts = {"count": sum(floods.values())}
                transaction.note(journal.BROKER_DOOR_CLOSED, self._clock.now_ms(), facts)
            self._notifier.ring()
            self._dealt.update(dict.fromkeys(floods, now))
        return was_open

    def _shut_out(self, told: Mapping[str, int], now: float, mark: str) -> None:
        floods = {login: frames for login, frames in told.items() if login != _CROWD}
        now_ms = self._clock.now_ms()
        admitted = {device_id.hex() for device_id, state in self._store.registrations().items() if state in ADMITTED}
        may = floods.keys() & admitted if self._brokers else set()
        with self._store.transaction() as transaction:
            transaction.remember(f"{KEPT} by", self._holder)
            if self._brokers and self._store.remembered(KEPT_DOOR) != mark:
                return  # another worker may have closed it meanwhile; a flood that continues is reported again
            kept = dict(kept_out(self._store))
            for login, frames in floods.items():
                device_id = bytes.fromhex(login) if login in admitted else None
                if login not in may:
                    transaction.note(journal.BROKER_FLOOD, now_ms, {"count": frames}, device_id=device_id)
                elif not (login in kept and kept[login].is_out):
                    before = kept.get(login)
                    times = 1 if before is None or now_ms - before.until_ms > _FORGOTTEN_MS else before.times + 1
                    seconds = out_for_s(times)
                    kept[login] = Suspension(now_ms + 1_000 * seconds, times)
                    facts = {"count": frames, "seconds": seconds, "times": times}
                    transaction.note(journal.BROKER_SHUT_OUT, now_ms, facts, device_id=device_id)
                    log.error(Localized("log.broker.shut_out", seconds=seconds), extra=of_frame(device_id, None))
            self._keep(transaction, kept)
            transaction.remember(KEPT_DOOR, "")  # it was not open
        self._dealt.update(dict.fromkeys(floods, now))
        for login in floods.keys() - may:
            key = "flood_unknown" if self._brokers else "flood_unkept"
            log.error(Localized(f"log.broker.{key}", login=login))
        if floods:
            self._tell()

    def _read_names(self) -> None:
        version = self._store.registry_version()
        if version != self._version:
            self._names = frozenset(device_id.hex() for device_id in self._store.registrations())
            self._version = version

    def _let_in(self) -> None:
        kept = dict(kept_out(self._store))
        self.out = sum(each.is_out for each in kept.values())
        now_ms = self._clock.now_ms()
        if not any(_is_over(each, now_ms) for each in kept.values()):
            return
        with self._store.transaction() as transaction:
            transaction.remember(f"{KEPT} by", self._holder)
            kept = dict(kept_out(self._store))
            for login, each in tuple(kept.items()):
                if _is_over(each, now_ms):
                    kept[login] = Suspension(each.until_ms, each.times, is_out=False)
                    transaction.note(
                        journal.BROKER_LET_IN, now_ms, {"times": each.times}, device_id=bytes.fromhex(login)
                    )
                elif not each.is_out and now_ms - each.until_ms > _FORGOTTEN_MS:
                    del kept[login]
            self._keep(transaction, kept)
        self._tell()

    def _keep(self, transaction: Transaction, kept: Mapping[str, Suspension]) -> None:
        transaction.remember(KEPT, json.dumps({login: asdict(each) for login, each in kept.items()}))
        self.out = sum(each.is_out for each in kept.values())

    def _tell(self) -> None:
        self._notifier.ring()
        for broker in self._brokers:
            broker.wake()


def _is_over(out: Suspension, now_ms: int) -> bool:
    """Whether a suspension is over. A clock that was set back extends none beyond the longest duration."""
    return out.is_out and not now_ms <= out.until_ms <= now_ms + 1_000 * LONGEST_S
