"""Whether the gateway behind a broker may be loaded at all: one in earnest sends what it stores to the police."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from siaga_tools.load.link import Broker, Link, NotAllowed, Refused
from siaga_tools.words import Trouble

_TOPIC: Final = "siaga/v1/gateway/+/mode"
_EARNEST: Final = "actual"


async def modes(broker: Broker, client_id: str, within_s: float) -> dict[str, str]:
    """What the gateways behind the broker say of themselves, by name; empty where none says anything, or nothing that
    we may read. Raises Trouble where the broker does not answer or does not let us in."""
    heard: dict[str, str] = {}
    up, some = asyncio.Event(), asyncio.Event()

    def hear(topic: str, payload: bytes, _now: float) -> None:
        heard[topic.split("/")[3]] = payload.decode("utf-8", "replace")
        some.set()

    link = Link(broker, client_id, [_TOPIC], hear, lambda _link: up.set())
    keeping = asyncio.create_task(link.keep(asyncio.Semaphore(1)))
    coming = asyncio.create_task(up.wait())
    try:
        await asyncio.wait((keeping, coming), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            try:
                keeping.result()
            except NotAllowed:
                return heard
            except Refused as error:
                raise Trouble("bench_broker_refuses", why=error) from error
        if not up.is_set():
            raise Trouble("bench_broker_silent", up=0, wanted=1, seconds=round(within_s))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await some.wait()
                await asyncio.sleep(0.2)  # retained messages of further gateways come with the first
    finally:
        for task in (keeping, coming):
            task.cancel()
        await asyncio.gather(keeping, coming, return_exceptions=True)
    return heard


async def ensure_exercise(broker: Broker, client_id: str, within_s: float = 5.0) -> None:
    """Return where every gateway behind the broker is one for exercises. Raises Trouble otherwise."""
    found = await modes(broker, client_id, within_s)
    if not found:
        raise Trouble("bench_mode_unknown", topic=_TOPIC)
    earnest = sorted(name for name, mode in found.items() if mode == _EARNEST)
    if earnest:
        raise Trouble("bench_in_earnest", names=", ".join(earnest))
