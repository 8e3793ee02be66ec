"""Commands whose help and messages are in the reader's language.

The texts are in the catalogue's `help`: a group for each command (`gateway enrol`), with `help` for the command and the
parameter's name for each option; what several commands share is under `shared`. Every command has the option
--language.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

import click

from siaga_gateway.catalogue import LANGUAGES, UnknownText, text
from siaga_gateway.catalogue.language import choose, reader_language, speak
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.click_translation import translate_click, translated
from siaga_gateway.cli.error_report import PROGRAM, errors_told
from siaga_gateway.domain.invisible_characters import visible


class LocalizedGroup(click.Group):
    """A group that translates itself and its commands whenever they are used."""

    group_class = type  # its subgroups are of the same class

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if parent is None:
            speak(choose(args, os.environ))
            translate_click()
            put_into_words(self, self.name or PROGRAM)
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        if ctx.parent is not None:
            return super().invoke(ctx)
        with safe_output(), localized_log(), errors_told():
            return super().invoke(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        return None if command is None else in_words(ctx, cmd_name, command)


class LocalizedOption(click.Option):
    """An option that an environment variable may set, which click documents only in English."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        hint = super().get_error_hint(ctx)
        named = translated("env var: {var}").format(var=f"'{self.envvar}'")
        return hint.replace(f"(env var: '{self.envvar}')", f"({named})")


class _SafeOutput:
    """A text stream that shows hidden characters as such, and passes no terminal escape sequences."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"{type(text).__name__} is no text")
        return int(self._stream.write(visible(text, lines=True)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def safe_output() -> Iterator[None]:
    """Print names, labels and notes with hidden characters visible."""
    before = sys.stdout
    sys.stdout = _SafeOutput(before)
    try:
        yield
    finally:
        sys.stdout = before


class _LocalizedLog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        message = record.msg if isinstance(record.msg, Localized) else record.getMessage()
        told = message.say(reader_language(os.environ)) if isinstance(message, Localized) else message
        click.echo(visible(f"{PROGRAM}: {told}", lines=True), err=True)


@contextlib.contextmanager
def localized_log() -> Iterator[None]:
    """Log in the command's language for the parts that it uses.

    The gateway itself, and whoever has configured logging before, keep their own way.
    """
    root = logging.getLogger()
    if root.handlers:
        yield
        return
    handler = _LocalizedLog(logging.WARNING)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


def in_words(ctx: click.Context, name: str, command: click.Command) -> click.Command:
    """Return a command of this context's group in the reader's language."""
    names = [name]
    above: click.Context | None = ctx
    while above is not None:
        names.append(above.command.name or "")
        above = above.parent
    put_into_words(command, " ".join(each for each in reversed(names) if each not in ("", PROGRAM)))
    return command


def put_into_words(command: click.Command, path: str) -> None:
    """Set the help of a command and its parameters. What the catalogue lacks stays as it is."""
    language = reader_language(os.environ)
    if not any(parameter.name == "language" for parameter in command.params):
        command.params.append(click.Option(["--language"], type=click.Choice(LANGUAGES), expose_value=False))
    command.help = _text(language, command.help, f"{path}.help")
    command.options_metavar = "[OPSI]" if language == "id" else "[OPTIONS]"
    if isinstance(command, click.Group):
        command.subcommand_metavar = "PERINTAH [ARGUMEN]..." if language == "id" else "COMMAND [ARGS]..."
    for parameter in command.params:
        if isinstance(
            parameter.type, click.Path
        ):  # which click names when it is made, before anybody's language is known
            parameter.type.name = translated(_kind_of(parameter.type))
        if isinstance(parameter, click.Option):
            parameter.help = _text(language, parameter.help, f"{path}.{parameter.name}", f"shared.{parameter.name}")


def _kind_of(path: click.Path) -> str:
    if path.file_okay == path.dir_okay:
        return "path"
    return "file" if path.file_okay else "directory"


def _text(language: str, otherwise: str | None, *keys: str) -> str | None:
    for key in keys:
        try:
            return text(f"help.{key}", language)
        except UnknownText:
            continue
    return otherwise


def say(key: str, /, **values: object) -> str:
    """Return a text of the catalogue's `commands` in the reader's language."""
    return Localized(f"commands.{key}", **values).say(reader_language(os.environ))


def tell(key: str, /, **values: object) -> None:
    """Print it."""
    click.echo(say(key, **values))


def to_the_letter(text: str) -> None:
    """Print exactly what a file or another program needs, as evidence; a terminal gets it in safe form."""
    click.echo(text if sys.stdout.isatty() else text.encode())


def complain(key: str, /, **values: object) -> None:
    """Print it on stderr, as it is not a result."""
    click.echo(visible(say(key, **values), lines=True), err=True)
