"""A password from whoever sits there, or from a pipe."""

from __future__ import annotations

import os
import sys

import click

from siaga_gateway.cli.localized_commands import say
from siaga_gateway.domain.limits import SHORTEST_PASSWORD


def typed_password() -> str:
    """Ask for it twice, without showing it; from a pipe, take its first line. Raises: click.ClickException."""
    if sys.stdin.isatty():
        asked = say("setup.password")
        password: str = click.prompt(
            asked, value_proc=_long_enough, hide_input=True, confirmation_prompt=True, err=True
        )
        return password
    return _long_enough(_first_line().rstrip("\n"))


def _first_line() -> str:
    """Byte by byte, where that can be: what follows belongs to the next command that reads there."""
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError):  # a test's
        return sys.stdin.readline()
    line = bytearray()
    while (byte := os.read(descriptor, 1)) not in (b"", b"\n"):
        line += byte
    return line.decode("utf-8", errors="replace")


def _long_enough(password: str) -> str:
    """Raises: click.ClickException, before it is typed again."""
    if len(password) < SHORTEST_PASSWORD:
        raise click.ClickException(say("setup.password_short"))
    return password
