"""The `siaga` command. It imports a group only when that group is used, so that `siaga --help` is quick and the gateway
runs where the demo's packages are not installed."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Final

import click

from siaga_tools.words import Trouble, language_of, say

# name: (module, attribute); its help is `help.<name>` of the catalogue
_GROUPS: Final = {
    "demo": ("siaga_tools.demo.cli", "demo"),
    "device": ("siaga_tools.device", "device"),
    "bench": ("siaga_tools.load.cli", "bench"),
    "gateway": ("siaga_gateway.cli", "gateway"),
}


class LazyGroup(click.Group):
    """A group whose sub-groups are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _GROUPS:
            return None
        module, attribute = _GROUPS[cmd_name]
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ImportError as error:
            # An unpacked part, or one whose packages are not there.
            trouble = Trouble("extra_missing", module=error.name or error)
            if cmd_name == "gateway":
                trouble = Trouble("gateway_missing", why=error)
            raise click.ClickException(trouble.say(language_of(os.environ))) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        language = language_of(os.environ)
        with formatter.section("Commands"):
            formatter.write_dl([(name, say(f"help.{name}", language)) for name in _GROUPS])


@click.command(
    cls=LazyGroup,
    help=say("help.siaga", language_of(os.environ)),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="siaga", prog_name="siaga")
def siaga() -> None:
    pass


def main() -> None:
    """The console command's entry point."""
    try:
        siaga(prog_name="siaga")
    finally:
        _spare_a_closed_terminal()


def _spare_a_closed_terminal() -> None:
    """Where the window is gone Python's own last flush would fail, and its exit code 120 hide ours."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


if __name__ == "__main__":
    main()
