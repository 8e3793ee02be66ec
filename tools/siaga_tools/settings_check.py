"""Checks a settings file where it is written: by the firmware's own rules, run by the button's interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from siaga_tools.board_wiring import BOARDS
from siaga_tools.firmware_build.bytecode import speaking_sources
from siaga_tools.install_source import install_command
from siaga_tools.messages import Trouble
from siaga_tools.micropython import find_firmware, find_micropython

_DEADLINE_S: Final = 30.0
_PROGRAM: Final = """
import json, sys
from siaga import long_texts as words
words.language = sys.argv[2]
from siaga.app.settings_rules import SettingError, read
from siaga.drivers.board_parts import Network
class Wifi(Network):
    needs_ssid = True
try:
    settings = read(sys.stdin.buffer.read())
    print(json.dumps({"ways": settings.ways(Wifi(), sys.argv[1] == "modem", True)}))
except SettingError as error:
    print(json.dumps({"why": str(error)}))
"""


def read_settings(path: Path, language: str, *, board: str = "", micropython: str | None = None) -> dict[str, Any]:
    """Return the settings in a file.

    language: the writer's, `id` or `en`
    board: one of BOARDS, for which they must give a bearer to the command centre; "" = any

    Raises Trouble: `settings_wrong` with the setting's name and what is right, `settings_reach_nobody`, those of
    find_micropython() and find_firmware().
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Trouble("settings_wrong", file=path, why=error) from error
    judged = _judged(raw, bool(board) and BOARDS[board].modem is not None, language, micropython)
    if "why" in judged:
        raise Trouble("settings_wrong", file=path, why=judged["why"])
    if board and not judged["ways"]:
        raise Trouble("settings_reach_nobody", file=path, board=board)
    settings: dict[str, Any] = json.loads(raw)
    return settings


def _judged(raw: bytes, has_modem: bool, language: str, micropython: str | None) -> dict[str, Any]:
    """Return the firmware's verdict: `why` it is refused, or the `ways` that it gives."""
    interpreter = find_micropython(micropython)
    firmware = find_firmware().parent
    try:
        with tempfile.TemporaryDirectory(prefix="siaga-rules-") as room:
            speaking_sources(firmware, Path(room))
            done = subprocess.run(
                [interpreter, "-c", _PROGRAM, "modem" if has_modem else "none", language],
                input=raw,
                capture_output=True,
                env={**os.environ, "MICROPYPATH": f"{room}:.frozen"},
                timeout=_DEADLINE_S,
                check=False,
            )
        judged: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise Trouble(
            "micropython_unfit", path=interpreter, why=f"> {_DEADLINE_S:.0f} s", install=install_command("demo")
        ) from error
    except (OSError, ValueError) as error:
        raise Trouble("micropython_unfit", path=interpreter, why=error, install=install_command("demo")) from error
    return judged
