"""The `siaga` command. It imports a group only when that group is used, so that `siaga --help` is fast and the gateway
runs without the demo's packages."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from siaga_gateway.bootstrap.quick_imports import own_process, quick_imports
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.click_translation import translated
from siaga_gateway.cli.error_report import tell_bugs
from siaga_gateway.cli.lazy_commands import CommandUnloadable
from siaga_gateway.cli.localized_commands import LocalizedGroup, in_words
from siaga_tools.install_source import install_command
from siaga_tools.messages import Trouble, say

# name: (module, attribute); its help is `help.<name>` of the catalogue
_GROUPS: Final = {
    "demo": ("siaga_tools.demo.cli", "demo"),
    "device": ("siaga_tools.device_cli", "device"),
    "load": ("siaga_tools.load.cli", "load"),
    "gateway": ("siaga_gateway.cli.group", "gateway"),
    "watch": ("siaga_gateway.cli.watch", "watch"),
}
# Former names of groups, and their present ones.
_FORMER: Final = {"bench": "load"}


class LazyGroup(LocalizedGroup):
    """A group whose sub-groups are imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _FORMER:
            return _pointer(cmd_name, _FORMER[cmd_name])
        if cmd_name not in _GROUPS:
            return None
        module, attribute = _GROUPS[cmd_name]
        try:
            with quick_imports():
                command: click.Command = getattr(importlib.import_module(module), attribute)
        except ImportError as error:
            # An unpacked part, or one whose packages are missing.
            if cmd_name in ("gateway", "watch"):
                raise _gateway_missing(error) from error
            trouble = Trouble("extra_missing", module=error.name or error, install=install_command("demo"))
            raise click.ClickException(trouble.say(reader_language(os.environ))) from error
        return in_words(ctx, cmd_name, command)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CommandUnloadable as error:
            raise _gateway_missing(error) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        language = reader_language(os.environ)
        with formatter.section(translated("Commands")):
            formatter.write_dl([(name, say(f"help.{name}", language)) for name in _GROUPS])


def _gateway_missing(why: ImportError) -> click.ClickException:
    trouble = Trouble("gateway_missing", why=why, install=install_command(anew=True))
    return click.ClickException(trouble.say(reader_language(os.environ)))


def _pointer(former: str, now: str) -> click.Command:
    """Return a hidden command that gives the present name, in both languages: anybody may read an old script's log."""

    def say_so(rest: tuple[str, ...]) -> NoReturn:
        for language in ("id", "en"):
            click.echo(f"siaga: {Trouble('command_renamed', former=former, now=now).say(language)}", err=True)
        sys.exit(2)

    return click.Command(
        former,
        callback=say_so,
        params=[click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        add_help_option=False,
        hidden=True,
    )


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="siaga", prog_name="siaga", message="%(prog)s %(version)s")
def siaga() -> None:
    pass


def main() -> None:
    """The console command's entry point."""
    own_process()
    tell_bugs()
    try:
        siaga(prog_name="siaga")
    finally:
        _spare_a_closed_terminal()


def _spare_a_closed_terminal() -> None:
    """If the terminal is gone, Python's own last flush would fail, and its exit code 120 hide ours."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


if __name__ == "__main__":
    main()
