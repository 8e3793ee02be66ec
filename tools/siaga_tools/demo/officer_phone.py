"""The phone of an officer of the demo: he answers on the page behind his message, which then tells where he is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

import httpx

from siaga_tools.demo.invented_town import Point
from siaga_tools.demo.ntfy_server import PhoneMessage
from siaga_tools.process.slow_machine import patient

_TIMEOUT_S: Final = 5.0
_ACCURACY_M: Final = "8"


class OfficerPhone:
    """One call on his phone. Blocking methods raise HTTPError: nothing answers, or the step was refused."""

    def __init__(self, message: PhoneMessage) -> None:
        self._link = message.click
        self._accept = message.answers[0]
        parts = urlsplit(message.click)
        # trust_env: no proxy from the environment on loopback. Who has an origin is a browser, and gets its cookie.
        self._browser = httpx.Client(
            timeout=patient(_TIMEOUT_S), trust_env=False, headers={"origin": f"{parts.scheme}://{parts.netloc}"}
        )

    def accept(self, minutes: int) -> None:
        """Say that he comes; again: that he comes sooner or later."""
        self._post(self._accept, {"minutes": str(minutes)})

    def arrived(self) -> None:
        self._post(f"{self._link}/arrived", {})

    def is_at(self, place: Point) -> None:
        """place: longitude and latitude, degrees."""
        longitude, latitude = place
        told = {"latitude": f"{latitude:.6f}", "longitude": f"{longitude:.6f}", "accuracy": _ACCURACY_M, "age": "0"}
        self._post(f"{self._link}/position/share", told)

    def close(self) -> None:
        self._browser.close()

    def _post(self, url: str, form: dict[str, str]) -> None:
        answer = self._browser.post(url, data=form)
        if answer.is_error:
            answer.raise_for_status()


def along(route: Sequence[Point], count: int) -> Iterator[Point]:
    """Give `count` places at even distances along a route, with its beginning and its end. count: 2 or more.

    A route of a few kilometres: degrees are taken as if they were as long in both directions.
    """
    legs = list(pairwise(route))
    lengths = [((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2) ** 0.5 for a, b in legs]
    for at in range(count):
        rest = sum(lengths) * at / (count - 1)
        for (a, b), length in zip(legs, lengths, strict=True):
            if rest <= length:
                yield a[0] + (b[0] - a[0]) * rest / length, a[1] + (b[1] - a[1]) * rest / length
                break
            rest -= length
        else:
            yield route[-1]


class Phones:
    """The messages of the story's officers, each until it is answered."""

    def __init__(self) -> None:
        self._messages: list[tuple[str, PhoneMessage]] = []
        self._news = asyncio.Event()

    def told(self, who: str, message: PhoneMessage) -> None:
        """Take a message. who: a responder's key."""
        if message.answers:
            self._messages.append((who, message))
            self._news.set()

    def mark(self) -> int:
        """Return a place in the stream of messages: `ring` sees only later ones."""
        return len(self._messages)

    async def ring(self, who: str, after: int, deadline_s: float) -> OfficerPhone | None:
        """Wait until this officer is called, and return his phone; None at the deadline."""
        try:
            async with asyncio.timeout(deadline_s):
                while True:
                    for name, message in self._messages[after:]:
                        if name == who:
                            return OfficerPhone(message)
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
