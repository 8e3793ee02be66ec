"""A way to people for tests: no service, it answers as it is told."""

from __future__ import annotations

import threading

from gateway.dispatch.called_district import NTFY
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.dispatch.ways import Budget, HandedOver, PersonalMessage
from siaga_gateway.service.ports import NotDelivered
from waiting import ENDS_S


class ToldWay:
    """A way that answers as it is told for each address, and keeps what it was given."""

    at_once, repeats_recognised = 4, True

    def __init__(self, name: str = "contoh", budget: Budget = Budget(), kind: ContactWay = NTFY) -> None:  # noqa: B008 - a value
        self.name, self.budget, self.kind = name, budget, kind
        self.answers: dict[str, HandedOver | NotDelivered] = {}
        self.waits: dict[str, threading.Event] = {}
        self.sent: list[tuple[str, str]] = []  # station, key

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        station = address.rpartition("/")[2]
        self.sent.append((station, key))
        if station in self.waits:
            self.waits[station].wait(ENDS_S)
        return self.answers.get(station, HandedOver("200", f"m-{len(self.sent)}"))

    def close(self) -> None: ...
