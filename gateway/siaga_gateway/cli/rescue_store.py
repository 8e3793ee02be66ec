"""For the administrator: a store that SQLite can no longer read."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.bootstrap.preflight import check_folder, lock_folder
from siaga_gateway.bootstrap.store_rescue import rescue_store
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.common import by_option, config_option, told_plainly
from siaga_gateway.config.loading import SettingsError, load

_TELL_S: Final = 2.0


@click.command()
@config_option
@click.option("--backup", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@by_option
@told_plainly
def rescue(config: Path, backup: Path | None, actor: str) -> None:
    settings = load(config)
    if settings.store.shared:
        raise SettingsError("rescue.postgresql")
    check_folder(settings.data_dir)
    with lock_folder(settings.data_dir):
        report = rescue_store(settings, WallClock(), actor=actor, backup=backup, progress=_Progress())
    for line in report.lines():
        click.echo(line.say(_language()))


def _language() -> str:
    return reader_language(os.environ)


class _Progress:
    """Prints a line to stderr now and then: a big store takes minutes."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _TELL_S

    def __call__(self, what: str, done: int, of: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _TELL_S
            said = Localized(f"rescue.at_{what}", done=done, of=of).say(_language())
            click.echo(said, err=True)
