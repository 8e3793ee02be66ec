"""Keeps the broker's logins in step with the registry: a button has one from enrolment until it is removed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import Failing
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_EVERY_S: Final = 2.0
# A reload stalls Mosquitto briefly (a seventh of a second with 100,000 buttons), so enrolments are batched: the pause
# after a reload grows by a second for this many.
_BUTTONS_A_SECOND: Final = 10_000


class PasswordsUnusable(Failing):
    """The passwords cannot be written, or the broker not told; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """How many buttons gained or lost access, and how many the broker reads again."""

    given: int = 0
    withdrawn: int = 0
    admitted: int = 0

    def __bool__(self) -> bool:
        return self.given > 0 or self.withdrawn > 0


class BrokerPasswords(Protocol):
    """Where a broker looks up its logins."""

    def keep_in_step(self, store: Store, key: GatewayKey, shut_out: Collection[str] = ()) -> Change:
        """Make the passwords match: one for each button that may log in, and no other.

        shut_out: device_ids in hex that are suspended for now. Raises: PasswordsUnusable, StoreFailing.
        """
        ...

    def tell(self) -> None:
        """Make the broker load the change. Raises: PasswordsUnusable."""
        ...

    def close_door(self) -> bool:
        """Withdraw the login for new buttons. Returns whether there was one. Raises: PasswordsUnusable."""
        ...


class BrokerAccess:
    """Follows the registry while the gateway runs, in its own thread. `changed` is called for each change."""

    def __init__(
        self,
        store: Store,
        key: GatewayKey,
        passwords: BrokerPasswords,
        changed: Callable[[Change], None] = lambda change: None,
        shut_out: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        """shut_out: returns the logins suspended for now, see service/fleet/login_suspension.py."""
        self._store = store
        self._key = key
        self._passwords = passwords
        self._changed = changed
        self._shut_out = shut_out
        self._done: tuple[int, frozenset[str]] = (-1, frozenset())  # the registry version that the passwords match
        self._untold = True  # the broker may have started before an earlier gateway's last write
        self._admitted_s = 0.0
        self._said = ""
        self._looks = PeriodicThread("broker-access", self.turn, end_s=5)

    def start(self) -> None:
        self._looks.start()

    def stop(self) -> None:
        self._looks.stop()

    def wake(self) -> None:
        """Check now: a login was suspended, or its time is over."""
        self._looks.wake()

    def renew(self) -> None:
        """Synchronize again although the registry is unchanged: somebody else changed the passwords."""
        self._done = (-1, frozenset())
        self._untold = True
        self.wake()

    def close_door(self) -> bool:
        """See BrokerPasswords; the broker is told at once. Raises: PasswordsUnusable."""
        was_open = self._passwords.close_door()
        if was_open:
            self._passwords.tell()
        return was_open

    def turn(self) -> float:
        """Synchronize if anything changed. Returns seconds until the next check."""
        try:
            wanted = self._store.registry_version(), self._shut_out()
            if wanted != self._done:
                change = self._passwords.keep_in_step(self._store, self._key, wanted[1])
                self._done = wanted
                self._admitted_s = change.admitted / _BUTTONS_A_SECOND
                if change:
                    self._untold = True
                    self._changed(change)
            told = self._untold
            if told:
                self._passwords.tell()
                self._untold = False
            self._said = ""
        except StoreFailing as error:
            log.debug(Localized("log.journal.no_registry", why=error))
        except PasswordsUnusable as error:
            if str(error) != self._said:
                self._said = str(error)
                log.error(error.message)
        else:
            return _EVERY_S + (self._admitted_s if told else 0.0)
        return _EVERY_S
