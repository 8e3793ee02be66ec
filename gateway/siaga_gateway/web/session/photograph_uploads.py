"""Photographs on their way in: a few at once and of each person, converted where nothing else of the page waits."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import Callable
from typing import Final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Request

from siaga_gateway.domain.limits import LARGEST_UPLOAD
from siaga_gateway.service.ports import ResponderRefused
from siaga_gateway.web.session.uploads import read_form

_MOST: Final = 8  # at once; the rest of the page goes on
_MOST_EACH: Final = 2  # of one person
_CONVERTED_AT_ONCE: Final = 2
_WAIT_S: Final = 30.0  # for those before it


class TooManyUploads(Exception):  # Not a SiagaError: the page answers it with 429.
    """Nothing of this one has been read."""


class Uploads:
    """For one event loop."""

    def __init__(self, converted: Callable[[bytes], bytes]) -> None:
        """converted: makes a small JPEG of what somebody uploads; blocking; may raise Refused."""
        self._converted = converted
        self._of: Counter[str] = Counter()
        self._turn = asyncio.Semaphore(_CONVERTED_AT_ONCE)

    async def taken(self, request: Request, who: str) -> str:
        """Read a photograph and return it as a small JPEG in Base64. Its place is free again once that is done. Raises:
        TooManyUploads, Refused."""
        if self._of.total() >= _MOST or self._of[who] >= _MOST_EACH:
            raise TooManyUploads
        self._of[who] += 1
        try:
            return base64.b64encode(await self._convert(await _read(request))).decode("ascii")
        finally:
            self._of[who] -= 1
            if not self._of[who]:
                del self._of[who]

    async def _convert(self, raw: bytes) -> bytes:
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._turn.acquire()
        except TimeoutError:
            raise ResponderRefused("responder.photo_busy") from None
        try:
            # Not counted with the threads that all pages share: it would keep acceptances waiting.
            return await run_sync(self._converted, raw, limiter=CapacityLimiter(1))
        finally:
            self._turn.release()


async def _read(request: Request) -> bytes:
    """Raises: UploadRefused."""
    file = (await read_form(request, largest=LARGEST_UPLOAD)).files.get("photo")
    return b"" if file is None else file.raw
