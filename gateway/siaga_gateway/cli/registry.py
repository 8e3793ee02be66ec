"""For the registrar: owners, devices, and registration states."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.built_in_land import BuiltInLand
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.common import CheckIn, DeviceId, by_option, config_option, opened, told_plainly
from siaga_gateway.cli.csv_lists import csv_option, enrol_file
from siaga_gateway.cli.localized_commands import LocalizedGroup, complain, say, tell
from siaga_gateway.cli.mounting_place import asking, uncompared
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.call_back import long_enough
from siaga_gateway.domain.device_report import Bearer
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.personal_encryption import PersonalKeyError
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.registry.code_words import hashed, set_code_words
from siaga_gateway.service.registry.enrol import EnrolError, Registrar, check_change
from siaga_gateway.service.registry.mounting_place import register_area
from siaga_gateway.service.registry.owner_cases import end_of_suspension
from siaga_gateway.service.registry.registration_list import frame_of, position_of
from siaga_gateway.service.registry.typed_owner import doubts_of, person

_BEARERS = {Bearer.LTE: "LTE", Bearer.SMS: "SMS", Bearer.LORAWAN: "LoRaWAN", Bearer.WIFI: "Wi-Fi"}
_SATURATED = 255  # for a status's counts: that or more
_MOST_WAITING = 15
_STATES = click.Choice([str(state) for state in RegistrationState])


@click.group(cls=LocalizedGroup)
def owner() -> None:
    pass


@owner.command(name="add")
@config_option
@click.option("--name", required=True)
@click.option("--nik", required=True)
@click.option("--phone", required=True)
@click.option("--address", required=True)
@click.option("--language", type=click.Choice(["id", "en"]), default="id", show_default=True)
@by_option
@told_plainly
def add_owner(config: Path, name: str, nik: str, phone: str, address: str, language: str, actor: str) -> None:
    with opened(config) as (settings, store):
        new, clock = person(name, nik, phone, address, language), WallClock()
        added = Registrar(store, clock).add_owner(new, actor=actor)
        doubts = doubts_of(new, settings.local.at(clock.now_ms()).date())
    click.echo(str(added.id))
    if doubts:
        complain("owner.doubted", lines=list(doubts))


@owner.command(name="list")
@config_option
@by_option
@told_plainly
def list_owners(config: Path, actor: str) -> None:
    with opened(config) as (_, store):
        _readable(store)
        note_read(store, actor, "owners")
        for person in store.owners():
            name = say("registry.unreadable") if person.unreadable else person.name
            click.echo(f"{person.id:>6}  {name}")


@owner.command(name="show")
@config_option
@click.argument("owner_id", type=int)
@by_option
@told_plainly
def show_owner(config: Path, owner_id: int, actor: str) -> None:
    with opened(config) as (_, store):
        person = known_owner(store, owner_id)
        note_read(store, actor, "owner", owner_id)
        for what, value in (
            ("name", person.name),
            ("nik", person.nik),
            ("phone", person.phone),
            ("address", person.address),
            ("language", person.language),
        ):
            click.echo(f"{say(f'owner.{what}') + ':':<10}{value}")
        for enrolled in store.enrolled(store.devices_of(owner_id)).values():
            device = enrolled.device
            named = say("owner.device") + ":"
            click.echo(f"{named:<10}{device.device_id.hex()} {device.state} {device.label}")


@owner.command(name="area")
@config_option
@click.argument("owner_id", type=int)
@click.option("--station-key", "station_key", required=True)
@by_option
@told_plainly
def owner_area(config: Path, owner_id: int, station_key: str, actor: str) -> None:
    with opened(config) as (_, store):
        register_area(store, WallClock(), owner_id, station_key or None, actor=actor)
    tell("owner.area", owner=owner_id, station=station_key or "-")


@owner.command(name="code-words")
@config_option
@click.argument("owner_id", type=int)
@click.option("--remove", is_flag=True)
@by_option
@told_plainly
def code_words(config: Path, owner_id: int, remove: bool, actor: str) -> None:
    with opened(config) as (_, store):
        known_owner(store, owner_id)  # nobody agrees on words for an owner who is not there
        words = None
        if not remove:
            code, duress = (
                click.prompt(
                    say(f"owner.{ask}"), value_proc=long_enough, hide_input=True, confirmation_prompt=True, err=True
                )
                for ask in ("ask_code", "ask_duress")
            )
            words = hashed(code, duress, WallClock().now_ms())
        set_code_words(store, WallClock(), owner_id, words, actor=actor)
    tell("owner.words_removed" if remove else "owner.words_set", owner=owner_id)


def _readable(store: SqlStore) -> None:
    """Raises: PersonalKeyError if owners cannot be read."""
    if store.key_fault is not None:
        raise PersonalKeyError("passed_on", why=store.key_fault)


def known_owner(store: SqlStore, owner_id: int) -> Owner:
    """Raises: EnrolError or PersonalKeyError."""
    _readable(store)
    person = store.owner(owner_id)
    if person is None:
        raise EnrolError("registry.owner_gone", owner_id=owner_id)
    if person.unreadable:
        raise PersonalKeyError("registry.owner_sealed", owner_id=owner_id)
    return person


def note_read(store: SqlStore, actor: str, what: str, owner_id: int | None = None) -> None:
    """Journal a read before anything is shown. Raises: StoreFailing, and then nothing is shown."""
    with store.transaction() as transaction:
        facts = {"what": what, "owner_id": owner_id}
        transaction.note(journal.PERSONAL_READ, WallClock().now_ms(), facts, actor=actor)


@click.command()
@config_option
@click.option("--owner", "owner_id", type=int)
@click.option("--device-id", type=DeviceId())
@click.option("--frame")
@click.option("--label")
@click.option("--state", type=_STATES, default="active", show_default=True)
@click.option("--valid-until", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--checkin", type=CheckIn())
@click.option("--installed")
@click.option("--yes", is_flag=True)
@csv_option
@by_option
@told_plainly
def enrol(
    config: Path,
    owner_id: int | None,
    device_id: bytes | None,
    frame: str | None,
    label: str | None,
    state: str,
    valid_until: datetime | None,
    checkin: int | None,
    installed: str | None,
    yes: bool,
    file: Path | None,
    actor: str,
) -> None:
    if file is not None:
        if any(value is not None for value in (owner_id, device_id, frame, label, valid_until, installed)):
            raise click.UsageError(say("enrol.file_alone"))
        enrol_file(config, file, actor, yes)
        return
    if owner_id is None or label is None:
        raise click.UsageError(say("enrol.needed"))
    where = None if installed is None else position_of(installed)
    with opened(config) as (settings, store):
        alone = where is not None and uncompared(settings, store)

        def register(sure: bool) -> Device:
            return Registrar(store, WallClock()).enrol(
                owner_id,
                actor=actor,
                label=label,
                device_id=device_id,
                frame=None if frame is None else frame_of(frame),
                state=RegistrationState(state),
                valid_until_ms=None if valid_until is None else settings.local.end_of(valid_until.date()),
                installed=where,
                checkin_s=checkin,
                area=settings.area.area(),
                on_land=BuiltInLand(),
                sure=sure,
            )

        device = asking(register, yes)
    click.echo(f"{device.device_id.hex()} {device.state} {device.label}")
    if alone:
        complain("place.uncompared")


@click.command()
@config_option
@told_plainly
def devices(config: Path) -> None:
    with opened(config) as (settings, store):
        rows = store.devices()
        if not rows:
            tell("devices.none")
        for enrolled, status in rows:
            device = enrolled.device
            tell(
                "devices.line",
                device=device.device_id.hex(),
                state=f"{device.state:<9}",
                owner=f"{device.owner_id:<5}",
                label=device.label,
                told=", ".join(_word(status, settings.local)),
            )


def _word(status: DeviceStatus | None, local: LocalTime) -> Iterator[str]:
    """Yield what a device last reported of itself: its own frames, and its latest check-in with a status."""
    if status is None:
        yield say("devices.never")
        return
    yield say("devices.heard", time=local.moment(status.last_seen_ms))
    if status.battery is not None:
        yield say("devices.battery_low" if status.low_battery else "devices.battery", percent=status.battery)
    if status.external_power:
        yield say("devices.external")
    if status.tamper_open:
        yield say("devices.open")
    health = status.health
    if health is None:
        return
    yield say("devices.version", version=".".join(map(str, health.version)))
    if health.bearer_in_use is not Bearer.UNKNOWN:
        signal = "" if health.signal_dbm is None else f" {health.signal_dbm} dBm"
        yield f"{_BEARERS[health.bearer_in_use]}{signal}"
    elif health.signal_dbm is not None:
        yield f"{health.signal_dbm} dBm"
    yield say("devices.up", hours=f"{health.uptime_hours}{'+' if health.uptime_hours == _SATURATED else ''}")
    for count, most, what in (
        (health.waiting, _MOST_WAITING, "waiting"),
        (health.restarts, _SATURATED, "restarts"),
        (health.rejected, _SATURATED, "rejected"),
    ):
        if count:
            yield say(f"devices.{what}", count=f"{count}{'+' if count == most else ''}")


@click.command()
@config_option
@click.argument("device_id", type=DeviceId())
@click.argument("state", type=_STATES)
@click.option("--reason", required=True)
@click.option("--until")
@click.option("--yes", is_flag=True)
@by_option
@told_plainly
def state(config: Path, device_id: bytes, state: str, reason: str, until: str | None, yes: bool, actor: str) -> None:
    wanted = RegistrationState(state)
    with opened(config) as (settings, store):
        until_ms = None if until is None else _end(settings, until)
        registrar = Registrar(store, WallClock(), local=settings.local)
        found = store.enrolled([device_id]).get(device_id)
        shown = None if found is None else found.device.state
        if shown is RegistrationState.REMOVED and wanted is not shown and not yes:
            check_change(wanted, reason, until_ms)
            _ask_again(store, device_id, settings.local)
        before = registrar.set_state(device_id, wanted, actor=actor, reason=reason, shown=shown, until_ms=until_ms)
        after = store.enrolled([device_id])[device_id].device.state
    click.echo(f"{device_id.hex()}: {before} -> {after}")


def _end(settings: Settings, until: str) -> int:
    """Raises: OwnerCaseError."""
    longest_days = settings.owner_cases.longest_suspension_days
    return end_of_suspension(until, WallClock().now_ms(), longest_days, settings.local)


def _ask_again(store: SqlStore, device_id: bytes, local: LocalTime) -> None:
    """Ask again: a removed button may be one whose key was copied. Raises: EnrolError, click.Abort."""
    change = store.last_change(device_id)
    told = {
        "device": device_id.hex(),
        "who": "-" if change is None or change.actor is None else change.actor,
        "time": "-" if change is None else local.moment(change.at_ms),
        "reason": "-" if change is None else change.facts.get("reason"),
    }
    if not sys.stdin.isatty():
        raise EnrolError("registration.removed", **told)
    click.confirm(EnrolError("registration.serve_again", **told).say(reader_language(os.environ)), abort=True, err=True)


@click.command()
@config_option
@told_plainly
def quarantine(config: Path) -> None:
    with opened(config) as (settings, store):
        strangers = store.strangers()
        if not strangers:
            tell("quarantine.none")
        for stranger in strangers:
            tell(
                "quarantine.line",
                device=stranger.device_id.hex(),
                proof=say("quarantine.proven" if stranger.enrol_frame is not None else "quarantine.unproven"),
                frames=stranger.frames,
                time=settings.local.moment(stranger.last_seen_ms),
            )
