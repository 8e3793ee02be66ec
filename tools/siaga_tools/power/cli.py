"""`siaga device power`."""

from __future__ import annotations

import json
import os
import sys
from typing import Final

import click

from siaga_gateway import catalogue
from siaga_gateway.catalogue.language import reader_language
from siaga_tools.power.figures import book
from siaga_tools.power.model import Usage, life
from siaga_tools.power.report import detail, facts, markdown, table

_LANGUAGE: Final = reader_language(os.environ)
_BOOK: Final = book()


def _help(name: str) -> str:
    return catalogue.text(f"power.help.{name}", _LANGUAGE)


@click.command(help=_help("power"))
@click.option("--board", type=click.Choice(list(_BOOK.boards)), help=_help("board"))
@click.option("--profile", type=click.Choice(list(_BOOK.profiles)), help=_help("profile"))
@click.option(
    "--capacity", type=click.FloatRange(100, 100_000), default=3000, show_default=True, help=_help("capacity")
)
@click.option("--lora", is_flag=True, help=_help("lora"))
@click.option(
    "--incident-minutes", type=click.FloatRange(0, 525_600), default=30, show_default=True,
    help=_help("incident_minutes"),
)  # fmt: skip
@click.option("--fixes-per-day", type=click.FloatRange(0, 1440),
              help=_help("fixes_per_day"))  # fmt: skip
@click.option("--keepalive", type=click.FloatRange(0, 86_400), help=_help("keepalive"))
@click.option("--json", "as_json", is_flag=True, help=_help("json"))
@click.option("--markdown", "as_markdown", is_flag=True, help=_help("markdown"))
@click.option("--language", type=click.Choice(catalogue.LANGUAGES), default=_LANGUAGE)
def power(
    board: str | None,
    profile: str | None,
    capacity: float,
    lora: bool,
    incident_minutes: float,
    fixes_per_day: float | None,
    keepalive: float | None,
    as_json: bool,
    as_markdown: bool,
    language: str,
) -> None:
    use = Usage(capacity, lora, incident_minutes, fixes_per_day, keepalive)
    if board and profile and profile not in _BOOK.boards[board].profiles:
        known = ", ".join(_BOOK.boards[board].profiles)
        text = catalogue.text(
            "power.trouble.no_such_profile", language, board=_BOOK.boards[board].name, profile=profile, known=known
        )
        click.echo(f"siaga: {text}", err=True)
        sys.exit(1)
    asked = [
        life(_BOOK, name, each, use)
        for name in _BOOK.boards
        for each in _BOOK.boards[name].profiles
        if board in (None, name) and profile in (None, each)
    ]
    if as_json:
        click.echo(json.dumps({"use": vars(use), "lives": [facts(_BOOK, answer) for answer in asked]}))
    elif as_markdown:
        click.echo(markdown(_BOOK, use, language))
    elif board or profile:
        click.echo("\n\n".join(detail(_BOOK, answer, language) for answer in asked))
    else:
        click.echo(table(_BOOK, use, language))
