"""`siaga device card`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import click

from siaga_gateway import catalogue
from siaga_tools.card.make import card as make_card
from siaga_tools.checked_settings import read_settings
from siaga_tools.interpreter import find_firmware
from siaga_tools.words import Trouble, language_of

_LANGUAGE: Final = language_of(os.environ)


def _help(name: str) -> str:
    return catalogue.text(f"card.help.{name}", _LANGUAGE)


@click.command(help=_help("card"))
@click.option("--language", type=click.Choice([*catalogue.LANGUAGES, "both"]), default="both", help=_help("language"))
@click.option("--settings", type=click.Path(path_type=Path, dir_okay=False, exists=True), help=_help("settings"))
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False, writable=True), help=_help("output"))
def card(language: str, settings: Path | None, output: Path | None) -> None:
    languages = catalogue.LANGUAGES if language == "both" else (language,)
    try:
        page = make_card(find_firmware().parent, languages, read_settings(settings, _LANGUAGE) if settings else None)
    except Trouble as trouble:
        click.echo(f"siaga: {trouble.say(_LANGUAGE)}", err=True)
        sys.exit(1)
    if output is None:
        click.echo(page, nl=False)
    else:
        output.write_text(page, encoding="utf-8")
