"""Imports commands only when they are called: printing the gateway's key does not load a web server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module

import click

from siaga_gateway.bootstrap.quick_imports import quick_imports
from siaga_gateway.cli.localized_commands import LocalizedGroup


class CommandUnloadable(ImportError):  # Not a SiagaError: `siaga` makes a Trouble of it.
    """A command's module, or a package that it needs, cannot be imported."""


class LazyCommands(MutableMapping[str, click.Command]):
    """A group's commands by name, imported when looked up. Raises: CommandUnloadable if that fails."""

    def __init__(self, places: Mapping[str, str]) -> None:
        """places: `module:attribute` by the command's name."""
        self._places = places
        self._commands: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._commands:
            module, _, attribute = self._places[name].partition(":")
            try:
                with quick_imports():
                    self._commands[name] = getattr(import_module(module), attribute)
            except ImportError as error:
                raise CommandUnloadable(str(error), name=error.name) from error
        return self._commands[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        raise TypeError("a command cannot be removed")

    def __iter__(self) -> Iterator[str]:
        return iter({**self._places, **self._commands})

    def __len__(self) -> int:
        return len({**self._places, **self._commands})


class LazyGroup(LocalizedGroup):
    """A group of such commands. Listing them imports none: their help is in the catalogue."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        outline = LocalizedGroup(self.name, commands={name: click.Command(name) for name in self.commands})
        outline.format_commands(ctx, formatter)
