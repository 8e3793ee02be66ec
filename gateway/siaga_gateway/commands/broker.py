"""For the administrator: a Mosquitto that lets the buttons in, each to its own two topics, and nobody else."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from siaga_gateway.adapters.mosquitto_passwords import PasswordFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.commands.shared import config_option, opened, told_plainly
from siaga_gateway.config import Settings, SettingsError
from siaga_gateway.formats import mosquitto
from siaga_gateway.formats.mosquitto import DOOR, GATEWAY, Layout, Listener
from siaga_gateway.keyfile import read_key
from siaga_gateway.service.broker_access import BrokerPasswords

_LOOPBACK = "127.0.0.1"
_RESERVE = 100  # connections of a gateway's listener


def _absolute(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    return None if value is None else value.absolute()


_path = click.Path(path_type=Path)
_port = click.IntRange(0, 65_535)


@click.command()
@config_option
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), callback=_absolute)
@click.option("--certificate", type=_path, required=True, callback=_absolute, help="PEM, with its chain.")
@click.option("--key", "private", type=_path, required=True, callback=_absolute, help="PEM, its private key.")
@click.option("--address", help="Where buttons connect to; none: every address.")
@click.option("--port", type=_port, default=8883, show_default=True, help="Where buttons connect to, with TLS.")
@click.option("--connections", type=click.IntRange(1), default=20_000, show_default=True, help="Buttons at a time.")
@click.option(
    "--local-port",
    type=_port,
    default=1883,
    show_default=True,
    help="For a gateway on this machine, on loopback; 0: none.",
)
@click.option("--gateway-port", type=_port, help="For gateways on other machines, with TLS. Keep it behind a firewall.")
@click.option("--persistence", type=_path, default=Path("/var/lib/mosquitto"), show_default=True)
@click.option("--pid-file", type=_path, default=Path("/run/mosquitto/mosquitto.pid"), show_default=True)
@click.option("--log", type=_path, default=Path("/var/log/mosquitto/mosquitto.log"), show_default=True)
@click.option("--user", default="mosquitto", show_default=True, help="Whom Mosquitto runs as.")
@click.option("--replace", is_flag=True, help="Write anew what is there; passwords stay.")
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
    """Write a whole Mosquitto 2.0 configuration for this gateway's buttons into FOLDER, and say what to do with it."""
    for file in (certificate, private):
        if not file.is_file():
            raise SettingsError(f"{file}: there is no such file; a certificate and its key are needed for TLS")
    if not local_port and not gateway_port:
        raise SettingsError("with --local-port 0 and no --gateway-port the gateway itself could not connect")
    target = folder / "mosquitto.conf"
    if target.exists() and not replace:
        raise SettingsError(f"{target}: is there already; --replace writes it anew")
    gateways = [Listener(local_port, _LOOPBACK, connections=_RESERVE)] if local_port else []
    if gateway_port:
        gateways.append(Listener(gateway_port, None, str(certificate), str(private), _RESERVE))
    with opened(config) as (settings, store):
        layout = Layout(
            gateway=settings.name,
            buttons=Listener(port, address, str(certificate), str(private), connections),
            gateways=gateways,
            passwords=str(folder / "passwords"),
            rules=str(folder / "rules"),
            gateway_passwords=str(folder / "gateway-passwords"),
            gateway_rules=str(folder / "gateway-rules"),
            persistence=f"{persistence}/",
            pid_file=str(pid_file),
            log=str(log),
            user=user,
        )
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            units = folder / "systemd"
            units.mkdir(exist_ok=True)
            for place, text in (
                (folder / "rules", mosquitto.rules()),
                (folder / "gateway-rules", mosquitto.gateway_rules(settings.name)),
                (units / "siaga-broker-reload.path", mosquitto.reload_path(layout.passwords)),
                (units / "siaga-broker-reload.service", mosquitto.RELOAD_SERVICE),
                (units / "mosquitto.service.d-siaga.conf", mosquitto.drop_in(str(target), connections + 2 * _RESERVE)),
                (target, mosquitto.configuration(layout)),
            ):
                place.write_text(text, encoding="utf-8")
                place.chmod(0o640)
        except OSError as error:
            raise SettingsError(f"{folder}: cannot be written: {error.strerror}") from None
        change = PasswordFile(folder / "passwords").keep_in_step(store, read_key(settings.data_dir))
        password = _gateway_password(settings, PasswordFile(folder / "gateway-passwords"), folder)
    click.echo(f"Written: {target}, {change.admitted} buttons may log in. gateway/BROKER.md says where the units go.")
    click.echo("In siaga.toml (the password may stand in SIAGA_GATEWAY__MQTT__PASSWORD instead):\n")
    click.echo("[mqtt]")
    if local_port:
        click.echo(f'host = "{_LOOPBACK}"\nport = {local_port}')
    else:
        click.echo(f'host = "the name in the certificate"\nport = {gateway_port}\ntls = true')
    click.echo(f'user = "{GATEWAY}"')
    if password is not None:
        click.echo(f'password = "{password}"')
    click.echo(f'retained_status = false\n\n[broker]\npasswords = "{layout.passwords}"')


def _gateway_password(settings: Settings, file: PasswordFile, folder: Path) -> str | None:
    """A new one to be told, or None where the settings or the file have one."""
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
        raise SettingsError(
            "the setting broker.passwords is missing: `siaga gateway broker-config` says what it must be"
        )
    return PasswordFile(settings.broker.passwords, settings.broker.pid_file)


def _kept(settings: Settings, store: SqlStore) -> list[tuple[str, BrokerPasswords]]:
    """What the settings say is kept in step."""
    kept: list[tuple[str, BrokerPasswords]] = []
    if settings.broker.table:
        from siaga_gateway.adapters.broker_table import PasswordTable

        kept.append(("broker_user", PasswordTable(store)))
    if settings.broker.passwords is not None or not kept:
        file = _file(settings)
        kept.append((str(settings.broker.passwords), file))
    return kept


@click.command()
@config_option
@told_plainly
def broker_sync(config: Path) -> None:
    """Bring the broker's passwords into step with the registry. A running gateway does so by itself."""
    with opened(config) as (settings, store):
        for place, passwords in _kept(settings, store):
            change = passwords.keep_in_step(store, read_key(settings.data_dir))
            if change:
                passwords.tell()
            click.echo(f"{place}: {change.given} given, {change.withdrawn} withdrawn")


@click.command()
@config_option
@click.argument("what", type=click.Choice(["open", "close"]))
@told_plainly
def broker_door(config: Path, what: str) -> None:
    """Let new buttons leave their ENROL at the broker, or no more. `open` prints the password for their settings
    (mqtt_password, with no mqtt_user); opened anew it is another."""
    with opened(config) as (settings, _):
        file = _file(settings)
        if what == "open":
            password = secrets.token_hex(16)
            file.put(DOOR, password)
            file.tell()
            click.echo(password)
        elif file.drop(DOOR):
            file.tell()
            click.echo("closed")
        else:
            click.echo("it was closed")
