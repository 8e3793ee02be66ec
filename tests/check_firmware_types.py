"""Type-check the firmware against MicroPython's own standard library and the ESP32's modules.

mypy finds no stubs that lie loose in site-packages, so the files that the two stub packages installed are laid
into build/typings first, apart from everything that only CPython has.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TYPINGS = ROOT / "build" / "typings"
STUBS = ("micropython-esp32-stubs", "micropython-stdlib-stubs")
CONFIG = """[mypy]
check_untyped_defs = True
disallow_untyped_defs = True
warn_unreachable = True
"""


def lay_out_stubs() -> None:
    """Copy the stub files of both packages into build/typings, anew each time."""
    shutil.rmtree(TYPINGS, ignore_errors=True)
    for name in STUBS:
        for file in distribution(name).files or ():
            if file.suffix == ".pyi" or file.name == "VERSIONS":
                target = TYPINGS / str(file)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    # The stubs do not all pass the checker that they are made for; the firmware's code must.
    theirs = sorted({path.name.removesuffix(".pyi") for path in TYPINGS.iterdir() if path.name != "VERSIONS"})
    ignored = "".join(f"[mypy-{name},{name}.*]\nignore_errors = True\n" for name in theirs)
    (TYPINGS / "mypy.ini").write_text(CONFIG + ignored, encoding="utf-8")


def main() -> int:
    lay_out_stubs()
    command = [
        sys.executable,
        "-m",
        "mypy",
        f"--config-file={TYPINGS / 'mypy.ini'}",
        "--no-error-summary",
        "--python-version=3.11",
        f"--custom-typeshed-dir={TYPINGS}",
        f"--cache-dir={ROOT / '.mypy_cache' / 'firmware'}",
        "firmware/main.py",
        "firmware/siaga",
    ]
    environment = {"MYPYPATH": f"firmware:{TYPINGS}", "PATH": ""}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=300).returncode


if __name__ == "__main__":
    sys.exit(main())
