"""For the administrator: the gateway itself."""

from __future__ import annotations

from pathlib import Path

import click

from siaga_gateway.bootstrap.quick_imports import quick_imports
from siaga_gateway.cli.common import config_option, told_plainly
from siaga_gateway.domain.limits import MOST_WORKERS


def _seat(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    number, _, of = value.partition("/")
    return int(number), int(of)


@click.command()
@config_option
@click.option("--workers", type=click.IntRange(1, MOST_WORKERS))
@click.option("--worker", "seat", hidden=True, callback=_seat)
@told_plainly
def run(config: Path, workers: int | None, seat: tuple[int, int] | None) -> None:
    with quick_imports():
        from siaga_gateway.bootstrap.gateway import serve, serve_as

    if seat is None:
        serve(config, workers)
    else:
        serve_as(config, *seat)
