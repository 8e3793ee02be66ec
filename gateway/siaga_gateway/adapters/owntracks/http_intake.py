"""Positions from OwnTracks in its mode HTTP: a small server of its own in the front.

The app keeps and posts again whatever is not answered with 2xx. So all that will never be taken (an unknown name, a
message that says no place, somebody off duty) is answered with 200, and told at the console; 503 asks for another try,
where it could be taken and is not stored. What is taken is stored durably before the answer.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from siaga_gateway.adapters.intake_server import IntakeServer, body_within
from siaga_gateway.config.owntracks import OwntracksSettings
from siaga_gateway.formats.owntracks import LARGEST, Fix, OwntracksError, newest, read
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import StoreFailing

DEADLINE_S: Final = 10.0
_SHARE: Final = 0.2
_AGAIN_S: Final = 15
_GATHER_S: Final = 0.1
_AT_ONCE: Final = 500  # positions in one question
_WAITING: Final = 5_000  # positions; beyond that phones come again
_TOKENS_S: Final = 5.0
_TOKENS_ANEW_S: Final = 1.0  # at most so often for a name or key that is not known

Report = tuple[object, ...]  # as service/dispatch/responder_positions.py, PositionReport, in plain values


class OwntracksDoor:
    """The server. `bound` is a socket that is bound and not listening yet."""

    def __init__(
        self,
        settings: OwntracksSettings,
        bound: socket.socket,
        *,
        clock: Clock,
        tokens: Callable[[], Mapping[str, str]],
        take: Callable[[Sequence[Report]], Sequence[str]],
        refused: Callable[[str | None, str, int], None],
        deadline_s: float = DEADLINE_S,
        proxies: Sequence[str] = (),
    ) -> None:
        """tokens: SHA-256, hex, of what lets phones in, by responder. take: keeps positions durably, and returns what
        became of each. refused: tells of whom something was not taken, why, and how often; never blocks. The first two
        may block, and raise StoreFailing. proxies: in front of it, whose address many clients share."""
        self._settings = settings
        self._clock = clock
        self._ask_tokens = tokens
        self._ask = take
        self._refused = refused
        self._deadline_s = deadline_s
        self.counts: Counter[str] = Counter()
        self._tokens: Mapping[str, str] = {}
        self._tokens_at = -_TOKENS_S
        self._reading = asyncio.Lock()
        self._queue: list[tuple[Sequence[Report], asyncio.Future[Sequence[str]]]] = []
        self._asking: asyncio.Task[None] | None = None
        self._server = IntakeServer("OwnTracks", bound, settings.path, self._receive, share=_SHARE, proxies=proxies)

    @property
    def address(self) -> str:
        return self._server.url(self._settings.path)

    def start(self) -> None:
        """Listen; returns once it does."""
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    async def _receive(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._answer(request)
        except (StoreFailing, TimeoutError):
            self.counts["again"] += 1
            return JSONResponse([], 503, {"retry-after": str(_AGAIN_S)})
        except ClientDisconnect:
            return _done()  # the client is gone

    async def _answer(self, request: Request) -> Response:
        """Raises: StoreFailing."""
        key = await self._whose(request)
        if key is None:  # before anything of the body is read
            self.counts["unauthorised"] += 1
            self._refused(None, "position_refused.login", 1)
            return _done()
        try:
            messages = read(await _body(request))
        except OwntracksError as error:
            messages = [error]
        heard_ms = self._clock.now_ms()
        fixes = []
        refused: Counter[str] = Counter()  # a message has room for a thousand, and is told once
        for message in messages:
            if isinstance(message, Fix):
                fixes.append(message)
            elif isinstance(message, OwntracksError):
                refused[message.key] += 1
            else:
                self.counts["passed"] += 1
        self.counts["refused"] += refused.total()
        for why, count in refused.items():
            self._refused(key, why, count)
        reports = [
            (key, fix.latitude, fix.longitude, fix.accuracy_m, fix.told_ms, fix.made_ms, fix.is_ping, heard_ms)
            for fix in newest(fixes)
        ]
        if reports:
            self.counts.update(await self._taken(reports))
        return _done()

    async def _whose(self, request: Request) -> str | None:
        """Return whose phone it proves to be, or None. Raises: StoreFailing."""
        user, token = shown(request)
        digest = sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        for oldest_s in (_TOKENS_S, _TOKENS_ANEW_S):
            tokens = await self._known(oldest_s)
            if hmac.compare_digest(tokens.get(user, "-").encode(), digest.encode()):
                return user
        return None

    async def _known(self, oldest_s: float) -> Mapping[str, str]:
        async with self._reading:
            if time.monotonic() - self._tokens_at > oldest_s:
                self._tokens = await asyncio.to_thread(self._ask_tokens)
                self._tokens_at = time.monotonic()
            return self._tokens

    async def _taken(self, reports: Sequence[Report]) -> Sequence[str]:
        """Have them stored, together with what other phones say at the moment. Raises: StoreFailing."""
        if sum(len(waiting) for waiting, _ in self._queue) > _WAITING:
            raise TimeoutError
        answer: asyncio.Future[Sequence[str]] = asyncio.get_running_loop().create_future()
        self._queue.append((reports, answer))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all())
        return await answer

    async def _ask_all(self) -> None:
        while self._queue:
            await asyncio.sleep(_GATHER_S)
            together: list[tuple[Sequence[Report], asyncio.Future[Sequence[str]]]] = []
            while self._queue and sum(len(each) for each, _ in together) < _AT_ONCE:
                together.append(self._queue.pop(0))
            waited = [(reports, answer) for reports, answer in together if not answer.done()]
            try:
                found = await asyncio.to_thread(self._ask, [each for reports, _ in waited for each in reports])
            except Exception as error:
                for _, answer in waited:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for reports, answer in waited:
                mine, found = found[: len(reports)], found[len(reports) :]
                if not answer.done():
                    answer.set_result(mine)


def shown(request: Request) -> tuple[str, str]:
    """Return the name and the key that a request shows: HTTP Basic; or a bearer token, and the name as `X-Limit-U` or
    `?u=`. Phones begin names with a capital."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        user = request.headers.get("x-limit-u") or request.query_params.get("u") or ""
        return user.strip().lower(), value
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, token = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return user.strip().lower(), token.strip()


async def _body(request: Request) -> bytes:
    """Raises: OwntracksError for one that is too large."""
    body = await body_within(request, LARGEST)
    if body is None:
        raise OwntracksError("owntracks.size", most=LARGEST)
    return body


def _done() -> JSONResponse:
    """Return what the app wants to hear: a list of messages for it."""
    return JSONResponse([])
