"""For the administrator: commands to devices, given, looked at and withdrawn."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.catalogue import clock_time
from siaga_gateway.commands.shared import DeviceId, by_option, config_option, opened, told_plainly
from siaga_gateway.domain.command import EXPIRES_MS, OPEN, Command, CommandError
from siaga_gateway.domain.frame import CommandCode
from siaga_gateway.service.commands import Commander

_DAY_MS = 86_400_000
_CODES = {code.name.lower(): code for code in CommandCode}


@click.command()
@config_option
@click.argument("device_id", type=DeviceId())
@click.argument("what", type=click.Choice([*_CODES, "withdraw"]))
@click.argument("argument", required=False)
@click.option(
    "--days",
    type=click.FloatRange(0, 365, min_open=True),
    default=EXPIRES_MS / _DAY_MS,
    show_default=True,
    help="How long it is sent, at most.",
)
@by_option
@told_plainly
def command(config: Path, device_id: bytes, what: str, argument: str | None, days: float, actor: str) -> None:
    """Tell a button what to do: locate, test, restart, settings '{"hold_ms": 3000}', update URL.

    A running gateway sends it at once and again until the button answers; `withdraw NUMBER` sends it no more. Commands
    are signed, not secret.
    """
    with opened(config) as (_, store):
        commander = Commander(store, WallClock())
        if what == "withdraw":
            withdrawn = commander.withdraw(device_id, _number(argument), actor=actor)
            click.echo(f"{withdrawn.down_counter} {withdrawn.state}")
            return
        expires_ms = max(1, round(days * _DAY_MS))
        asked = commander.ask(device_id, _CODES[what], argument, actor=actor, expires_ms=expires_ms)
    click.echo(f"{asked.down_counter} {asked.state}, until {clock_time(asked.expires_ms, date=True)}")


def _number(argument: str | None) -> int:
    if argument is None or not argument.isdecimal():
        raise CommandError("withdraw needs the command's number, as `siaga gateway commands` shows it")
    return int(argument)


@click.command(name="commands")
@config_option
@click.argument("device_id", type=DeviceId(), required=False)
@click.option("--last", "-n", type=click.IntRange(1, 10_000), default=50, show_default=True)
@told_plainly
def list_commands(config: Path, device_id: bytes | None, last: int) -> None:
    """Commands and what became of them, the newest first; of one device or of all."""
    with opened(config) as (_, store):
        found = store.commands(device_id, last)
        if not found:
            click.echo("no command was given yet")
        for each in found:
            click.echo(_line(each))


def _line(command: Command) -> str:
    parts = [
        command.device_id.hex(),
        f"{command.down_counter:>10}",
        f"{command.state:<9}",
        _told(command),
        f"asked {clock_time(command.asked_ms, date=True)} by {command.asked_by}",
    ]
    if command.sent_ms is not None:
        times = "once" if command.attempts == 1 else f"{command.attempts} times"
        parts.append(f"sent {times}, last {clock_time(command.sent_ms, date=True)}")
    if command.closed_ms is not None:
        parts.append(f"{command.state} {clock_time(command.closed_ms, date=True)}")
    elif command.state in OPEN:
        parts.append(f"until {clock_time(command.expires_ms, date=True)}")
    return "  ".join(parts)


def _told(command: Command) -> str:
    """The command with as much of its arguments as may be seen: settings and addresses can hold secrets."""
    match command.code:
        case CommandCode.SETTINGS:
            return f"settings {', '.join(json.loads(command.arguments))}"
        case CommandCode.UPDATE:
            parts = urlsplit(command.arguments.decode("ascii"))
            return f"update {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        case _:
            return command.name
