"""For installers: which buttons need somebody to look at them, and what was done about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.catalogue import clock_time
from siaga_gateway.commands.shared import CheckIn, DeviceId, by_option, config_option, opened, told_plainly
from siaga_gateway.domain.supervision import Case
from siaga_gateway.service.enrol import Registrar
from siaga_gateway.service.maintenance_desk import close_case
from siaga_gateway.service.store import Store

_PAGE = 500


@click.group(invoke_without_command=True)
@config_option
@click.option("--device", "device_id", type=DeviceId(), help="Only this device's, closed ones too.")
@click.option("--fold", type=int, help="The cases that this one stands for.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
@told_plainly
def maintenance(context: click.Context, config: Path, device_id: bytes | None, fold: int | None, as_json: bool) -> None:
    """Open maintenance cases, oldest first; `maintenance close` closes one. No emergencies."""
    if context.invoked_subcommand is not None:
        return
    with opened(config) as (_, store):
        members = {case.id: count for case, count in store.open_folds()}
        empty = True
        for case in _cases(store, device_id, fold):
            empty = False
            click.echo(_json(case, members) if as_json else _line(case, members, _label(store, case)))
        if empty and not as_json:
            click.echo("no case" if device_id is not None or fold is not None else "no open case")


@maintenance.command(name="close")
@config_option
@click.argument("case_id", type=int)
@click.option("--note", required=True, help="What was done or found; it stays with the case.")
@by_option
@told_plainly
def close(config: Path, case_id: int, note: str, actor: str) -> None:
    """Close a case; it comes again only when its cause was gone meanwhile, or has grown worse."""
    with opened(config) as (settings, store):
        case = close_case(store, WallClock(), settings.supervision.wanted, case_id, actor, note)
    click.echo(f"case {case.id} closed")


@click.command()
@config_option
@click.argument("device_id", type=DeviceId())
@click.argument("every", type=CheckIn(), required=False)
@by_option
@told_plainly
def checkin(config: Path, device_id: bytes, every: int | None, actor: str) -> None:
    """How often a button is expected to check in: installed, ready, deep, or seconds; nothing: as the settings say."""
    with opened(config) as (_, store):
        Registrar(store, WallClock()).set_checkin(device_id, every, actor=actor)
    click.echo(f"{device_id.hex()}: {'as the settings say' if every is None else f'every {every} s'}")


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


def _line(case: Case, members: dict[int, int], label: str) -> str:
    device = "" if case.device_id is None else f"{case.device_id.hex()}  {label}"
    about = f"{members.get(case.id, case.level)} devices" if case.device_id is None else device
    parts = [f"{case.id:>6}", clock_time(case.opened_ms, date=True), f"{case.cause:<12}", about]
    if case.closed_ms is not None:
        parts.append(f"closed {clock_time(case.closed_ms, date=True)} by {case.closed_by or 'itself'}")
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
