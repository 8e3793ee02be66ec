"""Do the bounds in pyproject.toml tell the truth? The quick tests, in an environment of its own, with the oldest
packages that it allows (`lowest`) or the newest of everything (`newest`). Needs the package index.

    make bounds
    make bounds ARGS=newest
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "build" / "bounds"
RESOLUTIONS: Final = {"lowest": "lowest-direct", "newest": "highest"}
_INSTALL_S: Final = 600
_TESTS_S: Final = 900
_LIST: Final = ROOT / "tests" / "quick.txt"
QUICK: Final = tuple(line for line in _LIST.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))


def main() -> int:
    """0: the tests passed; 1: they did not, or the packages cannot be had."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("which", nargs="?", choices=sorted(RESOLUTIONS), default="lowest")
    which: str = parser.parse_args().which
    python = _environment(which)
    if python is None:
        return 1
    print(f"The quick tests with the {which} packages that pyproject.toml allows:", flush=True)
    command = [python, "-m", "pytest", "-q", "--numprocesses=2", "--dist=loadfile", *QUICK]
    return subprocess.run(command, cwd=ROOT, timeout=_TESTS_S, check=False).returncode


def _environment(which: str) -> str | None:
    """An interpreter with Siaga and those packages; None where they cannot be had, which has been said."""
    folder = FOLDER / which
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    resolved, python = str(folder / "packages.txt"), str(folder / "venv" / "bin" / "python")
    # Wheels alone: what has to be compiled would ask a newcomer for a compiler.
    steps = (
        ["pip", "compile", "pyproject.toml", "--extra=demo", "--extra=dev", f"--python={sys.executable}",
         f"--resolution={RESOLUTIONS[which]}", "--upgrade", "--only-binary=:all:", f"--output-file={resolved}"],
        ["venv", f"--python={sys.executable}", str(folder / "venv")],
        ["pip", "install", f"--python={python}", "--only-binary=:all:", "--requirement", resolved],
        ["pip", "install", f"--python={python}", "--no-deps", "--no-build-isolation", "--editable=."],
    )  # fmt: skip
    for step in steps:
        # The browser's libraries are there: `make setup` brought them.
        done = subprocess.run(
            [Path(sys.executable).parent / "uv", *step, "--quiet", "--no-config"],
            cwd=ROOT, env={**os.environ, "SIAGA_SKIP_VENDOR": "1"}, text=True, capture_output=True, timeout=_INSTALL_S,
        )  # fmt: skip
        if done.returncode:
            print(f"{done.stderr}\nThese packages cannot be had: is the package index reachable from here, and has it "
                  f"wheels for Python {sys.version_info.major}.{sys.version_info.minor}? Everything else that `make` "
                  "does works without.", file=sys.stderr)  # fmt: skip
            return None
    return python


if __name__ == "__main__":
    sys.exit(main())
