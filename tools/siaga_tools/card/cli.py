"""`siaga device card`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from siaga_gateway import catalogue
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.config.site import SiteSettings
from siaga_tools.card.make import card as make_card
from siaga_tools.micropython import find_firmware
from siaga_tools.settings_check import read_settings

_LANGUAGE: Final = reader_language(os.environ)


def _help(name: str) -> str:
    return catalogue.text(f"card.help.{name}", _LANGUAGE)


@click.command(help=_help("card"))
@click.option("--language", type=click.Choice([*catalogue.LANGUAGES, "both"]), default="both", help=_help("language"))
@click.option("--settings", type=click.Path(path_type=Path, dir_okay=False, exists=True), help=_help("settings"))
@click.option("--emergency", default=SiteSettings().emergency_number, show_default=True, help=_help("emergency"))
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False, writable=True), help=_help("output"))
def card(language: str, settings: Path | None, emergency: str, output: Path | None) -> None:
    languages = catalogue.LANGUAGES if language == "both" else (language,)
    told = read_settings(settings, _LANGUAGE) if settings else None
    page = make_card(find_firmware().parent, languages, told, emergency=emergency)
    if output is None:
        click.echo(page, nl=False)
    else:
        output.write_text(page, encoding="utf-8")
