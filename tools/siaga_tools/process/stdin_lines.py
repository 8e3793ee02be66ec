"""Standard input as lines, without blocking the event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator


async def typed_lines() -> AsyncIterator[str]:
    """Yield each line of standard input, from a terminal, a pipe or a file, until it ends."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        # A thread that nobody stops: a terminal read cannot be cancelled. It holds nothing and is a daemon.
        buffer = b""
        while True:
            try:
                piece = os.read(0, 4096)
            except OSError:
                piece = b""
            *whole, buffer = (buffer + piece).split(b"\n")
            try:
                for line in whole if piece or not buffer else [*whole, buffer]:
                    loop.call_soon_threadsafe(lines.put_nowait, line.decode("utf-8", errors="replace"))
                if not piece:
                    loop.call_soon_threadsafe(lines.put_nowait, None)
                    return
            except RuntimeError:  # the loop is closed
                return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line
