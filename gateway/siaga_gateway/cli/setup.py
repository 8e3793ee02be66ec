"""For the administrator: the first start, keys and secrets, the settings reference."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.gateway_key import key_path, read_key, write_key
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.common import config_option, told_plainly
from siaga_gateway.cli.localized_commands import tell
from siaga_gateway.cli.typed_password import typed_password
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.config.reference import markdown, reference
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.formats.mosquitto import GATEWAY

_EXAMPLE = """\
# Settings of the Siaga gateway. `siaga gateway settings` lists all of them.
name = "{name}"
data_dir = "{data_dir}"
mode = "{mode}"          # actual | exercise
{site}
# Where the buttons are: a circle about your province, so that an installed place with a lost minus sign is asked about.
#
# [area]
# latitude = -4.3
# longitude = 120.2
# radius_km = 350

# Everything is kept by SQLite in data_dir, unless PostgreSQL is named here; several workers need that.
#
# [store]
# host = "/var/run/postgresql"
# dbname = "siaga"

[mqtt]
host = "127.0.0.1"
port = 1883
{broker}
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
#
# [sms.webhook]
# port = 8111
# provider = "twilio"        # generic | twilio | infobip | vonage | zenziva
# secret = "..."             # better in SIAGA_GATEWAY__SMS__WEBHOOK__SECRET
# public_url = "https://sms.example.org/sms"

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
# kind = "webhook"       # webhook | cap_http | cap_folder | dc09 | mqtt
# url = "https://cad.example/siaga"
# secret = "whsec_..."   # `siaga gateway webhook-secret` makes one

# How officers and stations are told; as many as you like.
#
# [[ways]]
# name = "ntfy"
# kind = "ntfy"          # ntfy | telegram | whatsapp | push | email | sms | phone | apprise
# url = "https://ntfy.example"
# token = "tk_..."       # better in SIAGA_GATEWAY__WAYS__NTFY__TOKEN
"""

_EXAMPLE_SITE = """
# Whose gateway it is: what its pages are called, the time that its people live by (WIB: Asia/Jakarta, WITA:
# Asia/Makassar, WIT: Asia/Jayapura), and what the map shows, in degrees. These are South Sulawesi's.
#
# [site]
# name = "Polda Sulawesi Selatan"
# time_zone = "Asia/Makassar"
# languages = ["id", "en"]
# emergency_number = "110"
#
# [site.map]
# west = 118.7
# south = -7.8
# east = 122.2
# north = -1.8
"""

_BROKER = """\
user = "{user}"
password = "{password}"
retained_status = false

[broker]
passwords = "{folder}/passwords"

# The broker's certificate is looked at as the buttons see it.
[certificates]
servers = ["127.0.0.1:8883"]
"""


def _site(name: str | None, time_zone: str | None) -> str:
    """Return the section as given; an example where nothing is."""
    given = {"name": name, "time_zone": time_zone}
    if not any(given.values()):
        return _EXAMPLE_SITE
    return "\n[site]\n" + "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in given.items() if value is not None
    )


def _example(name: str, data_dir: Path, mode: str, broker: Path | None, site: str) -> str:
    fits = ""
    if broker is not None:
        fits = _BROKER.format(user=GATEWAY, password=secrets.token_urlsafe(24), folder=broker)
    return _EXAMPLE.format(name=name, data_dir=data_dir, mode=mode, broker=fits, site=site)


@click.command()
@config_option
@click.option("--name", required=True)
@click.option("--data", "data_dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--site")
@click.option("--time-zone")
@click.option("--mode", type=click.Choice(["actual", "exercise"]), default="actual", show_default=True)
@click.option(
    "--broker",
    type=click.Path(file_okay=False, path_type=Path),
    callback=lambda _context, _parameter, folder: None if folder is None else folder.absolute(),
)
@told_plainly
def init(
    config: Path, name: str, data_dir: Path, site: str | None, time_zone: str | None, mode: str, broker: Path | None
) -> None:
    from siaga_gateway.adapters.sql import key_file, open_store  # `key` and `settings` do not wait for the store

    if config.exists():
        raise SettingsError("settings.there", config=config)
    # Checked before anything is written: a wrong name must not leave half an installation.
    draft = config.with_name(f".{config.name}.draft")
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        draft.touch(mode=0o600 if broker is not None else 0o644)
        draft.write_text(_example(name, data_dir, mode, broker, _site(site, time_zone)), encoding="utf-8")
        settings = load(draft, {})
    except SettingsError as error:
        draft.unlink(missing_ok=True)
        raise error.of("init") from None
    except OSError as error:
        raise SettingsError("settings.unwritten", config=config, why=error) from None
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not key_path(settings.data_dir).exists():
            write_key(settings.data_dir, GatewayKey.generate())
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SettingsError("settings.folder_unwritten", data_dir=settings.data_dir, why=error) from None
    open_store(settings, WallClock().now_ms(), make=True).close()
    draft.replace(config)
    tell("setup.made", config=config, folder=settings.data_dir)
    tell("setup.key", named=read_key(settings.data_dir).public_xy.hex())
    tell("setup.keep", named=key_path(settings.data_dir), personal_key=key_file(settings).path)


@click.command()
@config_option
@told_plainly
def key(config: Path) -> None:
    click.echo(read_key(load(config).data_dir).public_xy.hex())


@click.command(name="settings")
@click.option("--markdown", "as_document", is_flag=True)
def show_settings(as_document: bool) -> None:
    if as_document:
        click.echo(markdown(), nl=False)
        return
    for name, default, description in reference(reader_language(os.environ)):
        click.echo(f"{name} ({default})\n    {description}")


@click.command()
def webhook_secret() -> None:
    click.echo("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())


@click.command()
def operator_hash() -> None:
    from pwdlib import PasswordHash

    click.echo(PasswordHash.recommended().hash(typed_password()))
