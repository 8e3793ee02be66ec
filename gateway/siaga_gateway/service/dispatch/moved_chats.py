"""Group chats that their service gave another number, as Telegram does when it makes a group larger.

Messages follow by themselves. What is tapped there comes from the new number, of which the list of people knows
nothing until somebody corrects it.
"""

from __future__ import annotations

import logging
import threading

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)


class MovedChats:
    """Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._noted: set[tuple[str, str]] = set()

    def note(self, old: str, new: str) -> None:
        """Keep that a chat has become another one. Never raises: what is not kept is noted with the next message."""
        with self._lock:
            if (old, new) in self._noted:
                return
        try:
            if former_chat(self._store, new) != old:
                with self._store.transaction() as transaction:
                    transaction.remember(_name(new), old)
        except StoreFailing as error:
            log.error(Localized("log.dispatch.store", why=error))
            return
        with self._lock:
            self._noted.add((old, new))
        log.warning(Localized("log.dispatch.chat_moved", old=old, new=new))


def former_chat(store: Store, chat: str) -> str:
    """Return the number that a chat had before; empty: none that is known. Raises: StoreFailing."""
    return store.remembered(_name(chat)) or ""


def _name(chat: str) -> str:
    return f"chat.{chat}.was"
