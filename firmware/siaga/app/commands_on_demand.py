"""Loads the code for commands and updates with the first one: a start does not need it."""

import asyncio
import os
import sys


class CommandsOnDemand:
    """Stands in for the commands until they are loaded.

    load(): makes command_actions.py's object
    keep(name, start): runs a task for ever
    tasks: those to run once it is loaded
    """

    def __init__(self, folder: str, load: "Load", keep: "Keep") -> None:
        self._folder = folder
        self._load = load
        self._keep = keep
        self._actions: "CommandActions | None" = None
        self.tasks: "list[asyncio.Task[None]]" = []

    @property
    def is_busy(self) -> bool:
        """Return whether the chip must stay awake."""
        return self._actions is not None and self._actions.is_busy

    @property
    def is_locating(self) -> bool:
        """Return whether a command wants a position."""
        return self._actions is not None and self._actions.is_locating

    def on_command(self, down: "Down") -> None:
        """Accept a verified command."""
        self._loaded().on_command(down)

    def resume(self) -> None:
        """Resume what an earlier run left pending: a command, or a firmware trial or its outcome."""
        loader = sys.modules.get("siaga_boot")
        tried = loader is not None and loader.boot is not None and loader.boot.has_news()
        if tried or any(item[0].startswith("command-") for item in os.ilistdir(self._folder)):
            self._loaded()

    def _loaded(self) -> "CommandActions":
        if self._actions is None:
            self._actions = self._load()
            for name, start in self._actions.tasks:
                self.tasks.append(asyncio.create_task(self._keep(name, start)))
        return self._actions


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from siaga.app.command_actions import CommandActions
    from siaga.core.frame import Down

    Load = Callable[[], CommandActions]
    Start = Callable[[], Awaitable[None]]
    Keep = Callable[[str, Start], Coroutine[Any, Any, None]]
