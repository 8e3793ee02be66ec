"""Checks whether the gateway behind a broker may be loaded at all: a live one sends what it stores to the police."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from siaga_tools.load.connection import Broker, BrokerRefused, Connection, NotAllowed
from siaga_tools.messages import Trouble

_TOPIC: Final = "siaga/v1/gateway/+/mode"
_EARNEST: Final = "actual"


async def modes(broker: Broker, client_id: str, within_s: float) -> dict[str, str]:
    """Return the modes that the gateways behind the broker report, by name; empty if none reports, or nothing readable.
    Raises Trouble if the broker does not answer or refuses."""
    heard: dict[str, str] = {}
    up, some = asyncio.Event(), asyncio.Event()

    def hear(topic: str, payload: bytes, _now: float) -> None:
        heard[topic.split("/")[3]] = payload.decode("utf-8", "replace")
        some.set()

    link = Connection(broker, client_id, [_TOPIC], hear, lambda _link: up.set())
    keeping = asyncio.create_task(link.keep(asyncio.Semaphore(1)))
    coming = asyncio.create_task(up.wait())
    try:
        await asyncio.wait((keeping, coming), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            try:
                keeping.result()
            except NotAllowed:
                return heard
            except BrokerRefused as error:
                raise Trouble("load_broker_refuses", why=error) from error
        if not up.is_set():
            raise Trouble("load_broker_silent", up=0, wanted=1, seconds=round(within_s))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await some.wait()
                await asyncio.sleep(0.2)  # further gateways' retained messages come with the first
    finally:
        for task in (keeping, coming):
            task.cancel()
        await asyncio.gather(keeping, coming, return_exceptions=True)
    return heard


async def ensure_exercise(broker: Broker, client_id: str, within_s: float = 5.0) -> None:
    """Return if every gateway behind the broker is in exercise mode. Raises Trouble otherwise."""
    found = await modes(broker, client_id, within_s)
    if not found:
        raise Trouble("load_mode_unknown", topic=_TOPIC)
    earnest = sorted(name for name, mode in found.items() if mode == _EARNEST)
    if earnest:
        raise Trouble("load_in_earnest", names=", ".join(earnest))
