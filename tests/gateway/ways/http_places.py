"""The services over HTTP, each as a server on loopback that answers as its documentation says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from gateway.fake_ports import ManualClock
from gateway.outputs.http_receiver import Behaviour, Receiver, answer, never
from gateway.ways.sample_messages import SENT_MS
from gateway.ways.way_contract import DEADLINE_S, PATIENT_S
from siaga_gateway.adapters.ways.apprise import AppriseWay
from siaga_gateway.adapters.ways.http_way import HttpService, HttpWay
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.formats.ntfy import NtfyFormat
from siaga_gateway.formats.service_message import MessageFormat
from siaga_gateway.formats.telegram import TelegramFormat
from siaga_gateway.formats.whatsapp import WhatsappFormat
from siaga_gateway.service.dispatch.ways import Budget

JSON = {"content-type": "application/json"}


def says(status: int, body: object) -> Behaviour:
    return answer(status, JSON, json.dumps(body).encode())


NTFY_OK = says(200, {"id": "aBc1", "time": 1, "event": "message", "topic": "siaga-a"})
TELEGRAM_OK = says(200, {"ok": True, "result": {"message_id": 4711}})
WHATSAPP_OK = says(200, {"messages": [{"id": "wamid.X", "message_status": "accepted"}]})


def http_way(kind: ContactWay, receiver: Receiver, spoken: MessageFormat, **settings: Any) -> HttpWay:
    values: dict[str, Any] = {
        "budget": Budget(),
        "clock": ManualClock(SENT_MS),
        "language": "en",
        "deadline_s": PATIENT_S,
        "at_once": 4,
    }
    service = HttpService([origin(receiver)])
    return HttpWay("way-1", kind, service, spoken, **(values | settings))


def origin(receiver: Receiver) -> str:
    return receiver.url.removesuffix("/inbox?key=hidden")


class HttpPlace:
    """Implements way_contract.Place."""

    def __init__(
        self,
        receiver: Receiver,
        way: HttpWay | AppriseWay,
        good: str,
        bad: str,
        orderly: Behaviour,
        shown: Callable[[dict[str, Any]], str],
    ) -> None:
        self.receiver = receiver
        self.way = way
        self.good = good
        self.bad = bad
        self._orderly = orderly
        self._shown = shown
        self.recover()

    def arrived(self) -> Sequence[str]:
        if self.receiver.behaviour is not self._orderly:
            return []
        return [self._shown(json.loads(each.body)) for each in self.receiver.requests]

    def break_down(self) -> None:
        self.receiver.behaviour = answer(503)

    def hang(self) -> None:
        self.way._deadline_s = DEADLINE_S
        self.receiver.behaviour = never

    def recover(self) -> None:
        self.way._deadline_s = PATIENT_S
        self.receiver.requests.clear()
        self.receiver.behaviour = self._orderly


def ntfy_place(receiver: Receiver) -> HttpPlace:
    way = http_way(ContactWay.NTFY, receiver, NtfyFormat(origin(receiver), "tk_hidden"))
    return HttpPlace(receiver, way, "siaga-a", "no topic", NTFY_OK, lambda body: f"{body['title']}\n{body['message']}")


def telegram_place(receiver: Receiver) -> HttpPlace:
    way = http_way(ContactWay.TELEGRAM, receiver, TelegramFormat(origin(receiver), "17:hidden"))
    return HttpPlace(receiver, way, "123456789", "nobody", TELEGRAM_OK, lambda body: str(body.get("text", "deleted")))


def whatsapp_place(receiver: Receiver) -> HttpPlace:
    way = http_way(ContactWay.WHATSAPP, receiver, WhatsappFormat(origin(receiver), "1055", "hidden", "siaga_call"))

    def shown(body: dict[str, Any]) -> str:
        return "\n".join(each["text"] for each in body["template"]["components"][0]["parameters"])

    return HttpPlace(receiver, way, "+6281200000001", "81", WHATSAPP_OK, shown)
