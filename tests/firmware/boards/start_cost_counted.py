"""What a start costs before the button listens: instructions of the unix port, by callgrind, the same every time;
beside them files, reads and bytes of the flash. The board has its settings and is enrolled; a finger wakes it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from micropython import FIRMWARE, environment, micropython
from siaga_tools.board_wiring import BOARDS
from siaga_tools.silicon.pty_line import PtyLine
from siaga_tools.simulate.chip import CHIP
from siaga_tools.simulate.flash_image import Installer

ON_CHIP: Final = Path(__file__).resolve().parent / "on_chip"
HEAP: Final = "512k"
POWER_ON, DEEP_SLEEP = 1, 4
EXT1 = 2  # its bit in the register of what woke the chip
# The base point of P-256, as any other a public key.
GATEWAY_KEY: Final = (
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
SETTINGS: Final = {
    "mqtt_hosts": ["192.0.2.1"],
    "mqtt_tls": False,
    "gateway_key": GATEWAY_KEY,
    "sms_numbers": ["+6281100000110"],
}
# What the firmware took before (2026-11, names shortened and files joined; the same measurement): no start takes more.
AS_ONCE_SHIPPED: Final = {
    "look": {"instructions": 81_210_170, "opened": 26, "reads": 6_374, "bytes": 483_840},
    "hand": {"instructions": 145_310_019, "opened": 32, "reads": 9_075, "bytes": 674_528},
}
_DEADLINE_S: Final = 600


class Start:
    """A board's flash image, and what its starts cost. first: the very first one, up to `armed`."""

    def __init__(self, folder: Path, board: str, settings: dict[str, object]) -> None:
        self._button = BOARDS[board].button
        self._image = folder / f"{board}.img"
        installer = Installer(micropython(), FIRMWARE, folder)
        installer.make(self._image, board)
        (folder / "settings.json").write_text(json.dumps(settings))
        installer.copy(self._image, {folder / "settings.json": "/settings.json"})
        self._line = PtyLine()
        self.first = self.until("armed", POWER_ON, 0)
        self._run([], ON_CHIP / "enrolled.py", str(self._image))

    def until(self, moment: str, cause: int = DEEP_SLEEP, wake: int = EXT1, *, count: bool = False) -> dict[str, int]:
        """reads, bytes: of the flash. opened: files on it. live: bytes of the heap in use after a collection. signed:
        how often. With `count` instructions in place of `opened` and `signed`, whose counting takes some."""
        pin, level = str(self._button.pin), str(self._button.level(True))
        image = self._image
        if moment != "armed":
            image = self._image.with_suffix(".used")
            shutil.copy(self._image, image)
        arguments = [str(image), pin, level, str(cause), str(wake), str(CHIP), moment, self._line.path]
        if not count:
            arguments.append("files")
        counting = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"] if count else []
        done = self._run(counting, ON_CHIP / "begin.py", *arguments)
        told = next(line for line in done.stdout.splitlines() if line.startswith("cost "))
        cost: dict[str, int] = json.loads(told.removeprefix("cost "))
        if count:
            found = re.search(r"Collected : (\d+)", done.stderr)
            assert found is not None, done.stderr
            cost["instructions"] = int(found[1])
        return cost

    def _run(self, counting: list[str], program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        # The interpreter is a module of CPython: it is this Python that is counted, and what it takes is taken off.
        python = [sys.executable, "-c", "import micropython_unix, sys; sys.exit(micropython_unix.main())"]
        done = subprocess.run(
            [*counting, *python, "-X", f"heapsize={HEAP}", str(program), *arguments],
            env={**environment(), "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done
