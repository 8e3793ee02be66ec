"""A hand-written way: keeps what it was given, can be told to fail, and passes the contract of the port."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.ports import NotDelivered


@dataclass(frozen=True)
class Told:
    """One message as the service has it."""

    address: str
    message: PersonalMessage
    key: str


class FakeWay:
    """Implements service.dispatch.ways.Way. `outcomes` holds what comes of messages to an address in place of handing
    over; `silent` makes each message last until its deadline."""

    def __init__(
        self,
        name: str = "way-1",
        kind: ContactWay = ContactWay.NTFY,
        *,
        budget: Budget | None = None,
        at_once: int = 4,
        repeats_recognised: bool = True,
        deadline_s: float = 60,
    ) -> None:
        self.name = name
        self.kind = kind
        self.budget = budget or Budget()
        self.at_once = at_once
        self.repeats_recognised = repeats_recognised
        self.told: list[Told] = []
        self.outcomes: dict[str, NotDelivered] = {}
        self.broken: NotDelivered | None = None
        self.silent = False
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._woken = threading.Condition(self._lock)

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        with self._lock:
            if not address:
                return NotDelivered("no address", permanent=True)
            if self.silent and not self._woken.wait_for(lambda: not self.silent, self._deadline_s):
                return NotDelivered("silent", unknown=True)
            if (failed := self.broken or self.outcomes.get(address)) is not None:
                return failed
            self.told.append(Told(address, message, key))
            return HandedOver("taken", f"m-{len(self.told)}")

    def speak(self) -> None:
        """End `silent`, for those that wait too."""
        with self._lock:
            self.silent = False
            self._woken.notify_all()

    def close(self) -> None:
        """Nothing is kept open."""
