"""A settings file, judged where it is written: by the firmware's own rules, run by the button's interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from siaga_tools.interpreter import find_firmware, find_micropython
from siaga_tools.mpy import speaking_sources
from siaga_tools.simulate.wiring import BOARDS
from siaga_tools.words import Trouble

_DEADLINE_S: Final = 30.0
_PROGRAM: Final = """
import json, sys
from siaga import words
words.language = sys.argv[2]
from siaga.app.settings import SettingError, read
from siaga.drivers.parts import Network
class Wifi(Network):
    needs_ssid = True
try:
    settings = read(sys.stdin.buffer.read())
    print(json.dumps({"ways": settings.ways(Wifi(), sys.argv[1] == "modem", True)}))
except SettingError as error:
    print(json.dumps({"why": str(error)}))
"""


def read_settings(path: Path, language: str, *, board: str = "", micropython: str | None = None) -> dict[str, Any]:
    """The settings in a file. language: of whoever wrote it, `id` or `en`. board: one of BOARDS, which they must give a
    way to the command centre; "" = any.

    Raises Trouble: `settings_wrong` with the setting's name and what is right, `settings_reach_nobody`, those of
    find_micropython() and find_firmware().
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Trouble("settings_wrong", file=path, why=error.strerror or error) from error
    judged = _judged(raw, bool(board) and BOARDS[board].modem is not None, language, micropython)
    if "why" in judged:
        raise Trouble("settings_wrong", file=path, why=judged["why"])
    if board and not judged["ways"]:
        raise Trouble("settings_reach_nobody", file=path, board=board)
    settings: dict[str, Any] = json.loads(raw)
    return settings


def _judged(raw: bytes, has_modem: bool, language: str, micropython: str | None) -> dict[str, Any]:
    """What the firmware says of it: `why` it is refused, or the `ways` that it gives."""
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
        raise Trouble("micropython_unfit", path=interpreter, why=f"> {_DEADLINE_S:.0f} s") from error
    except (OSError, ValueError) as error:
        raise Trouble("micropython_unfit", path=interpreter, why=error) from error
    return judged
