"""What the two live views have in common: the demo, its control socket, and what a typed line leads to."""

from __future__ import annotations

import asyncio
from typing import Any

from siaga_tools.demo.board import Board
from siaga_tools.demo.commands import Command, Verb, read_command
from siaga_tools.demo.control import ControlSocket
from siaga_tools.demo.run import Demo, DemoOptions
from siaga_tools.demo.trail import Trail
from siaga_tools.words import Trouble


class LiveDemo:
    """A demo that goes on until it is told to end: by its view, by `siaga demo quit`, or by a trouble."""

    def __init__(self, options: DemoOptions) -> None:
        self.demo = Demo(options)
        self.quit = asyncio.Event()
        self._socket = ControlSocket(self._answer)

    @property
    def board(self) -> Board:
        return self.demo.board

    async def start(self) -> None:
        """Raises Trouble."""
        await self._socket.open()
        await self.demo.start()

    async def stop(self) -> None:
        await self.demo.stop()
        await self._socket.close()

    async def ended(self) -> None:
        """Wait until somebody quits. Raises the trouble after which the demo cannot go on."""
        quitting = asyncio.ensure_future(self.quit.wait())
        try:
            await asyncio.wait((quitting, self.demo.stage.failed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            quitting.cancel()
        if self.demo.stage.failed.done():
            raise self.demo.stage.failed.result()

    async def obey(self, command: Command) -> Trail | None:
        """Raises Trouble."""
        return await self.demo.obey(command)

    async def _answer(self, line: str) -> dict[str, Any]:
        """One command from another terminal: done, and for a press followed to its end."""
        command = read_command(line)
        if command is None or command.verb in (Verb.HELP, Verb.LANGUAGE):
            raise Trouble("command_unknown", word=line)
        if command.verb is Verb.QUIT:
            self.quit.set()
            return {}
        trail = await self.demo.obey(command)
        if trail is None:
            return {}
        await self.demo.follow(trail)
        return trail.facts()
