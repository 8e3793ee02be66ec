"""This machine once more, for commands that are typed as root and as an ordinary user: all that is written goes into
memory and is gone at the end. Needs root, and from Debian what the guide installs.

An overlay over the root folder, with namespaces of its own for mounts, network (loopback only) and processes. `sudo` is
the real one. What has no place there is stood in for, and NOT_RUN says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from waiting import ENDS_S

ROOT: Final = Path(__file__).parents[2]
USER: Final = "officer"
PASSWORD: Final = "Rahasia-contoh-1"
NEEDED: Final = {
    "sudo": "sudo",
    "nginx": "nginx",
    "nft": "nftables",
    "mosquitto": "mosquitto",
    "caddy": "caddy",
    "certutil": "libnss3-tools",
    "chromium": "chromium",
}
TOO_LONG: Final = 124
NOT_RUN: Final = ("apt-get", "timedatectl", "certbot")

_MACHINE: Final = ROOT / "tests/system/machine"


def missing() -> list[str]:
    """What has to be installed from Debian."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [package for program, package in NEEDED.items() if shutil.which(program, path=path) is None]


def type_in(script: str, timeout_s: float) -> tuple[int, str]:
    """Run a script of bash as the ordinary user on the copied machine: its exit code, TOO_LONG where it was ended, and
    what it printed."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    places = {str(ROOT), sys.base_prefix, packages}
    if (ROOT / ".git").is_file():  # a worktree: its history is elsewhere
        common = ("git", "-C", str(ROOT), "rev-parse", "--path-format=absolute", "--git-common-dir")
        places.add(subprocess.run(common, capture_output=True, text=True, check=True).stdout.strip())
    with tempfile.TemporaryDirectory(prefix="siaga-machine-") as folder:
        room = Path(folder)
        (room / "machine").mkdir()
        inner = room / "inner"
        shutil.copytree(_MACHINE, inner, ignore=shutil.ignore_patterns("__pycache__"))
        (inner / "typed.sh").write_text(script, encoding="utf-8")
        (inner / "answers").write_text(f"{PASSWORD}\n" * 50, encoding="utf-8")
        command = [
            *("setpriv", "--pdeathsig", "KILL"),  # a run that is ended leaves nothing behind
            *("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private"),
            *("bash", str(inner / "outside.sh"), str(room / "machine")),
        ]
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "INNER": str(inner),
            "PLACES": " ".join(sorted(places)),
            "PYTHON": str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"),
            "PACKAGES": packages,
            "CHECKOUT": str(ROOT),
            # What a person waits for takes longer beside much other work.
            "SLOWER": str(round(min(3, max(1, os.getloadavg()[0] / (os.cpu_count() or 1))))),
        }
        printed = room / "printed"
        with printed.open("wb") as output:
            running = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
            try:
                code = running.wait(timeout_s)
            except subprocess.TimeoutExpired:
                code = TOO_LONG
            finally:
                running.kill()  # and with it all that it started
                running.wait(ENDS_S)
        return code, printed.read_text(encoding="utf-8", errors="replace")
