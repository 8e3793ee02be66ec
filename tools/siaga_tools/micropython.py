"""Finds the virtual button's two parts: the MicroPython interpreter and the firmware."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from siaga_tools.install_source import install_command
from siaga_tools.messages import Trouble

SETTING: Final = "SIAGA_MICROPYTHON"
_PROBE_DEADLINE_S: Final = 10.0


def find_micropython(named: str | None = None, environ: Mapping[str, str] = os.environ) -> str:
    """Return the interpreter's path: the given one, else by the setting, else beside this Python, else on PATH.

    Raises Trouble (`micropython_wrong`, `micropython_missing`) with the fix.
    """
    by = "--micropython" if named else SETTING
    named = named or environ.get(SETTING)
    if named:
        found = shutil.which(named)
        if found is None:
            raise Trouble("micropython_wrong", by=by, path=named)
        return found
    beside = shutil.which("micropython", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("micropython", path=environ.get("PATH", os.defpath))
    if found is None:
        raise Trouble("micropython_missing", setting=SETTING, install=install_command("demo"))
    return found


def check_micropython(path: str) -> None:
    """Run it briefly: it must be a MicroPython with the chip's own file system.

    Raises Trouble (`micropython_unfit`) with its output.
    """
    try:
        done = subprocess.run(
            [path, "-c", "import vfs, asyncio, ssl; vfs.VfsLfs2; print('fit')"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_DEADLINE_S,
            check=False,
        )
        said = (done.stdout + done.stderr).strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    if said != "fit":
        raise Trouble(
            "micropython_unfit", path=path, why=said.rpartition("\n")[2] or "-", install=install_command("demo")
        )


def find_firmware() -> Path:
    """Return the firmware's main.py: in the checkout that this file is part of, else inside the installed package.

    Raises Trouble (`firmware_missing`).
    """
    here = Path(__file__).resolve().parent
    for folder in (here.parent.parent / "firmware", here / "firmware"):
        if (folder / "main.py").is_file() and (folder / "siaga").is_dir():
            return folder / "main.py"
    raise Trouble("firmware_missing", folder=here / "firmware", install=install_command(anew=True))
