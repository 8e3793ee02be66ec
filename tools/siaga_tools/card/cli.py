"""`siaga device card`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from siaga_gateway import catalogue
from siaga_tools.card.make import card as make_card
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
        page = make_card(find_firmware().parent, languages, _read(settings))
    except Trouble as trouble:
        click.echo(f"siaga: {trouble.say(_LANGUAGE)}", err=True)
        sys.exit(1)
    if output is None:
        click.echo(page, nl=False)
    else:
        output.write_text(page, encoding="utf-8")


def _read(path: Path | None) -> dict[str, Any]:
    """The settings that the card tells. Raises Trouble (`card_settings`) with what is wrong."""
    if path is None:
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, dict):
            raise ValueError("no JSON object")
        for name, kinds in _TOLD.items():
            if name in told and (type(told[name]) is not kinds or (told[name] is not True and told[name] < 0)):
                raise ValueError(f"{name} = {told[name]!r}")
    except (OSError, ValueError) as error:
        raise Trouble("card_settings", path=path, why=error) from error
    return {name: told[name] for name in _TOLD if name in told}


_TOLD: Final[dict[str, type]] = {
    "hold_ms": int,
    "cancel_hold_ms": int,
    "no_ack_s": int,
    "low_battery": int,
    "triple_tap": bool,
    "silent": bool,
}
