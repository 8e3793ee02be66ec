"""`siaga device simulate`, and `siaga device files` for a real chip."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Final

import click

from siaga_gateway import catalogue
from siaga_gateway.catalogue.language import reader_language
from siaga_tools.board_wiring import BOARDS
from siaga_tools.install_source import install_command
from siaga_tools.messages import Trouble
from siaga_tools.micropython import find_firmware

_LANGUAGE: Final = reader_language(os.environ)


def _help(name: str) -> str:
    return catalogue.text(f"simulate.option.{name}", _LANGUAGE)


@click.command(help=_help("simulate"))
@click.option("--board", type=click.Choice(list(BOARDS)), default="t_a7670", show_default=True, help=_help("board"))
@click.option("--lorawan", is_flag=True, help=_help("lorawan"))
@click.option("--settings", type=click.Path(path_type=Path, dir_okay=False, exists=True), help=_help("settings"))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help=_help("data"))
@click.option("--speed", type=click.FloatRange(0.1, 100), default=1.0, show_default=True, help=_help("speed"))
@click.option("--at", is_flag=True, help=_help("at"))
@click.option("--plain", is_flag=True, help=_help("plain"))
@click.option("--json", "as_json", is_flag=True, help=_help("json"))
@click.option("--language", type=click.Choice(["id", "en"]), default=_LANGUAGE, help=_help("language"))
@click.option("--heap", help=_help("heap"))
@click.option("--micropython", help=_help("micropython"))
def simulate(
    board: str,
    lorawan: bool,
    settings: Path | None,
    data: Path | None,
    speed: float,
    at: bool,
    plain: bool,
    as_json: bool,
    language: str,
    heap: str | None,
    micropython: str | None,
) -> None:
    try:
        # Check each of its packages before anything is started.
        import iotcore  # noqa: F401
        import textual  # noqa: F401

        from siaga_tools.simulate.session import Options
    except ImportError as error:
        raise Trouble("extra_missing", module=error.name or error, install=install_command("demo")) from error
    options = Options(board, language, lorawan, settings, data, speed, at, micropython, heap)
    if plain or as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from siaga_tools.simulate.line_view import run_plain

        sys.exit(asyncio.run(run_plain(options, as_json)))
    from siaga_tools.simulate.screen_view import run_view

    sys.exit(asyncio.run(run_view(options)))


@click.command(help=_help("files"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--board", type=click.Choice(list(BOARDS)), required=True, help=_help("board"))
@click.option("--settings", type=click.Path(path_type=Path, dir_okay=False, exists=True), help=_help("files_settings"))
@click.option("--language", type=click.Choice(["id", "en"]), default=_LANGUAGE, help=_help("language"))
def files(folder: Path, board: str, settings: Path | None, language: str) -> None:
    from siaga_tools.settings_check import read_settings
    from siaga_tools.simulate.flash_image import lay_out

    try:
        if settings is not None:
            read_settings(settings, language, board=board)
        if folder.is_dir() and any(folder.iterdir()):
            raise Trouble("files_folder", folder=folder)
        folder.mkdir(parents=True, exist_ok=True)
        laid = lay_out(find_firmware().parent, folder, board)
        if settings is not None:
            laid.append(Path(shutil.copy(settings, folder / "settings.json")))
    except OSError as error:
        raise Trouble("folder_unusable", folder=folder, why=error) from error
    names = " ".join(path.name for path in laid)
    click.echo(catalogue.text("simulate.files.done", language, count=len(laid), folder=folder))
    click.echo(f"cd {folder} && mpremote cp {names} : + reset")
