"""For whoever keeps the lists of stations and areas: import, check, and who would be called for a place."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.bootstrap.list_imports import area_of
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.common import by_option, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, complain, say, tell
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.installation_area import in_degrees
from siaga_gateway.domain.places import SERIOUS, Finding, Station, in_order
from siaga_gateway.service.dispatch.place_directory import finding_values, rung_words
from siaga_gateway.service.dispatch.place_lists import Taken
from siaga_gateway.service.dispatch.place_preview import Called
from siaga_gateway.service.registry.registration_list import position_of

_file = click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
_dry_run = click.option("--dry-run", is_flag=True)
_replace = click.option("--replace", is_flag=True)
_yes = click.option("--yes", is_flag=True)


@click.group(cls=LocalizedGroup)
def stations() -> None:
    pass


@stations.command(name="import")
@config_option
@_file
@_dry_run
@_replace
@_yes
@by_option
@told_plainly
def import_stations(config: Path, file: Path, dry_run: bool, replace: bool, yes: bool, actor: str) -> None:
    from siaga_gateway.formats.spreadsheet_csv import sheet
    from siaga_gateway.formats.station_csv import station_rows
    from siaga_gateway.service.dispatch.place_lists import take_stations

    with opened(config) as (settings, store):
        alone = area_of(settings) is None and not store.installed_places() and not store.stations()
        rows = station_rows(sheet(file.read_bytes()), _today(settings).toordinal())
        taken = take_stations(
            store, WallClock(), rows, actor=actor, replace=replace, dry_run=dry_run, area=area_of(settings), sure=yes
        )
    tell_list(taken, "stations", dry_run)
    if alone:
        complain("places.uncompared")


@stations.command(name="list")
@config_option
@click.option("--json", "as_json", is_flag=True)
@told_plainly
def list_stations(config: Path, as_json: bool) -> None:
    with opened(config) as (_, store):
        found = store.stations()
        areas = {area.station_key for area in store.areas()}
    if not found and not as_json:
        tell("places.none")
    for station in found:
        if as_json:
            click.echo(json.dumps(_as_json(station, station.key in areas), ensure_ascii=False))
        else:
            mark = say("places.with_area") if station.key in areas else ""
            click.echo(f"{station.key}  {station.kind}  {station.name}  {in_degrees(station.place)}  {mark}".rstrip())


@click.group(cls=LocalizedGroup)
def areas() -> None:
    pass


@areas.command(name="import")
@config_option
@_file
@click.option("--station-key", "named_by")
@click.option("--station")
@_dry_run
@_replace
@_yes
@by_option
@told_plainly
def import_areas(
    config: Path,
    file: Path,
    named_by: str | None,
    station: str | None,
    dry_run: bool,
    replace: bool,
    yes: bool,
    actor: str,
) -> None:
    from siaga_gateway.formats.geojson import features
    from siaga_gateway.service.dispatch.area_lists import take_areas

    if named_by is not None and station is not None:
        raise click.UsageError(say("places.one_way"))
    if station is not None and replace:
        raise click.UsageError(say("places.one_station", station=station))
    with opened(config) as (settings, store):
        taken = take_areas(
            store,
            WallClock(),
            features(file.read_bytes()),
            actor=actor,
            named_by=named_by,
            station=station,
            replace=replace,
            dry_run=dry_run,
            area=area_of(settings),
            sure=yes,
        )
    tell_list(taken, "areas", dry_run)


def tell_list(taken: Taken, what: str, dry_run: bool) -> None:
    """Print what became of a list; with faults all of them, and exit code 1."""
    named = Localized(f"commands.places.{what}")
    for remark in taken.remarks:
        complain("places.at", line=remark.line, why=remark.why)
    for fault in taken.faults:
        if fault.line is None:
            complain("shared.warning", why=fault.why)
        else:
            complain("places.at", line=fault.line, why=fault.why)
    if taken.faults:
        complain("places.nothing_changed", count=len(taken.faults))
        raise SystemExit(1)
    tell(
        "places.would" if dry_run else "places.done",
        what=named,
        added=len(taken.added),
        changed=len(taken.changed),
        unchanged=len(taken.unchanged),
        removed=len(taken.removed),
    )
    if dry_run:
        for key in taken.removed:
            tell("places.would_go", station=key)


@click.group(cls=LocalizedGroup)
def places() -> None:
    pass


@places.command(name="check")
@config_option
@click.option("--json", "as_json", is_flag=True)
@told_plainly
def check(config: Path, as_json: bool) -> None:
    from siaga_gateway.bootstrap.places_and_people import check_all_places
    from siaga_gateway.service.dispatch.responders_check import check_responders

    with opened(config) as (settings, store):
        found = check_all_places(settings, store, _today(settings), WallClock())
        found = in_order([*found, *check_responders(store, WallClock().now_ms())])
    for finding in found:
        if as_json:
            click.echo(json.dumps(_finding_json(finding), ensure_ascii=False))
        else:
            click.echo(say(f"place_fault.{finding.kind}", **finding_values(finding)))
    if not found and not as_json:
        tell("places.sound")
    if any(finding.kind in SERIOUS for finding in found):
        raise SystemExit(1)


def _finding_json(finding: Finding) -> dict[str, Any]:
    place = None if finding.place is None else in_degrees(finding.place)
    return {"kind": finding.kind.value, "stations": list(finding.keys), "number": finding.number, "place": place}


@places.command(name="route")
@config_option
@click.option("--at", "position", required=True)
@click.option("--time", "at_time", default="")
@told_plainly
def route(config: Path, position: str, at_time: str) -> None:
    from siaga_gateway.bootstrap.places_and_people import make_place_preview
    from siaga_gateway.service.dispatch.place_preview import time_of

    place, clock = position_of(position), WallClock()
    with opened(config) as (settings, store):
        at_ms = time_of(at_time, settings.local, clock.now_ms())
        preview = make_place_preview(settings, store, clock)(place, at_ms)
    found = preview.route
    if not found.responsible:
        tell("places.none")
    for responsible in found.responsible:
        ladder = " > ".join(station.name for station in responsible.ladder)
        tell("places.responsible", ladder=ladder, why=_claim(responsible.claim, responsible.metres))
    for near in found.nearest:
        state = Localized("commands.places.open" if near.is_open else "commands.places.closed")
        tell("places.near", name=near.station.name, metres=near.metres, state=state)
    for each in preview.rungs:
        whom = [_called(one) for one in each.called] + ([say("places.console")] if each.by_console else [])
        words = rung_words(each.rung.name)
        tell("drill.rung", seconds=each.rung.after_s, rung=words, names="; ".join(whom) or say("drill.nobody"))
        if each.empty:
            click.echo(f"  {say('places.left')}")


def _called(each: Called) -> str:
    """Name somebody with the ways on which he is told; those that are for a person to use are marked."""
    ways = [
        say("places.by_hand" if by_hand else "places.by_program", way=Localized(f"console.contact_way.{way}"))
        for way, by_hand in each.ways
    ]
    return f"{each.name}: {', '.join(dict.fromkeys(ways))}"


def _claim(claim: str, metres: int) -> Localized:
    return Localized(f"commands.place_claim.{claim}", metres=metres)


def _as_json(station: Station, has_area: bool) -> dict[str, Any]:
    from siaga_gateway.domain.opening_hours import written

    return {
        "key": station.key,
        "kind": station.kind.value,
        "name": station.name,
        "parent": station.parent,
        "position": in_degrees(station.place),
        "contacts": [[contact.way.value, contact.address] for contact in station.contacts],
        "hours": written(station.hours),
        "address": station.address,
        "verified_by": station.verified_by,
        "verified_on": None if station.verified_day is None else date.fromordinal(station.verified_day).isoformat(),
        "area": has_area,
    }


def _today(settings: Settings) -> date:
    return settings.site.local.at(WallClock().now_ms()).date()
