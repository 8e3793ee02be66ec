"""Type-check the firmware against the oldest MicroPython that it runs on and the newest one: its standard library and
the ESP32's modules.

mypy finds no stubs that lie loose in a folder of packages, so those of each version (tests/stubs/, installed by
`make setup`) are laid into build/typings first, apart from everything that only CPython has.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from waiting import RUNS_S

ROOT = Path(__file__).resolve().parent.parent
TYPINGS = ROOT / "build" / "typings"
LISTS = ROOT / "tests" / "stubs"
CONFIG = """[mypy]
check_untyped_defs = True
disallow_untyped_defs = True
warn_unreachable = True
"""


def versions() -> list[str]:
    """Names of the MicroPythons, the oldest first."""
    return sorted(path.stem for path in LISTS.glob("micropython-*.txt"))


def stubs(version: str) -> Path:
    """Where `make setup` installed them. Raises FileNotFoundError."""
    folder = Path(sys.prefix) / "stubs" / version
    if not (folder / "machine.pyi").is_file():
        raise FileNotFoundError(f"{folder} holds no stubs: run 'make setup'")
    return folder


def lay_out(version: str) -> Path:
    """Copy the stub files into build/typings, anew each time."""
    typings = TYPINGS / version
    shutil.rmtree(typings, ignore_errors=True)
    shutil.copytree(stubs(version), typings, ignore=shutil.ignore_patterns("*.dist-info", "__pycache__"))
    # The stubs do not all pass the checker that they are made for; the firmware's code must.
    theirs = sorted({path.name.removesuffix(".pyi") for path in typings.iterdir() if path.name != "VERSIONS"})
    ignored = "".join(f"[mypy-{name},{name}.*]\nignore_errors = True\n" for name in theirs)
    (typings / "mypy.ini").write_text(CONFIG + ignored, encoding="utf-8")
    return typings


def check(version: str) -> int:
    typings = lay_out(version)
    command = [
        sys.executable,
        "-m",
        "mypy",
        f"--config-file={typings / 'mypy.ini'}",
        "--no-error-summary",
        "--python-version=3.11",
        f"--custom-typeshed-dir={typings}",
        f"--cache-dir={ROOT / '.mypy_cache' / version}",
        "firmware/main.py",
        "firmware/siaga",
    ]
    environment = {"MYPYPATH": f"firmware:{typings}", "PATH": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=RUNS_S)
    if done.returncode:
        print(f"with the modules of {version}")
    return done.returncode


def main() -> int:
    return max(check(version) for version in versions())


if __name__ == "__main__":
    sys.exit(main())
