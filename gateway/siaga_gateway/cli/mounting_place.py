"""For the registrar: where a button is mounted, and a question about an unlikely place."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.built_in_land import BuiltInLand
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.common import DeviceId, by_option, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import complain, say, tell
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.installation_area import Place, in_degrees
from siaga_gateway.service.registry.enrol import PlaceDoubted
from siaga_gateway.service.registry.mounting_place import place_device
from siaga_gateway.service.registry.registration_list import position_of

T = TypeVar("T")


@click.command()
@config_option
@click.argument("device_id", type=DeviceId())
@click.option("--installed")
@click.option("--label")
@click.option("--address")
@click.option("--yes", is_flag=True)
@by_option
@told_plainly
def place(
    config: Path,
    device_id: bytes,
    installed: str | None,
    label: str | None,
    address: str | None,
    yes: bool,
    actor: str,
) -> None:
    if installed is None and label is None and address is None:
        raise click.UsageError(say("place.needed"))
    where = None if installed is None else position_of(installed)
    with opened(config) as (settings, store):
        alone = where is not None and uncompared(settings, store, device_id)

        def change(sure: bool) -> tuple[str, Place | None]:
            return place_device(
                store,
                WallClock(),
                device_id,
                actor=actor,
                label=label,
                installed=where,
                address=address,
                area=settings.area.area(),
                on_land=BuiltInLand(),
                sure=sure,
            )

        called, mounted = asking(change, yes)
    shown = "-" if mounted is None else in_degrees(mounted)
    tell("place.changed", device=device_id.hex(), place=shown, label=called)
    if alone:
        complain("place.uncompared")


def asking(act: Callable[[bool], T], yes: bool) -> T:
    """Return act(sure); for a distant place a person is asked first. Raises: PlaceDoubted, click.Abort."""
    try:
        return act(yes)
    except PlaceDoubted as doubted:
        if not sys.stdin.isatty():
            raise
        click.confirm(doubted.say(reader_language(os.environ)), abort=True, err=True)
        return act(True)


def uncompared(settings: Settings, store: SqlStore, device_id: bytes = b"") -> bool:
    """Whether nothing tells where buttons are: neither the settings nor another button."""
    return settings.area.area() is None and not store.installed_places(without=device_id)
