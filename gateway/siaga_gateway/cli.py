"""`siaga gateway`: everything that an administrator, a registrar or an operator types."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from siaga_gateway.commands import (
    audit,
    backup,
    broker,
    look,
    maintenance,
    moving,
    personal,
    registrations,
    registry,
    setup,
)
from siaga_gateway.commands import command as to_devices
from siaga_gateway.commands.shared import config_option, told_plainly


@click.group()
def gateway() -> None:
    """Run and look after the gateway."""


def _seat(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    number, _, of = value.partition("/")
    return int(number), int(of)


@gateway.command()
@config_option
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that take frames; in place of the setting.")
@click.option("--worker", "seat", hidden=True, callback=_seat, help="Which of them this is; the parent says so.")
@told_plainly
def run(config: Path, workers: int | None, seat: tuple[int, int] | None) -> None:
    """Take presses until told to stop (Ctrl-C, SIGTERM). Prints one JSON line when it is ready."""
    from siaga_gateway.main import StartError, serve, serve_as

    try:
        if seat is None:
            serve(config, workers)
        else:
            serve_as(config, *seat)
    except StartError as error:
        for line in str(error).splitlines():
            click.echo(f"siaga: {line}", err=True)
        sys.exit(1)


for each in (
    setup.init,
    setup.key,
    setup.show_settings,
    setup.webhook_secret,
    setup.operator_hash,
    registry.owner,
    registry.enrol,
    registrations.expire,
    registry.devices,
    registry.state,
    registry.quarantine,
    broker.broker_config,
    broker.broker_sync,
    broker.broker_door,
    to_devices.command,
    to_devices.list_commands,
    maintenance.checkin,
    maintenance.maintenance,
    look.log,
    look.incidents,
    look.outbox,
    audit.audit,
    backup.backup,
    backup.restore,
    moving.move_store,
    personal.retention,
    personal.personal_key,
):
    gateway.add_command(each)
