"""`siaga gateway`: everything that an administrator, a registrar or an operator types."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from siaga_gateway.commands import audit, look, maintenance, personal, registrations, registry, setup
from siaga_gateway.commands import command as to_devices
from siaga_gateway.commands.shared import config_option, told_plainly


@click.group()
def gateway() -> None:
    """Run and look after the gateway."""


@gateway.command()
@config_option
@told_plainly
def run(config: Path) -> None:
    """Take presses until told to stop (Ctrl-C, SIGTERM). Prints one JSON line when it is ready."""
    from siaga_gateway.main import StartError, serve

    try:
        serve(config)
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
    to_devices.command,
    to_devices.list_commands,
    maintenance.checkin,
    maintenance.maintenance,
    look.log,
    look.incidents,
    look.outbox,
    audit.audit,
    personal.retention,
    personal.personal_key,
):
    gateway.add_command(each)
