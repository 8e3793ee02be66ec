"""For the administrator: a Mosquitto that admits the buttons, each to its own two topics, and nobody else."""

from __future__ import annotations

import secrets
import stat
from pathlib import Path

import click

from siaga_gateway.adapters.broker_access.mosquitto_file import PasswordFile
from siaga_gateway.adapters.files.gateway_key import read_key
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.bootstrap.setup.broker_files import CONNECTIONS, LOG, LOOPBACK, PERSISTENCE, PID_FILE, BrokerPlan
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.common import config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import complain, say, tell
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.settings import Settings
from siaga_gateway.formats.mosquitto import DOOR, GATEWAY
from siaga_gateway.service.fleet.broker_access import BrokerPasswords
from siaga_gateway.service.fleet.login_suspension import logins_out


def _absolute(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    return None if value is None else value.absolute()


_path = click.Path(path_type=Path, readable=False)  # only Mosquitto may read the key
_port = click.IntRange(0, 65_535)


@click.command()
@config_option
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), callback=_absolute)
@click.option("--certificate", type=_path, required=True, callback=_absolute)
@click.option("--key", "private", type=_path, required=True, callback=_absolute)
@click.option("--address")
@click.option("--port", type=_port, default=8883, show_default=True)
@click.option("--connections", type=click.IntRange(1), default=CONNECTIONS, show_default=True)
@click.option(
    "--local-port",
    type=_port,
    default=1883,
    show_default=True,
)
@click.option("--gateway-port", type=_port)
@click.option("--persistence", type=_path, default=PERSISTENCE, show_default=True)
@click.option("--pid-file", type=_path, default=PID_FILE, show_default=True)
@click.option("--log", type=_path, default=LOG, show_default=True)
@click.option("--user", default="mosquitto", show_default=True)
@click.option("--replace", is_flag=True)
@told_plainly
def broker_config(
    config: Path,
    folder: Path,
    certificate: Path,
    private: Path,
    address: str | None,
    port: int,
    connections: int,
    local_port: int,
    gateway_port: int | None,
    persistence: Path,
    pid_file: Path,
    log: Path,
    user: str,
    replace: bool,
) -> None:
    for file in (certificate, private):
        try:
            if not stat.S_ISREG(file.stat().st_mode):
                raise SettingsError("install.no_certificate", file=file)
        except (FileNotFoundError, NotADirectoryError):
            raise SettingsError("install.no_certificate", file=file) from None
        except PermissionError:
            # As it should be: only Mosquitto may read the key.
            complain("shared.warning", why=Localized("errors.install.unseen", file=file, user=user))
    if _holds_a_key(certificate):
        raise SettingsError("broker_config.swapped", file=certificate)
    if not local_port and not gateway_port:
        raise SettingsError("broker_config.no_port")
    target = folder / "mosquitto.conf"
    if target.exists() and not replace:
        raise SettingsError("broker_config.there", target=target)
    with opened(config) as (settings, store):
        plan = BrokerPlan(
            gateway=settings.name,
            folder=folder,
            certificate=certificate,
            key=private,
            address=address,
            port=port,
            connections=connections,
            local_port=local_port,
            gateway_port=gateway_port,
            persistence=persistence,
            pid_file=pid_file,
            log=log,
            user=user,
        )
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            (folder / "systemd").mkdir(exist_ok=True)
            for place, text in plan.files().items():
                place.write_text(text, encoding="utf-8")
                place.chmod(0o640)
        except OSError as error:
            raise SettingsError("broker_config.unwritten", folder=folder, why=error) from None
        change = PasswordFile(folder / "passwords").keep_in_step(store, read_key(settings.data_dir), logins_out(store))
        password = _gateway_password(settings, PasswordFile(folder / "gateway-passwords"), folder)
    tell("broker.written", target=target, buttons=change.admitted)
    click.echo(say("broker.settings") + "\n")
    click.echo("[mqtt]")
    if local_port:
        click.echo(f'host = "{LOOPBACK}"\nport = {local_port}')
    else:
        click.echo(f'host = "{say("broker.host")}"\nport = {gateway_port}\ntls = true')
    click.echo(f'user = "{GATEWAY}"')
    if password is not None:
        click.echo(f'password = "{password}"')
    click.echo(f'retained_status = false\n\n[broker]\npasswords = "{plan.passwords}"')


def _holds_a_key(certificate: Path) -> bool:
    """Whether the two were given in the wrong order: the file readable by everybody is a certificate, not the key."""
    try:
        text = certificate.read_bytes()
    except OSError:
        return certificate.suffix == ".key"
    return b"PRIVATE KEY-----" in text and b"BEGIN CERTIFICATE-----" not in text


def _gateway_password(settings: Settings, file: PasswordFile, folder: Path) -> str | None:
    """Return a new password to print, or None if the settings or the file have one."""
    own = settings.mqtt.password
    if own is not None and settings.mqtt.user == GATEWAY:
        file.put(GATEWAY, own.get_secret_value())
        return None
    if (folder / "gateway-passwords").exists():
        return None
    made = secrets.token_urlsafe(24)
    file.put(GATEWAY, made)
    return made


def _file(settings: Settings) -> PasswordFile:
    if settings.broker.passwords is None:
        raise SettingsError("broker_config.no_passwords")
    return PasswordFile(settings.broker.passwords, settings.broker.pid_file)


def _kept(settings: Settings, store: SqlStore) -> list[tuple[str, BrokerPasswords]]:
    """Return what the settings say to keep in step."""
    kept: list[tuple[str, BrokerPasswords]] = []
    if settings.broker.table:
        from siaga_gateway.adapters.broker_access.emqx_table import PasswordTable

        kept.append(("broker_user", PasswordTable(store)))
    if settings.broker.passwords is not None or not kept:
        file = _file(settings)
        kept.append((str(settings.broker.passwords), file))
    return kept


@click.command()
@config_option
@told_plainly
def broker_sync(config: Path) -> None:
    with opened(config) as (settings, store):
        for place, passwords in _kept(settings, store):
            change = passwords.keep_in_step(store, read_key(settings.data_dir), logins_out(store))
            if change:
                passwords.tell()
            tell("broker.synced", place=place, given=change.given, withdrawn=change.withdrawn)


@click.command()
@config_option
@click.argument("what", type=click.Choice(["open", "close"]))
@told_plainly
def broker_door(config: Path, what: str) -> None:
    with opened(config) as (settings, _):
        file = _file(settings)
        if what == "open":
            password = secrets.token_hex(16)
            file.put(DOOR, password)
            file.tell()
            click.echo(password)
        elif file.drop(DOOR):
            file.tell()
            tell("broker.closed")
        else:
            tell("broker.was_closed")
