"""For whoever watches a gateway from elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from siaga_gateway.bootstrap.quick_imports import quick_imports
from siaga_gateway.cli.common import config_option, told_plainly


@click.command()
@config_option
@click.argument("url")
@told_plainly
def watch(config: Path, url: str) -> None:
    with quick_imports():
        from siaga_gateway.bootstrap.watcher import watch as run

    run(config, url)
