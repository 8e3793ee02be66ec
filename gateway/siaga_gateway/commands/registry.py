"""For the registrar: owners, devices and what a device's presses are worth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.catalogue import clock_time
from siaga_gateway.commands.registrations import csv_option, enrol_file
from siaga_gateway.commands.shared import CheckIn, DeviceId, by_option, config_option, opened, told_plainly
from siaga_gateway.commands.written import end_of, frame_of, position_of
from siaga_gateway.domain.personal import PersonalKeyError
from siaga_gateway.domain.registry import Owner, RegistrationState
from siaga_gateway.domain.report import Bearer
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.service import journal
from siaga_gateway.service.enrol import EnrolError, NewOwner, Registrar

_BEARERS = {Bearer.LTE: "LTE", Bearer.SMS: "SMS", Bearer.LORAWAN: "LoRaWAN", Bearer.WIFI: "Wi-Fi"}
_SATURATED = 255  # of a status's counts: that or more
_MOST_WAITING = 15
_STATES = click.Choice([str(state) for state in RegistrationState])


@click.group()
def owner() -> None:
    """The people who answer for buttons."""


@owner.command(name="add")
@config_option
@click.option("--name", required=True)
@click.option("--nik", required=True, help="National identity number, 16 digits.")
@click.option("--phone", required=True, help="With the country's code, as +6281234567890.")
@click.option("--address", required=True)
@click.option("--language", type=click.Choice(["id", "en"]), default="id", show_default=True)
@by_option
@told_plainly
def add_owner(config: Path, name: str, nik: str, phone: str, address: str, language: str, actor: str) -> None:
    """Register a person and print their number."""
    with opened(config) as (_, store):
        added = Registrar(store, WallClock()).add_owner(NewOwner(name, nik, phone, address, language), actor=actor)
    click.echo(str(added.id))


@owner.command(name="list")
@config_option
@by_option
@told_plainly
def list_owners(config: Path, actor: str) -> None:
    """Number and name of each owner. Personal data: it is noted who asked."""
    with opened(config) as (_, store):
        _readable(store)
        note_read(store, actor, "owners")
        for person in store.owners():
            click.echo(f"{person.id:>6}  {person.name}")


@owner.command(name="show")
@config_option
@click.argument("owner_id", type=int)
@by_option
@told_plainly
def show_owner(config: Path, owner_id: int, actor: str) -> None:
    """All that is registered of one owner. Personal data: ask only where you need it; it is noted who asked."""
    with opened(config) as (_, store):
        person = known_owner(store, owner_id)
        note_read(store, actor, "owner", owner_id)
        for what, value in (
            ("name", person.name),
            ("NIK", person.nik),
            ("phone", person.phone),
            ("address", person.address),
            ("language", person.language),
        ):
            click.echo(f"{what + ':':<10}{value}")
        for enrolled in store.enrolled(store.devices_of(owner_id)).values():
            device = enrolled.device
            click.echo(f"device:   {device.device_id.hex()} {device.state} {device.label}")


def _readable(store: SqlStore) -> None:
    """Raises PersonalKeyError where owners cannot be read."""
    if store.key_fault is not None:
        raise PersonalKeyError(store.key_fault)


def known_owner(store: SqlStore, owner_id: int) -> Owner:
    """Raises EnrolError or PersonalKeyError."""
    _readable(store)
    person = store.owner(owner_id)
    if person is None:
        raise EnrolError(
            f"there is no owner {owner_id}, or their data was erased; `siaga gateway owner list` shows those there are"
        )
    if person.unreadable:
        raise PersonalKeyError(f"owner {owner_id} cannot be read: sealed by a key that is not here, or changed")
    return person


def note_read(store: SqlStore, actor: str, what: str, owner_id: int | None = None) -> None:
    """Before anything is shown. Raises StoreFailing, and nothing is."""
    with store.transaction() as transaction:
        facts = {"what": what, "owner_id": owner_id}
        transaction.note(journal.PERSONAL_READ, WallClock().now_ms(), facts, actor=actor)


@click.command()
@config_option
@click.option("--owner", "owner_id", type=int, help="Number of the owner.")
@click.option("--device-id", type=DeviceId(), help="A device that has called and waits in the quarantine.")
@click.option("--frame", help="Or its ENROL frame in hex, as the button prints it at its start.")
@click.option("--label", help="Where or what it is: 'Toko Makmur, kasir'.")
@click.option("--state", type=_STATES, default="active", show_default=True)
@click.option("--valid-until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the registration, WIB.")
@click.option("--checkin", type=CheckIn(), help="How often it checks in: installed, ready, deep or seconds.")
@click.option("--installed", help="Where it is mounted: latitude,longitude in degrees, as -5.4292,105.2610.")
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
    file: Path | None,
    actor: str,
) -> None:
    """Bind a button to its owner. The button's own signature proves that it holds its key."""
    if file is not None:
        if any(value is not None for value in (owner_id, device_id, frame, label, valid_until, installed)):
            raise click.UsageError("--file names everything itself: leave the other options out")
        enrol_file(config, file, actor)
        return
    if owner_id is None or label is None:
        raise click.UsageError("--owner and --label are needed, or --file")
    with opened(config) as (_, store):
        device = Registrar(store, WallClock()).enrol(
            owner_id,
            actor=actor,
            label=label,
            device_id=device_id,
            frame=None if frame is None else frame_of(frame),
            state=RegistrationState(state),
            valid_until_ms=None if valid_until is None else end_of(valid_until.date()),
            installed=None if installed is None else position_of(installed),
        )
    click.echo(f"{device.device_id.hex()} {device.state} {device.label}")


@click.command()
@config_option
@told_plainly
def devices(config: Path) -> None:
    """Every enrolled device, its registration, when it was last heard and what it said of itself."""
    with opened(config) as (_, store):
        rows = store.devices()
        if not rows:
            click.echo("no device is enrolled yet")
        for enrolled, status in rows:
            device = enrolled.device
            click.echo(
                f"{device.device_id.hex()}  {device.state:<9}  owner {device.owner_id:<5}  {device.label}  "
                f"({', '.join(_word(status))})"
            )


def _word(status: DeviceStatus | None) -> Iterator[str]:
    """What a device last said of itself: its own frames, and its latest check-in that had room for a status."""
    if status is None:
        yield "never heard"
        return
    yield f"heard {clock_time(status.last_seen_ms, date=True)}"
    if status.battery is not None:
        yield f"battery {status.battery} %{' LOW' if status.low_battery else ''}"
    if status.external_power:
        yield "external power"
    if status.tamper_open:
        yield "OPEN"
    health = status.health
    if health is None:
        return
    yield f"version {'.'.join(map(str, health.version))}"
    if health.bearer_in_use is not Bearer.UNKNOWN:
        signal = "" if health.signal_dbm is None else f" {health.signal_dbm} dBm"
        yield f"{_BEARERS[health.bearer_in_use]}{signal}"
    elif health.signal_dbm is not None:
        yield f"{health.signal_dbm} dBm"
    yield f"up {health.uptime_hours}{'+' if health.uptime_hours == _SATURATED else ''} h"
    for count, most, what in (
        (health.waiting, _MOST_WAITING, "waiting"),
        (health.restarts, _SATURATED, "restarts"),
        (health.rejected, _SATURATED, "refused"),
    ):
        if count:
            yield f"{count}{'+' if count == most else ''} {what}"


@click.command()
@config_option
@click.argument("device_id", type=DeviceId())
@click.argument("state", type=_STATES)
@click.option("--reason", required=True, help="Why; it stays in the journal.")
@by_option
@told_plainly
def state(config: Path, device_id: bytes, state: str, reason: str, actor: str) -> None:
    """Change what a device's presses are worth, from its next frame on."""
    with opened(config) as (_, store):
        registrar = Registrar(store, WallClock())
        before = registrar.set_state(device_id, RegistrationState(state), actor=actor, reason=reason)
    click.echo(f"{device_id.hex()}: {before} -> {state}")


@click.command()
@config_option
@told_plainly
def quarantine(config: Path) -> None:
    """Devices that called and are not enrolled."""
    with opened(config) as (_, store):
        strangers = store.strangers()
        if not strangers:
            click.echo("no unknown device has called")
        for stranger in strangers:
            proof = "key proven" if stranger.enrol_frame is not None else "key not shown"
            click.echo(
                f"{stranger.device_id.hex()}  {proof:<13}  {stranger.frames} frames, "
                f"last {clock_time(stranger.last_seen_ms, date=True)}"
            )
