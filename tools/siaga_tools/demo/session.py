"""What the two live views share: the demo, its control socket, and the effect of a typed line."""

from __future__ import annotations

import asyncio
from typing import Any

from siaga_tools.demo.commands import Command, Verb, read_command
from siaga_tools.demo.control_socket import ControlSocket
from siaga_tools.demo.dashboard_state import DashboardState
from siaga_tools.demo.press_trace import PressTrace
from siaga_tools.demo.run import Demo, DemoOptions
from siaga_tools.messages import Trouble


class LiveDemo:
    """A demo that runs until it is ended: by its view, by `siaga demo quit`, or by a trouble."""

    def __init__(self, options: DemoOptions) -> None:
        self.demo = Demo(options)
        self.quit = asyncio.Event()
        self._socket = ControlSocket(self._answer)

    @property
    def board(self) -> DashboardState:
        return self.demo.board

    async def start(self) -> None:
        """Start it. Raises Trouble."""
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

    async def obey(self, command: Command) -> PressTrace | None:
        """Carry out a command. Returns a press's trace. Raises Trouble."""
        return await self.demo.obey(command)

    async def _answer(self, line: str) -> dict[str, Any]:
        """Carry out one command from another terminal; a press is followed to its end."""
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
