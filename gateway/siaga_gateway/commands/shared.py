"""What the commands have in common: the settings, the store, and errors in one readable sentence."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, open_store, store_is_there
from siaga_gateway.config import Settings, SettingsError, load
from siaga_gateway.domain.command import CommandError
from siaga_gateway.domain.personal import PersonalKeyError
from siaga_gateway.domain.supervision import PROFILES
from siaga_gateway.service.broker_access import PasswordsUnusable
from siaga_gateway.service.enrol import EnrolError
from siaga_gateway.service.maintenance_desk import MaintenanceError
from siaga_gateway.service.retention import RetentionError
from siaga_gateway.service.store import StoreConflict, StoreFailing

_LONGEST_S = 604_800  # what a button's own setting allows
F = TypeVar("F", bound=Callable[..., Any])

config_option = click.option(
    "--config",
    "-c",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("siaga.toml"),
    envvar="SIAGA_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The settings file.",
)
by_option = click.option(
    "--by", "actor", required=True, envvar="SIAGA_REGISTRAR", show_envvar=True, help="Who does this, for the journal."
)


def told_plainly(command: F) -> F:
    """Every foreseen failure is one clear sentence on stderr and exit code 1."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except (
            SettingsError,
            PasswordsUnusable,
            StoreUnusable,
            StoreFailing,
            StoreConflict,
            EnrolError,
            CommandError,
            PersonalKeyError,
            RetentionError,
            MaintenanceError,
        ) as error:
            for line in str(error).splitlines():
                click.echo(f"siaga: {line}", err=True)
            sys.exit(1)

    return run  # type: ignore[return-value]


@contextmanager
def opened(config: Path) -> Iterator[tuple[Settings, SqlStore]]:
    """The settings and the store they name; also while the gateway runs."""
    settings = load(config)
    if not store_is_there(settings):
        raise StoreUnusable(f"there is no store in {settings.data_dir} yet; `siaga gateway init` makes one")
    store = open_store(settings, WallClock().now_ms())
    try:
        yield settings, store
    finally:
        store.close()


class DeviceId(click.ParamType[bytes]):
    """8 bytes as 16 hex digits."""

    name = "device_id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            device_id = bytes.fromhex(value)
        except ValueError:
            device_id = b""
        if len(device_id) != 8:
            self.fail(f"{value!r} is no device_id: 16 hex digits, as on the button's label", param, ctx)
        return device_id


class CheckIn(click.ParamType[int]):
    """How often a device checks in: the name of its profile, or seconds."""

    name = "checkin"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        seconds = PROFILES.get(value) or (int(value) if value.isdecimal() else 0)
        if not 10 <= seconds <= _LONGEST_S:
            self.fail(f"{value!r}: installed, ready, deep, or seconds from 10 to {_LONGEST_S}", param, ctx)
        return seconds
