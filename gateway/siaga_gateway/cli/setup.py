"""For the administrator: the first start, keys and secrets, the settings reference."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.gateway_key import key_path, read_key, write_key
from siaga_gateway.bootstrap.setup.settings_text import NewSettings
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.common import config_option, told_plainly
from siaga_gateway.cli.localized_commands import tell
from siaga_gateway.cli.typed_password import typed_password
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.config.reference import markdown, reference
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.frame_authentication import GatewayKey


@click.command()
@config_option
@click.option("--name", required=True)
@click.option("--data", "data_dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--site")
@click.option("--time-zone")
@click.option("--mode", type=click.Choice(["actual", "exercise"]), default="actual", show_default=True)
@click.option("--complete", is_flag=True)
@click.option(
    "--broker",
    type=click.Path(file_okay=False, path_type=Path),
    callback=lambda _context, _parameter, folder: None if folder is None else folder.absolute(),
)
@told_plainly
def init(
    config: Path,
    name: str,
    data_dir: Path,
    site: str | None,
    time_zone: str | None,
    mode: str,
    complete: bool,
    broker: Path | None,
) -> None:
    from siaga_gateway.adapters.sql import key_file  # `key` and `settings` do not wait for the store

    if complete:
        settings = load(config)
        if settings.name != name:
            raise SettingsError("settings.another", config=config, found=settings.name, name=name)
        _make(settings)
        tell("setup.key", named=read_key(settings.data_dir).public_xy.hex())
        return
    if config.exists():
        raise SettingsError("settings.there", config=config)
    # Checked before anything is written: a wrong name must not leave half an installation.
    draft = config.with_name(f".{config.name}.draft")
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        draft.touch(mode=0o600 if broker is not None else 0o644)
        draft.write_text(NewSettings(name, data_dir, mode, site, time_zone, broker=broker).text(), encoding="utf-8")
        settings = load(draft, {})
    except SettingsError as error:
        draft.unlink(missing_ok=True)
        raise error.of("init") from None
    except OSError as error:
        raise SettingsError("settings.unwritten", config=config, why=error) from None
    try:
        _make(settings)
    except SettingsError:
        draft.unlink(missing_ok=True)
        raise
    draft.replace(config)
    tell("setup.made", config=config, folder=settings.data_dir)
    tell("setup.key", named=read_key(settings.data_dir).public_xy.hex())
    tell("setup.keep", named=key_path(settings.data_dir), personal_key=key_file(settings).path)


def _make(settings: Settings) -> None:
    """Make what is missing of folder, key and store. Raises: SettingsError."""
    from siaga_gateway.adapters.sql import open_store

    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not key_path(settings.data_dir).exists():
            write_key(settings.data_dir, GatewayKey.generate())
    except OSError as error:
        raise SettingsError("settings.folder_unwritten", data_dir=settings.data_dir, why=error) from None
    open_store(settings, WallClock().now_ms(), make=True).close()


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
