"""For installers: which buttons need attention, and what was done about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.cli.common import CheckIn, DeviceId, by_option, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, say, tell
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.supervision import Case
from siaga_gateway.service.fleet.maintenance_cases import close_case
from siaga_gateway.service.registry.enrol import Registrar
from siaga_gateway.service.store import Store

_PAGE = 500


@click.group(cls=LocalizedGroup, invoke_without_command=True)
@config_option
@click.option("--device", "device_id", type=DeviceId())
@click.option("--fold", type=int)
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
@told_plainly
def maintenance(context: click.Context, config: Path, device_id: bytes | None, fold: int | None, as_json: bool) -> None:
    if context.invoked_subcommand is not None:
        return
    with opened(config) as (settings, store):
        members = {case.id: count for case, count in store.open_folds()}
        empty = True
        for case in _cases(store, device_id, fold):
            empty = False
            label = _label(store, case)
            click.echo(_json(case, members) if as_json else _line(case, members, label, settings.local))
        if empty and not as_json:
            tell("maintenance.none" if device_id is not None or fold is not None else "maintenance.none_open")


@maintenance.command(name="close")
@config_option
@click.argument("case_id", type=int)
@click.option("--note", required=True)
@by_option
@told_plainly
def close(config: Path, case_id: int, note: str, actor: str) -> None:
    with opened(config) as (settings, store):
        wanted, local = settings.supervision.wanted, settings.local
        case = close_case(store, WallClock(), wanted, case_id, actor, note, local=local)
    tell("maintenance.closed", number=case.id)


@click.command()
@config_option
@click.argument("device_id", type=DeviceId())
@click.argument("every", type=CheckIn(), required=False)
@by_option
@told_plainly
def checkin(config: Path, device_id: bytes, every: int | None, actor: str) -> None:
    with opened(config) as (_, store):
        Registrar(store, WallClock()).set_checkin(device_id, every, actor=actor)
    if every is None:
        tell("checkin.settings", device=device_id.hex())
    else:
        tell("checkin.every", device=device_id.hex(), seconds=every)


def _cases(store: Store, device_id: bytes | None, fold: int | None) -> Iterator[Case]:
    if device_id is not None:
        yield from reversed(store.cases_of(device_id))
        return
    after = 0
    while page := store.open_cases(fold=fold, after=after, limit=_PAGE):
        yield from page
        after = page[-1].id


def _label(store: Store, case: Case) -> str:
    enrolled = {} if case.device_id is None else store.enrolled([case.device_id])
    return next((one.device.label for one in enrolled.values()), "")


def _line(case: Case, members: dict[int, int], label: str, local: LocalTime) -> str:
    device = "" if case.device_id is None else f"{case.device_id.hex()}  {label}"
    about = say("maintenance.devices", count=members.get(case.id, case.level)) if case.device_id is None else device
    parts = [f"{case.id:>6}", local.moment(case.opened_ms), f"{case.cause:<12}", about]
    if case.closed_ms is not None:
        who = case.closed_by or say("maintenance.itself")
        parts.append(say("maintenance.closed_by", time=local.moment(case.closed_ms), who=who))
    if case.note is not None:
        parts.append(case.note)
    return "  ".join(parts)


def _json(case: Case, members: dict[int, int]) -> str:
    return json.dumps(
        {
            "case": case.id,
            "device_id": None if case.device_id is None else case.device_id.hex(),
            "devices": members.get(case.id) if case.device_id is None else 1,
            "cause": str(case.cause),
            "level": case.level,
            "opened_ms": case.opened_ms,
            "closed_ms": case.closed_ms,
            "closed_by": case.closed_by,
            "note": case.note,
            "fold": case.fold,
        },
        ensure_ascii=False,
    )
