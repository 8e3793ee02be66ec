"""`siaga demo`: the options, the choice of a view, and the commands from another terminal."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from siaga_tools.demo.commands import BUTTONS
from siaga_tools.demo.control import ask
from siaga_tools.words import Trouble, language_of, say

_LANGUAGE = language_of(os.environ)
_NUMBER = click.Choice([str(number) for number in BUTTONS])


def _help(name: str) -> str:
    return say(f"help.{name}", _LANGUAGE)


def _give_up(trouble: Trouble, language: str) -> NoReturn:
    click.echo(f"siaga: {trouble.say(language)}", err=True)
    sys.exit(1)


@click.group(invoke_without_command=True, help=_help("demo"))
@click.option("--once", is_flag=True, help=_help("once"))
@click.option("--json", "as_json", is_flag=True, help=_help("json"))
@click.option("--plain", is_flag=True, help=_help("plain"))
@click.option("--fast", is_flag=True, help=_help("fast"))
@click.option("--language", type=click.Choice(["id", "en"]), help=_help("language"))
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
        # Each of the demo's packages, before anything is started.
        import iotcore  # noqa: F401
        import textual  # noqa: F401

        from siaga_tools.demo.run import DemoOptions
    except ImportError as error:
        _give_up(Trouble("extra_missing", module=error.name or error), language)
    options = DemoOptions(
        language=language,
        data=data,
        broker_port=broker_port,
        console_port=console_port,
        micropython=micropython,
        fast=fast,
        recover=not once,
    )
    if once:
        from siaga_tools.demo.once import press_once

        sys.exit(asyncio.run(press_once(options, as_json=as_json)))
    if plain or as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from siaga_tools.demo.plain import run_plain

        sys.exit(asyncio.run(run_plain(options)))
    from siaga_tools.demo.full import run_view

    sys.exit(asyncio.run(run_view(options)))


def _tell(language: str, line: str, as_json: bool = False) -> None:
    try:
        answer = ask(line)
    except Trouble as trouble:
        _give_up(trouble, language)
    if as_json:
        click.echo(json.dumps(answer))
    else:
        _show(answer, language)


def _show(answer: dict[str, Any], language: str) -> None:
    if "hops" not in answer:
        click.echo(say("plain.done", language))
        return
    from siaga_tools.demo.trail import Trail
    from siaga_tools.demo.wording import hop_table

    trail = Trail.from_facts(answer)
    click.echo(say("plain.hops_of", language, button=trail.button, counter=trail.counter))
    click.echo(hop_table(trail, language))
    click.echo(say("plain.total", language, ms=trail.total_ms))


@demo.command(help=_help("press"))
@click.argument("button", type=_NUMBER)
@click.option("--json", "as_json", is_flag=True, help=_help("json"))
@click.pass_obj
def press(language: str, button: str, as_json: bool) -> None:
    _tell(language, f"p {button}", as_json)


@demo.command(help=_help("test"))
@click.argument("button", type=_NUMBER)
@click.option("--json", "as_json", is_flag=True, help=_help("json"))
@click.pass_obj
def test(language: str, button: str, as_json: bool) -> None:
    _tell(language, f"t {button}", as_json)


@demo.command(help=_help("cancel"))
@click.argument("button", type=_NUMBER)
@click.pass_obj
def cancel(language: str, button: str) -> None:
    _tell(language, f"c {button}")


@demo.command(help=_help("network"))
@click.argument("button", type=_NUMBER)
@click.argument("state", type=click.Choice(["on", "off"]))
@click.pass_obj
def network(language: str, button: str, state: str) -> None:
    _tell(language, f"n {button} {state}")


@demo.command(name="kill-gateway", help=_help("kill_gateway"))
@click.pass_obj
def kill_gateway(language: str) -> None:
    _tell(language, "g")


@demo.command(name="quit", help=_help("quit"))
@click.pass_obj
def quit_demo(language: str) -> None:
    _tell(language, "q")
