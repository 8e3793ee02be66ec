"""For the administrator: commands to devices, issued, listed and withdrawn."""

from __future__ import annotations

from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.cli.common import DeviceId, by_option, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import say, tell
from siaga_gateway.domain.device_command import EXPIRES_MS, OPEN, Command, CommandError
from siaga_gateway.domain.frame import CommandCode
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.downlink.device_commands import CommandIssuer

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
)
@by_option
@told_plainly
def command(config: Path, device_id: bytes, what: str, argument: str | None, days: float, actor: str) -> None:
    with opened(config) as (settings, store):
        commander = CommandIssuer(store, WallClock())
        if what == "withdraw":
            withdrawn = commander.withdraw(device_id, _number(argument), actor=actor)
            click.echo(f"{withdrawn.down_counter} {withdrawn.state}")
            return
        expires_ms = max(1, round(days * _DAY_MS))
        asked = commander.ask(device_id, _CODES[what], argument, actor=actor, expires_ms=expires_ms)
    until = settings.local.moment(asked.expires_ms)
    tell("command.asked", number=asked.down_counter, state=asked.state, until=until)


def _number(argument: str | None) -> int:
    if argument is None or not argument.isdecimal():
        raise CommandError("command.which")
    return int(argument)


@click.command(name="commands")
@config_option
@click.argument("device_id", type=DeviceId(), required=False)
@click.option("--last", "-n", type=click.IntRange(1, 10_000), default=50, show_default=True)
@told_plainly
def list_commands(config: Path, device_id: bytes | None, last: int) -> None:
    with opened(config) as (settings, store):
        found = store.commands(device_id, last)
        if not found:
            tell("command.none")
        for each in found:
            click.echo(_line(each, settings.local))


def _line(command: Command, local: LocalTime) -> str:
    parts = [
        command.device_id.hex(),
        f"{command.down_counter:>10}",
        f"{command.state:<9}",
        command.shown,
        say("command.by", time=local.moment(command.asked_ms), who=command.asked_by),
    ]
    if command.sent_ms is not None:
        last = local.moment(command.sent_ms)
        once = command.attempts == 1
        parts.append(
            say("command.sent_once", time=last) if once else say("command.sent", times=command.attempts, time=last)
        )
    if command.closed_ms is not None:
        parts.append(f"{command.state} {local.moment(command.closed_ms)}")
    elif command.state in OPEN:
        parts.append(say("command.until", time=local.moment(command.expires_ms)))
    return "  ".join(parts)
