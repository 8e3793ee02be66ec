"""The part of the demo that is called for help: stations and officers, what they are told, and who of them answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.service.ports import JournalEntry
from siaga_tools.demo.answering import Answering
from siaga_tools.demo.district import set_up
from siaga_tools.demo.ntfy_server import NtfyServer, PhoneMessage
from siaga_tools.demo.officer_phone import Phones
from siaga_tools.demo.patrol import Patrol
from siaga_tools.demo.run_state import RunState
from siaga_tools.demo.services import free_port
from siaga_tools.demo.stations import NAMES, RESPONDERS, STATIONS, key_of


class DemoDispatch:
    """Listens for messages from its making on, until `close`."""

    def __init__(self, stage: RunState, *, answers: bool) -> None:
        """answers: whether operator and officers answer by themselves."""
        self._stage = stage
        self._server = NtfyServer(lambda message: stage.soon(self._message_told, message))
        self._page_port, self._positions_port = free_port(), free_port()
        self._patrol = Patrol(f"http://127.0.0.1:{self._positions_port}/owntracks")
        self.phones = Phones()
        self._answering = Answering(stage, lambda: stage.board.console_url) if answers else None

    def settings(self) -> str:
        """Return the sections of the gateway's settings."""
        return f"""\
[[ways]]
name = "ntfy"
kind = "ntfy"
url = "{self._server.url}"
burst = 1000

[responder_page]
port = {self._page_port}
public_url = "http://127.0.0.1:{self._page_port}"

[owntracks]
port = {self._positions_port}
"""

    async def set_up(self, store: SqlStore, language: str) -> None:
        """Make the running gateway know stations and officers, and let the patrol drive. Raises: Trouble."""
        await asyncio.to_thread(set_up, store, language, self._patrol.token)
        self._stage.spawn(self._patrol.drive())
        self._stage.say("district", stations=len(STATIONS), responders=len(RESPONDERS))

    @contextmanager
    def story(self) -> Iterator[Phones]:
        """Have nobody answer by himself meanwhile. Gives the phones."""
        if self._answering is not None:
            self._answering.resting = True
        try:
            yield self.phones
        finally:
            if self._answering is not None:
                self._answering.resting = False

    def journal_told(self, entry: JournalEntry) -> None:
        if self._answering is not None:
            self._answering.journal_told(entry)

    def _message_told(self, message: PhoneMessage) -> None:
        key = key_of(message.topic)
        self._stage.board.message_told(NAMES.get(key, message.topic), message.title, message.at_ms)
        self.phones.told(key, message)
        if self._answering is not None and not self._stage.stopping:
            self._answering.message_told(message)

    def close(self) -> None:
        self._server.close()
