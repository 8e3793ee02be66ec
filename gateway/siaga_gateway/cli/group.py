"""`siaga gateway`: everything that an administrator, a registrar or an operator types."""

from __future__ import annotations

from typing import Final

import click

from siaga_gateway.cli.lazy_commands import LazyCommands, LazyGroup

_CLI: Final = "siaga_gateway.cli"
_PLACES: Final = {
    "run": f"{_CLI}.run:run",
    "init": f"{_CLI}.setup:init",
    "setup": f"{_CLI}.put_into_service:setup",
    "doctor": f"{_CLI}.doctor:doctor",
    "key": f"{_CLI}.setup:key",
    "settings": f"{_CLI}.setup:show_settings",
    "webhook-secret": f"{_CLI}.setup:webhook_secret",
    "account": f"{_CLI}.accounts:account",
    "token": f"{_CLI}.tokens:token",
    "operator-hash": f"{_CLI}.setup:operator_hash",
    "owner": f"{_CLI}.personal_data:owner",
    "enrol": f"{_CLI}.registry:enrol",
    "expire": f"{_CLI}.csv_lists:expire",
    "devices": f"{_CLI}.registry:devices",
    "state": f"{_CLI}.registry:state",
    "place": f"{_CLI}.mounting_place:place",
    "stations": f"{_CLI}.places:stations",
    "areas": f"{_CLI}.places:areas",
    "places": f"{_CLI}.places:places",
    "responders": f"{_CLI}.responders:responders",
    "shifts": f"{_CLI}.responders:shifts",
    "drill": f"{_CLI}.drills:drill",
    "quarantine": f"{_CLI}.registry:quarantine",
    "broker-config": f"{_CLI}.broker:broker_config",
    "broker-sync": f"{_CLI}.broker:broker_sync",
    "broker-door": f"{_CLI}.broker:broker_door",
    "command": f"{_CLI}.device_commands:command",
    "commands": f"{_CLI}.device_commands:list_commands",
    "sim": f"{_CLI}.sim_cards:sim",
    "checkin": f"{_CLI}.maintenance:checkin",
    "maintenance": f"{_CLI}.maintenance:maintenance",
    "log": f"{_CLI}.inspect_store:log",
    "certificates": f"{_CLI}.certificates:certificates",
    "incidents": f"{_CLI}.inspect_store:incidents",
    "frame": f"{_CLI}.frames:frame",
    "figures": f"{_CLI}.figures:figures",
    "outbox": f"{_CLI}.inspect_store:outbox",
    "output": f"{_CLI}.output_test:output",
    "way": f"{_CLI}.way_test:way",
    "audit": f"{_CLI}.audit:audit",
    "backup": f"{_CLI}.backup:backup",
    "restore": f"{_CLI}.backup:restore",
    "rescue": f"{_CLI}.rescue_store:rescue",
    "move-store": f"{_CLI}.move_store:move_store",
    "standby": f"{_CLI}.standby:standby",
    "retention": f"{_CLI}.personal_data:retention",
    "personal-key": f"{_CLI}.personal_data:personal_key",
}


@click.group(cls=LazyGroup, commands=LazyCommands(_PLACES))
def gateway() -> None:
    pass
