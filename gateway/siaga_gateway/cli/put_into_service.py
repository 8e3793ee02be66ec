"""For the administrator: everything that an installation needs beside the programs, in one go."""

from __future__ import annotations

import fcntl
import os
import pwd
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final, Literal

import click

from siaga_gateway.bootstrap.setup.broker_files import FOLDER
from siaga_gateway.bootstrap.setup.installation_plan import (
    AUTHORITY,
    CERTIFICATE_NAME,
    CHAIN,
    DATABASE_BESIDE,
    KEY,
    PROGRAMS,
    PROXY_FILES,
    SETTINGS,
    STATE,
    USER,
    Plan,
    Proxy,
)
from siaga_gateway.bootstrap.setup.placement import Placed, Placement
from siaga_gateway.bootstrap.setup.settings_text import NewSettings
from siaga_gateway.cli.common import told_plainly
from siaga_gateway.cli.localized_commands import complain, say, tell
from siaga_gateway.cli.typed_password import typed_password
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.installation_area import in_degrees
from siaga_gateway.service.registry.registration_list import position_of

_STEP_S: Final = 900.0  # a store is made, or an older one brought to today's shape
_SELF: Final = (sys.executable, "-m", "siaga_gateway")
_file = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--name")
@click.option("--host")
@click.option("--site")
@click.option("--time-zone")
@click.option("--area", "place")
@click.option("--radius", type=click.IntRange(1, 5_000), default=200, show_default=True)
@click.option("--database")
@click.option("--broker")
@click.option("--certificate", type=click.Choice(["own", "existing"]))
@click.option("--proxy", type=click.Choice(["nginx", "caddy", "none"]))
@click.option("--administrator")
@click.option("--container", is_flag=True)
@click.option("--replace", is_flag=True)
@click.option("--preview", type=click.Path(file_okay=False, path_type=Path))
@told_plainly
def setup(
    name: str | None,
    host: str | None,
    site: str | None,
    time_zone: str | None,
    place: str | None,
    radius: int,
    database: str | None,
    broker: str | None,
    certificate: Literal["own", "existing"] | None,
    proxy: Proxy | None,
    administrator: str | None,
    container: bool,
    replace: bool,
    preview: Path | None,
) -> None:
    root = Path("/") if preview is None else preview.absolute()
    if preview is None:
        _ready()
    _alone(root / SETTINGS.relative_to("/"))
    placement = Placement(root, lambda path, difference: replace or _may_replace(path, difference))
    there = _there(placement.at(SETTINGS), name, site)
    first: tuple[str, str] | None = None  # name and password
    if there is None:
        name = _asked("name", name)
        site = _asked("site", site)
        time_zone = _asked("time_zone", time_zone)
        host = _asked("host", host)
        place = _asked("place", place)
        administrator = _asked("administrator", administrator)
        first = (administrator, typed_password())
    else:
        # Typed again, as after an upgrade: the same choices, as far as nothing else is asked for.
        name, site, time_zone = there.name, there.site.name, there.site.zone_name
        host = host or next(iter(there.console.allowed_hosts), None) or _asked("host", host)
        broker = broker or ("here" if there.broker.passwords else f"{there.mqtt.host}:{there.mqtt.port}")
        certificate = certificate or ("own" if placement.at(CERTIFICATE_NAME).exists() else "existing")
        proxy = proxy or _proxy(placement)
    own_authority = (certificate or "own") == "own"
    proxy = proxy or ("caddy" if container else "nginx")
    database = database or (DATABASE_BESIDE if container else None)
    elsewhere = None if broker in (None, "here") else _address(str(broker))
    made = NewSettings(
        name=name,
        data_dir=STATE,
        site=site,
        time_zone=time_zone,
        area=None if place is None else _area(place, radius),
        database=database,
        broker=FOLDER if elsewhere is None else None,
        broker_at=elsewhere,
        console_host=host,
        buttons_ca=AUTHORITY if own_authority else None,
        watched=(
            "127.0.0.1:8883" if elsewhere is None else str(broker),
            *(["127.0.0.1:443"] if proxy != "none" else []),
        ),
    )
    _carry_out(Plan(made, host, proxy, own_authority, container), placement, first, preview is not None)


def _carry_out(plan: Plan, placement: Placement, first: tuple[str, str] | None, is_preview: bool) -> None:
    """Write, run and tell. Exits with 1 if a file was left as it is, though another was planned."""
    _checked(plan.settings)
    for folder in plan.folders():
        placement.folder(folder)
    left = False
    files = [*plan.files(), *(plan.broker_files() if is_preview else ())]
    for planned in files:
        placed = placement.file(planned)
        left |= placed is Placed.LEFT
        tell(f"placed.{placed}", path=placement.at(planned.path))
    if not is_preview:
        left |= _installed(plan, placement, first)
    if left:
        complain("setup.left_some")
        sys.exit(1)


def _installed(plan: Plan, placement: Placement, first: tuple[str, str] | None) -> bool:
    """Make what files alone are not, and say what is left to type. Returns whether something was left as it was."""
    _run(
        say("setup.store"),
        [*_SELF, "init", "--complete", "--name", plan.settings.name, "--config", str(SETTINGS)],
        USER,
    )
    if first is not None:
        name, password = first
        account = [*_SELF, "account", "add", "--administrator", name, "--by", name, "--config", str(SETTINGS)]
        _run(say("setup.account"), account, USER, f"{password}\n")
    if plan.own_authority:
        _certificate(plan.host)
    left = _broker(plan, placement)
    tell("setup.next")
    for command in plan.commands():
        click.echo(f"    {command}")
    return left


def _checked(settings: NewSettings) -> None:
    """Raises: SettingsError, before anything is written."""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / SETTINGS.name
        draft.touch(mode=0o600)
        draft.write_text(settings.text(), encoding="utf-8")
        try:
            load(draft, {})
        except SettingsError as error:
            raise error.of("setup") from None


def _certificate(host: str) -> None:
    program = str(PROGRAMS / "siaga-certificate")
    if not AUTHORITY.exists():
        _run(say("setup.authority"), [program, "authority"])
    if not CHAIN.exists():
        _run(say("setup.certificate"), [program, "own", host])


def _broker(plan: Plan, placement: Placement) -> bool:
    """Have `broker-config` write its files, as the service's user. Returns whether other ones were left."""
    if plan.broker is None:
        return False
    if not CHAIN.exists():
        complain("setup.no_certificate")
        return True
    would = {planned.path: placement.would(planned) for planned in plan.broker_files()}
    for path, placed in would.items():
        tell(f"placed.{placed}", path=path)
    if Placed.LEFT in would.values():
        return True
    if set(would.values()) != {Placed.SAME}:
        files = ("--certificate", str(CHAIN), "--key", str(KEY))
        command = [*_SELF, "broker-config", str(FOLDER), *files, "--replace", "--config", str(SETTINGS)]
        _run(say("setup.broker"), command, USER)
    return False


def _run(what: str, command: list[str], user: str | None = None, typed: str = "") -> None:
    """Run one step, quiet unless it fails. Raises: SettingsError."""
    click.echo(what)
    try:
        done = subprocess.run(
            command, user=user, group=user, extra_groups=[] if user else None, cwd="/", input=typed,
            capture_output=True, text=True, timeout=_STEP_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SettingsError("setup.step", what=what, why=str(error)) from None
    if done.returncode:
        raise SettingsError("setup.step", what=what, why=(done.stderr or done.stdout).strip()[-2_000:])


def _ready() -> None:
    """Raises: SettingsError unless we are root and the service's user is there."""
    if os.geteuid():
        raise SettingsError("setup.not_root")
    try:
        pwd.getpwnam(USER)
    except KeyError:
        raise SettingsError("setup.no_user", user=USER) from None


def _alone(settings: Path) -> None:
    """Lock the settings' folder and the one above it, as far as they are there, until the command ends: of two that
    begin together each would draw a password of its own. In a container only the inner one is shared.
    Raises: SettingsError."""
    for folder in (settings.parent.parent, settings.parent):
        if not folder.is_dir():
            continue
        descriptor = os.open(folder, os.O_RDONLY)
        click.get_current_context().call_on_close(partial(os.close, descriptor))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError("setup.busy", path=settings.parent) from None


def _there(path: Path, name: str | None, site: str | None) -> Settings | None:
    """Return the settings that are there, and say what of them is not as was asked: they are never rewritten."""
    if not path.exists():
        return None
    settings = load(path, {})
    for setting, asked, found in (("name", name, settings.name), ("site.name", site, settings.site.name)):
        if asked is not None and asked != found:
            complain("setup.differs", path=path, setting=setting, found=found or "-", asked=asked)
    return settings


def _proxy(placement: Placement) -> Proxy:
    """Return for which proxy a file of ours is there."""
    for name, (_, path) in PROXY_FILES.items():
        place = placement.at(path)
        if place.exists() and "127.0.0.1:8110" in place.read_text(encoding="utf-8"):
            return name
    return "none"


def _asked(option: str, given: str | None, default: str | None = None) -> str:
    """Return what was given, else what a person types, else the default. Raises: click.MissingParameter."""
    if given is not None:
        return given
    if sys.stdin.isatty() and sys.stdout.isatty():
        return str(click.prompt(say(f"setup.ask_{option}"), default=default, type=str)).strip()
    if default is not None:
        return default
    raise click.MissingParameter(param_hint=f"'--{_OPTIONS.get(option, option)}'", param_type="option")


_OPTIONS: Final = {"time_zone": "time-zone", "place": "area"}


def _area(written: str, radius_km: int) -> tuple[str, str, int]:
    latitude, longitude = in_degrees(position_of(written)).split(",")
    return latitude.strip(), longitude.strip(), radius_km


def _address(written: str) -> tuple[str, int]:
    host, _, port = written.rpartition(":")
    if not host or not port.isdecimal():
        raise click.UsageError(say("setup.no_address", written=written))
    return host, int(port)


def _may_replace(path: Path, difference: str) -> bool:
    click.echo(difference)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return click.confirm(say("setup.replace", path=path), default=False)
