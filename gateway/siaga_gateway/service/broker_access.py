"""Who may log in at the broker follows the registry: a button from its enrolment until it is removed from service."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from siaga_gateway.domain.verify import GatewayKey
from siaga_gateway.service.recurring import Recurring
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_EVERY_S: Final = 2.0
# A reload holds Mosquitto up for a moment (a seventh of a second with 100,000 buttons), so many enrolments share one:
# the pause after it is longer by a second for so many.
_BUTTONS_A_SECOND: Final = 10_000


class PasswordsUnusable(Exception):
    """The passwords cannot be kept, or the broker not told; the text says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Change:
    """To how many buttons the broker was opened and closed, and how many it reads anew."""

    given: int = 0
    withdrawn: int = 0
    admitted: int = 0

    def __bool__(self) -> bool:
        return self.given > 0 or self.withdrawn > 0


class BrokerPasswords(Protocol):
    """Where a broker looks up who may log in."""

    def keep_in_step(self, store: Store, key: GatewayKey) -> Change:
        """Every button that may log in has a password there, and no other. Raises PasswordsUnusable, StoreFailing."""
        ...

    def tell(self) -> None:
        """Have the broker know of the change. Raises PasswordsUnusable."""
        ...


class BrokerAccess:
    """Follows the registry while the gateway runs, in a thread of its own. `changed` hears of each change."""

    def __init__(
        self,
        store: Store,
        key: GatewayKey,
        passwords: BrokerPasswords,
        changed: Callable[[Change], None] = lambda change: None,
    ) -> None:
        self._store = store
        self._key = key
        self._passwords = passwords
        self._changed = changed
        self._done = -1  # the registry's version that the passwords have
        self._untold = True  # the broker may have started before an earlier gateway wrote its last
        self._admitted_s = 0.0
        self._said = ""
        self._looks = Recurring("broker-access", self._look, end_s=5)

    def start(self) -> None:
        self._looks.start()

    def stop(self) -> None:
        self._looks.stop()

    def _look(self) -> float:
        try:
            version = self._store.registry_version()
            if version != self._done:
                change = self._passwords.keep_in_step(self._store, self._key)
                self._done = version
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
            log.debug("the registry cannot be read: %s", error)
        except PasswordsUnusable as error:
            if str(error) != self._said:
                self._said = str(error)
                log.error("%s", error)
        else:
            return _EVERY_S + (self._admitted_s if told else 0.0)
        return _EVERY_S
