"""For registrars and installers: the SIM cards of buttons, one by one or by a list."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.common import DeviceId, by_option, config_option, opened, told_plainly
from siaga_gateway.cli.csv_lists import csv_option, device_of_line, read_list
from siaga_gateway.cli.localized_commands import LocalizedGroup, say, tell
from siaga_gateway.config.loading import load
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.sim_card import NO_SIM, SimCard
from siaga_gateway.service.registry.enrol import EnrolError
from siaga_gateway.service.registry.registration_list import day_end_ms
from siaga_gateway.service.registry.sim_cards import SimLine, set_sim, set_sims


@click.group(cls=LocalizedGroup)
def sim() -> None:
    pass


@sim.command(name="set")
@config_option
@click.argument("device_id", type=DeviceId())
@click.option("--number")
@click.option("--operator")
@click.option("--active-until")
@click.option("--quota-mb", type=click.IntRange(0))
@click.option("--quota-until")
@click.option("--remove", is_flag=True)
@by_option
@told_plainly
def set_one(
    config: Path,
    device_id: bytes,
    number: str | None,
    operator: str | None,
    active_until: str | None,
    quota_mb: int | None,
    quota_until: str | None,
    remove: bool,
    actor: str,
) -> None:
    with opened(config) as (settings, store):
        before = store.sims([device_id]).get(device_id, NO_SIM)
        wanted = SimCard(
            before.number if number is None else number,
            before.operator if operator is None else operator,
            _day(active_until, before.active_until_ms, settings.local),
            before.quota_mb if quota_mb is None else quota_mb,
            _day(quota_until, before.quota_until_ms, settings.local),
        )
        kept = set_sim(store, WallClock(), device_id, NO_SIM if remove else wanted, actor=actor)
        _show(device_id, kept, settings.local)


@sim.command(name="import")
@config_option
@csv_option
@by_option
@told_plainly
def import_list(config: Path, file: Path | None, actor: str) -> None:
    if file is None:
        raise click.UsageError(say("sim.file"))
    local = load(config).local
    lines = read_list(file, ("device_id",), lambda where, row: _line(where, row, local))
    with opened(config) as (_, store):
        changed = set_sims(store, WallClock(), lines, actor=actor)
    tell("sim.imported", changed=changed, left=len(lines) - changed)


@sim.command(name="list")
@config_option
@click.argument("device_ids", type=DeviceId(), nargs=-1)
@told_plainly
def list_cards(config: Path, device_ids: tuple[bytes, ...]) -> None:
    with opened(config) as (settings, store):
        for device_id, card in store.sims(device_ids or list(store.registrations())).items():
            if device_ids or card != NO_SIM:
                _show(device_id, card, settings.local)


def _line(where: Localized, row: Mapping[str, str], local: LocalTime) -> SimLine:
    """Raises: EnrolError."""
    quota = (row.get("quota_mb") or "").strip()
    if quota and not quota.isdecimal():
        raise EnrolError("sim.quota_number", text=quota)
    card = SimCard(
        row.get("number") or None,
        row.get("operator") or None,
        _day(row.get("active_until"), None, local),
        int(quota) if quota else None,
        _day(row.get("quota_until"), None, local),
    )
    return SimLine(where, device_of_line(where, row), card)


def _day(text: str | None, before: int | None, local: LocalTime) -> int | None:
    """Return the end of a day; of nothing typed: what stood there before. Raises: EnrolError."""
    return day_end_ms(text, local) if text else before


def _show(device_id: bytes, card: SimCard, local: LocalTime) -> None:
    """Say what is known; the number is for the page, which asks who is reading."""

    def day(at_ms: int | None) -> str:
        return "-" if at_ms is None else local.at(at_ms - 1).date().isoformat()

    tell(
        "sim.line",
        device=device_id.hex(),
        number="-" if card.number is None else f"…{card.number[-4:]}",
        operator=card.operator or "-",
        active=day(card.active_until_ms),
        quota="-" if card.quota_mb is None else card.quota_mb,
        until=day(card.quota_until_ms),
    )
