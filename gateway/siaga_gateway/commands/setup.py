"""For the administrator: a first start, keys and secrets, the settings' reference."""

from __future__ import annotations

import base64
import secrets
import sys
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import key_file, open_store
from siaga_gateway.commands.shared import config_option, told_plainly
from siaga_gateway.config import SettingsError, load
from siaga_gateway.config_reference import markdown, reference
from siaga_gateway.domain.verify import GatewayKey
from siaga_gateway.keyfile import key_path, read_key, write_key

_EXAMPLE = """\
# Settings of the Siaga gateway. `siaga gateway settings` lists all of them.
name = "{name}"
data_dir = "{data_dir}"
mode = "{mode}"          # actual | exercise

# Everything is kept by SQLite in data_dir, unless PostgreSQL is named here; several workers need that.
#
# [store]
# host = "/var/run/postgresql"
# dbname = "siaga"

[mqtt]
host = "127.0.0.1"
port = 1883

# Frames by a LoRaWAN network server as well.
#
# [lorawan]
# network = "chirpstack"   # chirpstack | things_stack
# host = "chirpstack.example"

# Frames by text message as well: a modem with gammu-smsd, or an aggregator's webhook.
#
# [sms]
# spool = "gammu"            # gammu | smstools
# inbox = "/var/spool/gammu/inbox"
# outbox = "/var/spool/gammu/outbox"

[console]
host = "127.0.0.1"
port = 8110

# Figures for Prometheus, and answers for a load balancer.
#
# [metrics]
# port = 9110

# Where incidents are sent; as many as you like.
#
# [[outputs]]
# name = "cad"
# kind = "webhook"       # webhook | cap_http | cap_folder
# url = "https://cad.example/siaga"
# secret = "whsec_..."   # `siaga gateway webhook-secret` makes one
"""


@click.command()
@config_option
@click.option("--name", required=True, help="The gateway's name in the world, for ever, such as siaga.lampung.")
@click.option("--data", "data_dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--mode", type=click.Choice(["actual", "exercise"]), default="actual", show_default=True)
@told_plainly
def init(config: Path, name: str, data_dir: Path, mode: str) -> None:
    """Write the settings file, the gateway's key and an empty store. Overwrites nothing."""
    if config.exists():
        raise SettingsError(f"{config}: is there already; `siaga gateway run` uses it")
    config.parent.mkdir(parents=True, exist_ok=True)
    # Checked before anything is kept: a wrong name must not leave half an installation.
    draft = config.with_name(f".{config.name}.draft")
    try:
        draft.write_text(_EXAMPLE.format(name=name, data_dir=data_dir, mode=mode), encoding="utf-8")
        settings = load(draft, {})
    except SettingsError as error:
        draft.unlink(missing_ok=True)
        raise SettingsError(str(error).replace(str(draft), "init")) from None
    except OSError as error:
        raise SettingsError(f"{config}: cannot be written: {error.strerror}") from None
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not key_path(settings.data_dir).exists():
            write_key(settings.data_dir, GatewayKey.generate())
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SettingsError(f"{settings.data_dir}: cannot be written: {error.strerror}") from None
    open_store(settings, WallClock().now_ms()).close()
    draft.replace(config)
    click.echo(f"Settings: {config}\nData:     {settings.data_dir}")
    click.echo(f"Gateway key for buttons (gateway_key): {read_key(settings.data_dir).public_xy.hex()}")
    click.echo(
        f"Keep a copy of {key_path(settings.data_dir)} in a safe place: without it every button is enrolled anew.\n"
        f"Keep a copy of {key_file(settings).path} in another, away from backups: without it no owner can be read."
    )


@click.command()
@config_option
@told_plainly
def key(config: Path) -> None:
    """Print the gateway's public key, as a button's settings want it."""
    click.echo(read_key(load(config).data_dir).public_xy.hex())


@click.command(name="settings")
@click.option("--markdown", "as_document", is_flag=True, help="As a document: gateway/SETTINGS.md.")
def show_settings(as_document: bool) -> None:
    """List every setting with its default and what it does."""
    if as_document:
        click.echo(markdown(), nl=False)
        return
    for name, default, description in reference():
        click.echo(f"{name} ({default})\n    {description}")


@click.command()
def webhook_secret() -> None:
    """Make a key to sign webhooks with; the receiver needs the same."""
    click.echo("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())


@click.command()
def operator_hash() -> None:
    """Ask for an operator's password and print what belongs into [console.operators]."""
    from pwdlib import PasswordHash

    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if len(password) < 8:
        raise click.ClickException("a password of fewer than 8 characters protects nothing; use a longer one")
    click.echo(PasswordHash.recommended().hash(password))
