"""`siaga device`: a virtual button by hand, and information about real ones."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import click

from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.localized_commands import LocalizedGroup
from siaga_tools.card.cli import card
from siaga_tools.demo.site import EMERGENCY
from siaga_tools.firmware_build.bytecode import runnable
from siaga_tools.firmware_build.cli import check_bundle, make_bundle, release_key
from siaga_tools.messages import Trouble, say
from siaga_tools.micropython import check_micropython, find_firmware, find_micropython
from siaga_tools.power.cli import power
from siaga_tools.process.child import ending as ending_of
from siaga_tools.process.shutdown import cancelled_by_signals
from siaga_tools.process.stdin_lines import typed_lines
from siaga_tools.signal_styles import signal_meaning, signal_text
from siaga_tools.simulate.cli import files, simulate
from siaga_tools.simulate.log_view import KINDS, text
from siaga_tools.virtual_button import ButtonEvent, ButtonFiles, HoldTimes, VirtualButton

_LANGUAGE: Final = reader_language(os.environ)
_LAST_HOLD_S: Final = 15.0


def _help(name: str) -> str:
    return say(f"help.{name}", _LANGUAGE)


@click.group(cls=LocalizedGroup, help=_help("device"))
def device() -> None:
    pass


for _command in (card, power, simulate, files, release_key, make_bundle, check_bundle):
    device.add_command(_command)


@device.command(help=_help("device_run"))
@click.option("--flash", type=click.Path(path_type=Path, dir_okay=False), required=True, help=_help("flash"))
@click.option("--settings", type=click.Path(path_type=Path, dir_okay=False, exists=True), help=_help("settings"))
@click.option("--json", "as_json", is_flag=True, help=_help("device_json"))
@click.option("--language", type=click.Choice(["id", "en"]), default=_LANGUAGE, help=_help("language"))
@click.option("--micropython", help=_help("micropython"))
def run(flash: Path, settings: Path | None, as_json: bool, language: str, micropython: str | None) -> None:
    interpreter = find_micropython(micropython)
    check_micropython(interpreter)
    with tempfile.TemporaryDirectory(prefix="siaga-firmware-") as room:
        files = ButtonFiles(
            micropython=interpreter,
            firmware=runnable(find_firmware().parent, Path(room)),
            flash=flash.resolve(),
            settings=settings.resolve() if settings else None,
            language=language,
        )
        code = asyncio.run(ButtonConsole(files, language, as_json).run())
    sys.exit(code)


class ButtonConsole:
    """One button, what it shows, and its typed commands."""

    def __init__(self, files: ButtonFiles, language: str, as_json: bool) -> None:
        self._files = files
        self._language = language
        self._as_json = as_json
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Return the exit code: 0 after q, the end of input or Ctrl-C. Raises Trouble if the button ends by itself."""
        with cancelled_by_signals() as ending:
            button = await VirtualButton.start("button", self._files, on_event=self._show, holds=self._holds())
            reading = asyncio.ensure_future(self._read(button))
            ended = asyncio.ensure_future(button.ended())
            try:
                await asyncio.wait((reading, ended), return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    raise Trouble(
                        "button_ended", name="button", code=ending_of(ended.result()), why=button.last_words()
                    )
                reading.result()
            except asyncio.CancelledError:
                return ending.asked_code
            finally:
                ending.listening = False
                for task in (reading, ended, *self._under_way):
                    task.cancel()
                await button.stop()
        return 0

    def _holds(self) -> HoldTimes:
        """Return this button's hold times from its settings; if they are wrong, the button says so itself."""
        told: dict[str, Any] = {}
        if self._files.settings is not None:
            try:
                told = json.loads(self._files.settings.read_text(encoding="utf-8"))
                return HoldTimes(int(told.get("hold_ms", 2000)), int(told.get("cancel_hold_ms", 5000)))
            except (OSError, ValueError, TypeError, AttributeError):
                pass
        return HoldTimes()

    async def _read(self, button: VirtualButton) -> None:
        async for line in typed_lines():
            if not await self._obey(button, line):
                break
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_LAST_HOLD_S)

    async def _obey(self, button: VirtualButton, line: str) -> bool:
        """Carry out one typed line; False ends the run."""
        match line.lower().split():
            case []:
                pass
            case ["q" | "quit"]:
                return False
            case ["h" | "help" | "?"]:
                self._print(say("plain.device_help", self._language))
            case ["p" | "press"]:
                self._start(button.press())
            case ["c" | "cancel"]:
                self._start(button.cancel())
            case ["t" | "test"]:
                self._start(button.test())
            case ["n", "on" | "off" as state]:
                await button.network(state == "on")
            case _:
                await button.tell(line)  # an error event is the button's own answer to unknown lines
        return True

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _show(self, event: ButtonEvent) -> None:
        if self._as_json:
            self._print(json.dumps({"t": event.at_ms, "ev": event.kind, **event.facts}))
            return
        language, facts = self._language, dict(event.facts)
        match event.kind:
            case "start":
                self._say("ready", device_id=facts["device_id"], version=facts["version"])
            case "state":
                self._say("state", state=facts["state"])
            case "indicator":
                signal = str(facts["signal"])
                self._say(
                    "signal",
                    signal_text=signal_text(signal, language),
                    meaning=signal_meaning(signal, language, EMERGENCY),
                )
            case "frame":
                kind, step = KINDS.get(facts["kind"], facts["kind"]), text(f"frame.{facts['step']}", language)
                self._say("frame", what=f"{kind} {facts['counter']} {step} ({facts['bearer'] or '-'})")
            case "ack" | "bearer":
                self._say(event.kind, what=_listed(facts))
            case _:
                told = facts.get("what") or f"{event.kind}: {_listed(facts)}"
                self._say("error" if event.kind == "error" else "log", what=told)

    def _say(self, name: str, **values: object) -> None:
        self._print(say(f"plain.device_{name}", self._language, **values))

    @staticmethod
    def _print(text: str) -> None:
        print(text, flush=True)


def _listed(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value != "")
