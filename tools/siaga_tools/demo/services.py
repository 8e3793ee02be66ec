"""The processes beside the buttons: the embedded broker and the gateway, each started, awaited and checked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from siaga_tools.demo.observers import ready_line
from siaga_tools.messages import Trouble
from siaga_tools.process.child import Child, ending
from siaga_tools.process.slow_machine import patient

BROKER_DEADLINE_S: Final = 10.0
GATEWAY_DEADLINE_S: Final = 60.0
_COMPLAINT: Final = re.compile(r"\S+ \S+ (?:WARNING|ERROR|CRITICAL) \S+: (.+)")
_WITH_PARENT_WATCH: Final = (sys.executable, "-P", "-m", "siaga_tools.process.parent_watch")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def choose_port(wanted: int | None, option: str) -> int:
    """Return the requested port if it is free, or a free one. Raises Trouble (`port_wrong`, `port_busy`)."""
    if wanted is None:
        return free_port()
    if not 1024 <= wanted <= 65535:
        raise Trouble("port_wrong", option=option, port=wanted)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise Trouble("port_busy", port=wanted, option=option) from error
    return wanted


def children_environ() -> dict[str, str]:
    """Return this process's environment without what would override the demo gateway's settings file."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SIAGA_GATEWAY__")}


async def start_broker(port: int) -> Child:
    """Start the broker; returns once it accepts connections. Raises Trouble (`broker_ended`, `broker_silent`)."""
    child = await Child.start(
        "broker", [*_WITH_PARENT_WATCH, "broker", str(port)], on_line=lambda line: None, environ=children_environ()
    )
    try:
        async with asyncio.timeout(patient(BROKER_DEADLINE_S)):
            while not await _accepts(port):
                if not child.running:
                    raise Trouble("broker_ended", code=ending(await child.ended()), why=child.last_words())
                await asyncio.sleep(0.02)
    except TimeoutError:
        await child.stop()
        raise Trouble("broker_silent", port=port, seconds=f"{patient(BROKER_DEADLINE_S):g}") from None
    except BaseException:
        await child.stop()
        raise
    return child


async def start_gateway(settings: Path, log: Path, on_complaint: Callable[[str], None]) -> tuple[Child, str]:
    """Start `siaga gateway run`; returns it and its console's address once it is ready.

    log: file that keeps its standard error
    on_complaint: called with what is above INFO there, without time and origin

    Raises Trouble (`gateway_ended`, `gateway_silent`).
    """
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def line(text: str) -> None:
        url = ready_line(text)
        if url is not None and not told.done():
            told.set_result(url)

    def kept(text: str) -> None:
        with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
        if found := _COMPLAINT.match(text):
            on_complaint(found[1])

    child = await Child.start(
        "gateway",
        [*_WITH_PARENT_WATCH, "gateway", "run", "--config", str(settings)],
        on_line=line,
        on_complaint=kept,
        environ=children_environ(),
    )
    ended = asyncio.ensure_future(child.ended())
    try:
        await asyncio.wait((told, ended), timeout=patient(GATEWAY_DEADLINE_S), return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            return child, told.result()
        if ended.done():
            raise Trouble("gateway_ended", code=ending(ended.result()), why=child.last_words())
        raise Trouble("gateway_silent", seconds=f"{patient(GATEWAY_DEADLINE_S):g}", why=child.last_words())
    except BaseException:
        await child.stop()
        raise
    finally:
        ended.cancel()


async def _accepts(port: int) -> bool:
    try:
        async with asyncio.timeout(0.5):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
