"""`siaga load`: loads a gateway as a province would, and checks whether it loses anything."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import ssl
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

from siaga_gateway import catalogue
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.localized_commands import LocalizedGroup
from siaga_gateway.domain.frame import Kind
from siaga_tools.demo.site import LOCAL
from siaga_tools.load.connection import Broker
from siaga_tools.load.fleet import LARGEST, Fleet, keys, write_registrations
from siaga_tools.load.plan import KINDS, LoadRequest, MassPress, PlannedFrame, plan
from siaga_tools.load.presign import PreparedLoad, make, seconds_to_make
from siaga_tools.load.report import report
from siaga_tools.load.run import ConnectionMode, LoadRun
from siaga_tools.load.safety_check import ensure_exercise
from siaga_tools.messages import Trouble
from siaga_tools.process.shutdown import cancelled_by_signals

_LANGUAGE: Final = reader_language(os.environ)
_NAMES: Final = {kind.name.lower(): kind for kind in KINDS}
_PASSWORD: Final = "SIAGA_BENCH_PASSWORD"  # noqa: S105 (its name)
_FEW: Final = 2_000  # no progress bar below it


def _help(name: str) -> str:
    return catalogue.text(f"load.option.{name}", _LANGUAGE)


class Mix(click.ParamType[Mapping[Kind, float]]):
    """`press=1,checkin=10`."""

    name = "mix"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Mapping[Kind, float]:
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        try:
            pairs = [part.split("=") for part in value.split(",")]
            mix = {_NAMES[name.strip()]: float(weight) for name, weight in pairs}
            if min(mix.values()) < 0 or not 0 < sum(mix.values()) < float("inf"):
                raise ValueError
        except (ValueError, KeyError):
            self.fail(catalogue.text("load.mix_wrong", _LANGUAGE, value=value, names=", ".join(_NAMES)), param, ctx)
        return mix


@click.group(cls=LocalizedGroup, help=_help("load"))
def load() -> None:
    pass


@load.command(help=_help("fleet"))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--devices", type=click.IntRange(1, LARGEST), required=True, help=_help("devices"))
@click.option("--gateway-key", required=True, help=_help("gateway_key"))
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help=_help("days"))
@click.option("--language", type=click.Choice(["id", "en"]), default=_LANGUAGE, help=_help("language"))
def fleet(file: Path, devices: int, gateway_key: str, days: int, language: str) -> None:
    registrations = file.with_suffix(".csv")
    try:
        for one in (file, registrations):
            if one.exists():
                raise Trouble("load_fleet_there", file=one)
        try:
            gateway_xy = bytes.fromhex(gateway_key)
        except ValueError as error:
            raise Trouble("load_key_wrong", why=error) from error
        made = Fleet.new(devices, gateway_xy)
        list(make(replace(made, devices=1), [], 0.0))  # the gateway's key is valid
        until = (LOCAL.at(time.time_ns() // 1_000_000) + timedelta(days=days)).date().isoformat()
        made.save(file)
        with (
            registrations.open("x", encoding="utf-8", newline="") as out,
            click.progressbar(length=devices, file=sys.stderr, hidden=devices < _FEW) as bar,
        ):
            for done in write_registrations(made, out, until):
                if done % 500 == 0:
                    bar.update(500)
    except OSError as error:
        raise Trouble("load_fleet_unwritten", file=registrations, why=error) from error
    click.echo(catalogue.text("load.fleet_made", language, devices=devices, file=file, list=registrations, until=until))


@dataclass(frozen=True)
class _Options:
    """The options beside the load itself."""

    fleet: Path
    lines: ConnectionMode
    wish: LoadRequest
    seed: int
    tests: bool
    wait_s: float
    force: bool
    language: str


@load.command(help=_help("gateway"))
@click.option(
    "--fleet", "file", type=click.Path(dir_okay=False, exists=True, path_type=Path), required=True, help=_help("file")
)
@click.option("--host", default="127.0.0.1", show_default=True, help=_help("host"))
@click.option("--port", type=click.IntRange(1, 65_535), help=_help("port"))
@click.option("--tls", is_flag=True, help=_help("tls"))
@click.option("--ca", type=click.Path(dir_okay=False, exists=True, path_type=Path), help=_help("ca"))
@click.option("--user", help=_help("user"))
@click.option("--password", envvar=_PASSWORD, show_envvar=True, help=_help("password"))
@click.option("--connections", type=click.IntRange(1, 1_000), default=4, show_default=True, help=_help("connections"))
@click.option("--own", is_flag=True, help=_help("own"))
@click.option("--passwords", type=click.Path(dir_okay=False, exists=True, path_type=Path), help=_help("passwords"))
@click.option("--rate", type=click.FloatRange(0), default=20.0, show_default=True, help=_help("rate"))
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=30.0, show_default=True, help=_help("sec"))
@click.option("--ramp", type=click.FloatRange(0), default=5.0, show_default=True, help=_help("ramp"))
@click.option("--mix", type=Mix(), default="press=1", show_default=True, help=_help("mix"))
@click.option("--mass-press", type=click.FloatRange(0, 100), help=_help("mass_press"))
@click.option("--within", type=click.FloatRange(0), default=10.0, show_default=True, help=_help("within"))
@click.option("--at", type=click.FloatRange(0), default=0.0, show_default=True, help=_help("at"))
@click.option("--tests", is_flag=True, help=_help("tests"))
@click.option("--wait", type=click.FloatRange(0), default=60.0, show_default=True, help=_help("wait"))
@click.option("--seed", type=int, default=1, show_default=True, help=_help("seed"))
@click.option("--force", is_flag=True, help=_help("force"))
@click.option("--json", "as_json", is_flag=True, help=_help("json"))
@click.option("--language", type=click.Choice(["id", "en"]), default=_LANGUAGE, help=_help("language"))
def gateway(
    file: Path,
    host: str,
    port: int | None,
    tls: bool,
    ca: Path | None,
    user: str | None,
    password: str | None,
    connections: int,
    own: bool,
    passwords: Path | None,
    rate: float,
    seconds: float,
    ramp: float,
    mix: Mapping[Kind, float],
    mass_press: float | None,
    within: float,
    at: float,
    tests: bool,
    wait: float,
    seed: int,
    force: bool,
    as_json: bool,
    language: str,
) -> None:
    secure = tls or ca is not None
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca)) if secure else None
        broker = Broker(host, port or (8883 if secure else 1883), context, user, password)
        by_device = None if passwords is None else _passwords(passwords)
        options = _Options(
            fleet=file,
            lines=ConnectionMode(broker, None if own or by_device is not None else connections, by_device),
            wish=LoadRequest(
                rate,
                seconds,
                min(ramp, seconds),
                mix,
                None if mass_press is None else MassPress(mass_press / 100, within, at),
            ),
            seed=seed,
            tests=tests,
            wait_s=wait,
            force=force,
            language=language,
        )
        facts = asyncio.run(_run(options))
    except (OSError, ssl.SSLError) as error:
        raise Trouble("load_broker_unusable", why=error) from error
    click.echo(json.dumps(facts) if as_json else "\n".join(report(facts, language)))
    lost = sum(one["lost"] for one in facts["classes"].values())
    sys.exit(facts["ended_by"] or (1 if lost else 0))


async def _run(options: _Options) -> dict[str, Any]:
    """Make one run. Returns its figures, also if a signal ended it. Raises Trouble."""
    fleet = Fleet.load(options.fleet)
    broker = options.lines.broker
    if not options.force:
        await ensure_exercise(_first(fleet, options.lines), f"siaga-bench-{os.getpid()}")
    planned = plan(options.wish, fleet.devices, fleet.next_counter, options.seed)
    if not planned:
        raise Trouble("load_nothing_planned")
    # Stored as used before the first frame is sent: a counter used twice would be a contradiction for ever.
    fleet.after(planned).save(options.fleet)
    made = _made(fleet, planned, options)
    drive = LoadRun(made, options.lines, name=f"siaga-bench-{os.getpid()}", seed=options.seed)
    _allow_connections(len(drive.links))
    with cancelled_by_signals() as ending:
        try:
            await drive.run(options.wait_s)
        except asyncio.CancelledError:
            if ending.signal is None:
                raise
    return {
        "devices": fleet.devices,
        "connections": len(drive.links),
        "broker": f"{broker.host}:{broker.port}",
        "seed": options.seed,
        "took_s": round(drive.took_s, 1),
        "planned": len(planned),
        "accepted_by_broker": sum(link.accepted for link in drive.links),
        "losses": sum(link.losses for link in drive.links),
        "ended_by": ending.code,
        **drive.tally.facts(),
    }


def _made(fleet: Fleet, planned: list[PlannedFrame], options: _Options) -> PreparedLoad:
    begin_s = time.time() + seconds_to_make(fleet, len(planned))
    label = catalogue.text("load.signing", options.language, frames=len(planned))
    many = fleet.devices + len(planned) > _FEW
    with click.progressbar(length=fleet.devices, label=label, file=sys.stderr, hidden=not many) as bar:
        for done in make(fleet, planned, begin_s, test=options.tests):
            if isinstance(done, PreparedLoad):
                return done
            bar.update(done - bar.pos)
    raise AssertionError("make() ends with what was made")


def _first(fleet: Fleet, lines: ConnectionMode) -> Broker:
    """Return the login for asking the gateway's mode: the first device's, if each has its own password."""
    if lines.passwords is None:
        return lines.broker
    identity = keys(fleet.seed, 0).device_id.hex()
    return replace(lines.broker, user=identity, password=lines.passwords.get(identity))


def _passwords(file: Path) -> dict[str, str]:
    """Return the passwords in a CSV file with the columns device_id and password. Raises Trouble."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            return {row["device_id"].strip().lower(): row["password"] for row in csv.DictReader(text)}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, AttributeError) as error:
        raise Trouble("load_passwords", file=file, why=error) from error


def _allow_connections(wanted: int) -> None:
    """Raise this process's limit of open files as far as allowed. Raises Trouble if that is too low."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = wanted + 100
    if soft >= need:
        return
    if hard != resource.RLIM_INFINITY and hard < need:
        raise Trouble("load_files", need=need, hard=hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))
