"""Ways over HTTP: a format from `formats/` says what to POST and what the answer means."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.outputs.common import checked_deadline
from siaga_gateway.adapters.outputs.http_client import Answer, HttpClient
from siaga_gateway.adapters.outputs.http_post import (
    checked_proxy,
    checked_url,
    meaning,
    not_exchanged,
    retry_after_s,
    trusted,
)
from siaga_gateway.adapters.outputs.web_address import WebAddress, read_web_address
from siaga_gateway.catalogue import text
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.limits import LONGEST_RETRY_AFTER_S
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.formats.service_message import AddressUnusable, Meaning, MessageFormat, ServiceRequest
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.ports import Clock, NotDelivered

_DAY_S: Final = 86_400.0
_KEPT: Final = 16 * 1024  # bytes of an answer
_MOST_SERVERS: Final = 16  # of which a connection is kept
# Retrying may help with all but the first of these.
_FAILED: Final = {
    Meaning.DEAD: "dead",
    Meaning.MOVED: "dead",
    Meaning.WAIT: "wait",
    Meaning.EXHAUSTED: "exhausted",
    Meaning.LATER: "later",
    Meaning.REFUSED: "refused",
    Meaning.UNKNOWN: "unknown",
    Meaning.STRANGER: "stranger",
}


class HttpService:
    """POSTs to the servers of one service. Thread-safe."""

    def __init__(
        self,
        servers: Sequence[str],
        *,
        ca_file: Path | None = None,
        proxy: str | None = None,
        allow_plaintext: bool = False,
    ) -> None:
        """servers: `https://host[:port]`, or `*.domain` for any https server below it. Nothing goes anywhere else: an
        address may come from a stranger. Raises: ValueError, which names the wrong setting and a right one."""
        named = [each for each in servers if not each.startswith("*.")]
        self._authorities = {
            (url.scheme, url.authority) for url in (checked_url(each, allow_plaintext) for each in named)
        }
        self._domains = tuple(each[1:].lower() for each in servers if each.startswith("*."))
        self._tls = trusted(ca_file, None)
        self._proxy = None if proxy is None else checked_proxy(proxy)
        self._clients: dict[str, HttpClient] = {}
        self._lock = threading.Lock()

    def post(self, request: ServiceRequest, until: float, *, keep: int = _KEPT) -> tuple[WebAddress, Answer]:
        """keep: bytes of the answer. Raises: ExchangeFailed; SettingError for a server that is not this service's."""
        url = self.place(request)
        client = self._client(url)
        head = {"user-agent": "siaga-gateway", "accept": "*/*", **request.headers}
        return url, client.post(head, request.body, until, target=url.target, keep=keep)

    def place(self, request: ServiceRequest) -> WebAddress:
        """Return where a request goes. Raises: SettingError."""
        url = read_web_address(request.url)
        known = (url.scheme, url.authority) in self._authorities
        if not known and not (url.scheme == "https" and url.port == 443 and url.host.endswith(self._domains or ("?",))):
            raise SettingError("way.foreign_server", host=url.host)
        return url

    def close(self) -> None:
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _client(self, url: WebAddress) -> HttpClient:
        name = f"{url.scheme}://{url.authority}"
        with self._lock:
            client = self._clients.pop(name, None) or HttpClient(
                url, self._tls if url.scheme == "https" else None, self._proxy
            )
            self._clients[name] = client  # the last one is the one used last
            unused = self._clients.pop(next(iter(self._clients))) if len(self._clients) > _MOST_SERVERS else None
        if unused is not None:
            unused.close()
        return client


class HttpWay:
    """Implements service.dispatch.ways.Way."""

    def __init__(
        self,
        name: str,
        kind: ContactWay,
        service: HttpService,
        spoken: MessageFormat,
        *,
        budget: Budget,
        clock: Clock,
        language: str,
        deadline_s: float,
        at_once: int,
        repeats_recognised: bool = False,
        moved: Callable[[str, str], None] = lambda old, new: None,
    ) -> None:
        """language: of the results' texts. service: closed with this. moved: told of an address that has become another
        one, after the message was handed over there; never raises."""
        self.name = name
        self.kind = kind
        self.budget = budget
        self.at_once = at_once
        self.repeats_recognised = repeats_recognised
        self._service = service
        self._spoken = spoken
        self._clock = clock
        self._language = language
        self._deadline_s = checked_deadline(deadline_s)
        self._moved = moved

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        until = time.monotonic() + self._deadline_s
        outcome = self._send(address, message, key, until)
        if not isinstance(outcome, str):
            return outcome
        # A group chat that became another one. Once: two that name each other would never end.
        new, outcome = outcome, self._send(outcome, message, key, until, may_move=False)
        assert not isinstance(outcome, str)
        if isinstance(outcome, HandedOver):
            self._moved(address.strip(), new)
        return outcome

    def close(self) -> None:
        """Close the kept connections."""
        self._service.close()

    def _send(
        self, address: str, message: PersonalMessage, key: str, until: float, *, may_move: bool = True
    ) -> HandedOver | NotDelivered | str:
        """Return the outcome, or the address that this one has become."""
        try:
            first, *more = self._spoken.requests(address, message, key, self._clock.now_ms())
            url = self._service.place(first)
        except AddressUnusable as error:
            return NotDelivered(self._say("address", why=error.say(self._language)), permanent=True)
        except SettingError as error:
            return NotDelivered(self._say("settings", why=error.say(self._language)))
        except Exception as error:
            return NotDelivered(text("formats.delivery.unexpected", self._language, why=type(error).__name__))
        outcome = self._try(first, url, key, until, may_move)
        if isinstance(outcome, HandedOver):
            self._also(more, until)
        return outcome

    def _try(
        self, request: ServiceRequest, url: WebAddress, key: str, until: float, may_move: bool
    ) -> HandedOver | NotDelivered | str:
        try:
            _, answer = self._service.post(request, until)
            meant = self._spoken.answer(answer.status, answer.body, key)
        except Exception as error:
            return not_exchanged(error, url, self._deadline_s, self._language)
        if meant.meaning is Meaning.MOVED and may_move:
            return meant.moved_to or ""
        told = {"where": url.host, "status": answer.status, "said": meant.said or meaning(answer.status)}
        if meant.meaning is Meaning.TAKEN:
            return HandedOver(self._say("taken", **told), meant.reference)
        wait_s = meant.wait_s
        if wait_s is None and meant.meaning is Meaning.WAIT:
            wait_s = retry_after_s(answer.headers.get("retry-after"), self._clock.now_ms())
        exhausted, longest_s = meant.meaning is Meaning.EXHAUSTED, LONGEST_RETRY_AFTER_S
        if exhausted:
            longest_s = _DAY_S
            wait_s = _DAY_S - self._clock.now_ms() / 1000 % _DAY_S if wait_s is None else wait_s
        return NotDelivered(
            self._say(_FAILED[meant.meaning], **told),
            permanent=meant.meaning in (Meaning.DEAD, Meaning.MOVED),
            retry_after_s=None if wait_s is None else min(max(wait_s, 0.0), longest_s),
            exhausted=exhausted,
            unknown=meant.meaning is Meaning.UNKNOWN,
        )

    def _also(self, requests: Sequence[ServiceRequest], until: float) -> None:
        """Try what is of use but no condition: to take back an earlier message."""
        for request in requests:
            try:
                self._service.post(request, until)
            except Exception:  # noqa: S112 - the new message says that the earlier one holds no more
                continue

    def _say(self, name: str, **values: object) -> str:
        return text(f"formats.way.{name}", self._language, **values)
