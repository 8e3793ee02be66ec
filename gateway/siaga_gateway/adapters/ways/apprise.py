"""Whatever else Apprise knows: over a hundred services, each by a URL as its address.

It tells yes or no, and no more: no number of the message, no wait that was asked for, and a no may be a yes that came
too late. So what matters has a way of its own, and a no here is an unknown outcome.
"""

from __future__ import annotations

import importlib
import logging
import re
import threading
import time
from collections.abc import Collection
from typing import Any, Final
from urllib.parse import unquote

from siaga_gateway.adapters.outputs.common import checked_deadline
from siaga_gateway.adapters.ways.call_slots import CallSlots
from siaga_gateway.catalogue import text
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.formats.service_message import with_link
from siaga_gateway.formats.text_rules import one_line
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.ports import NotDelivered

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]{0,31})://", re.IGNORECASE)
_SHORTEST_SECRET: Final = 4


class AppriseWay:
    """Implements service.dispatch.ways.Way."""

    kind = ContactWay.APPRISE
    repeats_recognised = False

    def __init__(
        self, name: str, schemes: Collection[str], *, budget: Budget, language: str, deadline_s: float, at_once: int
    ) -> None:
        """schemes: of the services that may be used; others could reach into this machine. Raises: SettingError."""
        try:
            self._apprise: Any = importlib.import_module("apprise")
        except ImportError:
            raise SettingError("way.no_apprise") from None
        logging.getLogger("apprise").addFilter(_WARNINGS)  # a second time does nothing
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # it logs paths, and those have tokens in them
        # Its hundred modules are loaded at the first URL, which takes a second: now, and not when somebody is called.
        self._apprise.Apprise.instantiate("json://localhost", suppress_exceptions=True)
        self.name = name
        self.budget = budget
        self.at_once = at_once
        self._schemes = frozenset(scheme.lower() for scheme in schemes)
        self._language = language
        self._deadline_s = checked_deadline(deadline_s)
        self._slots = CallSlots(name, at_once)

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        until = time.monotonic() + self._deadline_s
        found = _SCHEME.match(address.strip())
        if found is None:
            return self._dead("way.apprise_url")
        scheme = found[1].lower()
        if scheme not in self._schemes:
            why = SettingError("way.apprise_scheme", scheme=scheme).say(self._language)
            return NotDelivered(self._say("way.settings", why=why))
        try:
            outcome = self._slots.call(lambda: self._notify(address.strip(), message), until)
        except TimeoutError:
            seconds = f"{self._deadline_s:g}"
            return NotDelivered(self._say("delivery.too_slow", where=scheme, seconds=seconds), unknown=True)
        except Exception as error:
            return NotDelivered(self._say("delivery.unexpected", why=type(error).__name__), unknown=True)
        if outcome is None:
            return self._dead("way.apprise_url")
        taken, said = outcome
        if taken:
            return HandedOver(self._say("apprise.taken", scheme=scheme))
        return NotDelivered(self._say("apprise.failed", scheme=scheme, said=said or "?"), unknown=True)

    def close(self) -> None:
        """Nothing is kept open."""

    def _notify(self, address: str, message: PersonalMessage) -> tuple[bool, str] | None:
        """Return whether it was taken, and what Apprise logged; None: it does not know such a URL."""
        kinds = self._apprise.NotifyType
        said = _WARNINGS.begin()
        # Anew each time: one that was used keeps the next message back for seconds.
        service = self._apprise.Apprise.instantiate(address, suppress_exceptions=True)
        if service is None:
            return None
        taken = service.notify(
            title=one_line(message.title, 200),
            body=with_link(message),
            notify_type=kinds.WARNING if message.urgent else kinds.INFO,
        )
        return bool(taken), one_line(_without(address, " ".join(said)), 120)

    def _dead(self, key: str) -> NotDelivered:
        why = SettingError(key).say(self._language)
        return NotDelivered(self._say("way.address", why=why), permanent=True)

    def _say(self, name: str, **values: object) -> str:
        return text(f"formats.{name}", self._language, **values)


class _Warnings(logging.Filter):
    """Takes what Apprise logs, which can have tokens in it, and keeps what it warns of for the thread that sends: that
    is all it says of a failure."""

    def __init__(self) -> None:
        super().__init__()
        self._here = threading.local()

    def begin(self) -> list[str]:
        """Return what will be said in this thread from now on."""
        said: list[str] = []
        self._here.said = said
        return said

    def filter(self, record: logging.LogRecord) -> bool:
        said: list[str] | None = getattr(self._here, "said", None)
        if said is not None and record.levelno >= logging.WARNING:
            said.append(record.getMessage())
        return False


_WARNINGS: Final = _Warnings()


def _without(address: str, said: str) -> str:
    """Leave out what may be a token or a number of the address."""
    for part in sorted(re.split(r"[^\w.-]+", unquote(address)), key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET:
            said = said.replace(part, "…")
    return said
