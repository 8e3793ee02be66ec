"""A patrol that moves: its phone posts to the gateway where it is, as OwnTracks does in its mode HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import time
from decimal import Decimal
from typing import Final

import httpx

from siaga_tools.demo.site import MIDDLE
from siaga_tools.demo.stations import PATROL

EVERY_S: Final = 5.0
_RADIUS_M: Final = 900  # it drives around the middle of the town
_LAP_S: Final = 600
_M_PER_DEGREE: Final = 111_195
_TIMEOUT: Final = httpx.Timeout(5.0)


def place(at_s: float) -> tuple[Decimal, Decimal]:
    """Return latitude and longitude, degrees."""
    turn = math.tau * (at_s % _LAP_S) / _LAP_S
    latitude, longitude = MIDDLE
    north, east = (_RADIUS_M * part / _M_PER_DEGREE for part in (math.cos(turn), math.sin(turn)))
    return round(Decimal(latitude + north), 6), round(Decimal(longitude + east / math.cos(math.radians(latitude))), 6)


class Patrol:
    """token: what lets its phone in."""

    def __init__(self, url: str) -> None:
        """url: of the gateway's door for OwnTracks."""
        self.token = secrets.token_urlsafe(18)
        self._url = url

    async def drive(self) -> None:
        """Post for ever. A post that fails is the next one's: only the newest place matters."""
        while True:
            with contextlib.suppress(httpx.HTTPError):
                await asyncio.to_thread(self.post, time.time())
            await asyncio.sleep(EVERY_S)

    def post(self, at_s: float) -> None:
        """Raises: HTTPError."""
        latitude, longitude = place(at_s)
        told = {"_type": "location", "lat": float(latitude), "lon": float(longitude), "acc": 8, "tst": int(at_s)}
        # trust_env: no proxy from the environment on loopback.
        answer = httpx.post(self._url, json=told, auth=(PATROL.key, self.token), timeout=_TIMEOUT, trust_env=False)
        answer.raise_for_status()
