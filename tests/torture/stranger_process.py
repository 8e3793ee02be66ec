"""A stranger at a listener, in a process of its own: many connections that want nothing, or many sign-ins at once.

Told by JSON what he does, `how`: "idle", "heads" (in drips), "endless" (a head without end), "bodies" (that do not
come), "unread" (a large file is asked for, not read), "guess" (passwords of `names`, each from another address that a
proxy tells). Whoever is cut off comes back. Prints, as JSON, what became of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

_PAUSE_S: Final = 0.05
_MOST_S: Final = 300.0  # past its time
LARGE: Final = "/static/vendor/maplibre-gl/maplibre-gl.mjs"


@dataclass(frozen=True)
class Knock:
    """count: connections at once. names: of "guess"; "*": ever new ones. least: it goes on past its time until it has
    connected, or was answered a guess, so often: a busy machine would hardly have begun."""

    how: str
    port: int
    count: int
    seconds: float
    names: tuple[str, ...] = ("*",)
    least: int = 0


def command(knock: Knock) -> list[str]:
    return [sys.executable, str(Path(__file__).resolve()), json.dumps(asdict(knock))]


async def _knock(knock: Knock, chance: random.Random, found: Counter[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", knock.port)
    found["connections"] += 1
    try:
        match knock.how:
            case "idle":
                await reader.read()
            case "heads":
                writer.write(b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n")
                while not writer.is_closing():
                    writer.write(b"X: y\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.5)
            case "endless":
                writer.write(b"GET /sign-in HTTP/1.1\r\nX: ")
                while not writer.is_closing():
                    writer.write(b"x" * 16_384)
                    await writer.drain()
                    await asyncio.sleep(0.01)
            case "bodies":
                writer.write(b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nname=")
                await reader.read()
            case "unread":
                request = f"GET {LARGE} HTTP/1.1\r\nHost: 127.0.0.1:{knock.port}\r\n\r\n"
                writer.write(request.encode())
                await asyncio.sleep(knock.seconds)
            case "guess":
                await _guess(reader, writer, knock, chance, found)
    finally:
        writer.transport.abort()
    found["cut"] += 1


async def _guess(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    knock: Knock,
    chance: random.Random,
    found: Counter[str],
) -> None:
    name = chance.choice(knock.names)
    told = f"Nobody {chance.random()}" if name == "*" else name
    body = urlencode({"name": told, "password": f"guess {chance.random()}"})
    host = f"127.0.0.1:{knock.port}"
    address = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
    head = (
        f"POST /sign-in HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nX-Forwarded-For: {address}\r\n"
        f"Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write((head + body).encode())
    status = (await reader.readline()).split()
    found[f"{name} {status[1].decode()}" if len(status) > 1 else "unanswered"] += 1


async def _again_and_again(knock: Knock, seed: int, found: Counter[str]) -> None:
    chance = random.Random(seed)
    while True:
        with contextlib.suppress(OSError):
            await _knock(knock, chance, found)
        await asyncio.sleep(_PAUSE_S)


async def run(knock: Knock) -> Counter[str]:
    found: Counter[str] = Counter()
    knocking = asyncio.gather(*(_again_and_again(knock, number, found) for number in range(knock.count)))
    begun = time.monotonic()
    try:
        while (past_s := time.monotonic() - begun - knock.seconds) < 0 or (
            _times(knock, found) < knock.least and past_s < _MOST_S
        ):
            await asyncio.wait([knocking], timeout=max(_PAUSE_S, -past_s))
            if knocking.done():
                knocking.result()  # which is what it failed with
        return Counter(found)
    finally:
        knocking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await knocking


def _times(knock: Knock, found: Counter[str]) -> int:
    if knock.how != "guess":
        return found["connections"]
    return sum(count for what, count in found.items() if what not in ("connections", "cut"))


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    print(json.dumps(asyncio.run(run(Knock(**{**told, "names": tuple(told["names"])})))), flush=True)
