"""`siaga demo`: the options, the choice of a view, and the commands from another terminal."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.localized_commands import LocalizedGroup
from siaga_tools.demo.commands import BUTTONS
from siaga_tools.demo.control_socket import ask
from siaga_tools.install_source import install_command
from siaga_tools.messages import Trouble, say

_LANGUAGE = reader_language(os.environ)
_LANGUAGES = click.Choice(["id", "en"])
F = TypeVar("F", bound=Callable[..., Any])


def _help(name: str) -> str:
    return say(f"help.{name}", _LANGUAGE)


@click.group(cls=LocalizedGroup, invoke_without_command=True, help=_help("demo"))
@click.option("--once", is_flag=True, help=_help("once"))
@click.option("--json", "as_json", is_flag=True, help=_help("json"))
@click.option("--plain", is_flag=True, help=_help("plain"))
@click.option("--fast", is_flag=True, help=_help("fast"))
@click.option("--nobody-answers", is_flag=True, help=_help("nobody_answers"))
@click.option("--story", "with_story", is_flag=True, help=_help("story_at_once"))
@click.option("--pause", type=click.FloatRange(0, 120), default=6.0, show_default=True, help=_help("pause"))
@click.option("--language", type=_LANGUAGES, help=_help("language"))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help=_help("data"))
@click.option("--broker-port", type=int, help=_help("broker_port"))
@click.option("--console-port", type=int, help=_help("console_port"))
@click.option("--micropython", help=_help("micropython"))
@click.pass_context
def demo(
    ctx: click.Context,
    once: bool,
    as_json: bool,
    plain: bool,
    fast: bool,
    nobody_answers: bool,
    with_story: bool,
    pause: float,
    language: str | None,
    data: Path | None,
    broker_port: int | None,
    console_port: int | None,
    micropython: str | None,
) -> None:
    language = language or _LANGUAGE
    ctx.obj = language
    if ctx.invoked_subcommand is not None:
        return
    try:
        # Check each of the demo's packages before anything is started.
        import iotcore  # noqa: F401
        import textual  # noqa: F401

        from siaga_tools.demo.run import DemoOptions
    except ImportError as error:
        raise Trouble("extra_missing", module=error.name or error, install=install_command("demo")) from error
    options = DemoOptions(
        language=language,
        data=data,
        broker_port=broker_port,
        console_port=console_port,
        micropython=micropython,
        fast=fast,
        recover=not once,
        answers=not nobody_answers,
        story=with_story and not once,
        pause_s=pause,
    )
    if once:
        from siaga_tools.demo.single_press import press_once

        sys.exit(asyncio.run(press_once(options, as_json=as_json)))
    if plain or as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from siaga_tools.demo.line_view import run_plain

        sys.exit(asyncio.run(run_plain(options)))
    from siaga_tools.demo.screen_app import run_view

    sys.exit(asyncio.run(run_view(options)))


def _tell(line: str, language: str, as_json: bool = False) -> None:
    """Send the running demo a command and print its answer; exit code 1 if it was not done."""
    answer = ask(line)
    if as_json:
        click.echo(json.dumps(answer))
    elif "hops" in answer:
        from siaga_tools.demo.press_trace import PressTrace
        from siaga_tools.demo.texts import result

        click.echo(result(PressTrace.from_facts(answer), language))
    else:
        click.echo(say("plain.done", language))


def _language_option(command: F) -> F:
    """Add --language to those commands too: the one before them is the default."""

    def take(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
        return value or str(ctx.obj or _LANGUAGE)

    return click.option("--language", type=_LANGUAGES, callback=take, help=_help("language"))(command)


_json_option = click.option("--json", "as_json", is_flag=True, help=_help("json"))
_button_argument = click.argument("button", type=click.Choice([str(number) for number in BUTTONS]))


@demo.command(help=_help("press"))
@_button_argument
@_json_option
@_language_option
def press(button: str, as_json: bool, language: str) -> None:
    _tell(f"p {button}", language, as_json)


@demo.command(help=_help("test"))
@_button_argument
@_json_option
@_language_option
def test(button: str, as_json: bool, language: str) -> None:
    _tell(f"t {button}", language, as_json)


@demo.command(help=_help("cancel"))
@_button_argument
@_language_option
def cancel(button: str, language: str) -> None:
    _tell(f"c {button}", language)


@demo.command(help=_help("duress"))
@_button_argument
@_language_option
def duress(button: str, language: str) -> None:
    _tell(f"d {button}", language)


@demo.command(help=_help("story"))
@_language_option
def story(language: str) -> None:
    _tell("s", language)


@demo.command(help=_help("network"))
@_button_argument
@click.argument("state", type=click.Choice(["on", "off"]))
@_language_option
def network(button: str, state: str, language: str) -> None:
    _tell(f"n {button} {state}", language)


@demo.command(name="kill-gateway", help=_help("kill_gateway"))
@_language_option
def kill_gateway(language: str) -> None:
    _tell("g", language)


@demo.command(name="quit", help=_help("quit"))
@_language_option
def quit_demo(language: str) -> None:
    _tell("q", language)
