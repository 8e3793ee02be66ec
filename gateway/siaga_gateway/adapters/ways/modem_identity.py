"""Whether two serial ports are of one modem, and which modem a text message daemon has.

A USB modem has several ports; those under one USB device are one modem.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_TTYS: Final = Path("/sys/class/tty")
# Where the daemons name their port; as Debian lays them out.
CONFIGURATIONS: Final[Mapping[str, tuple[Path, ...]]] = {
    "gammu": (Path("/etc/gammu-smsdrc"), Path("/etc/gammurc")),
    "smstools": (Path("/etc/smsd.conf"),),
}
_NAMED: Final = re.compile(r"^[ \t]*(?:port|device)[ \t]*=[ \t]*\"?(/dev/[^\s\"#;]+)", re.MULTILINE | re.IGNORECASE)
_LARGEST: Final = 100_000


def ports_of_daemon(spool: str, files: Mapping[str, tuple[Path, ...]] = CONFIGURATIONS) -> Iterator[tuple[str, str]]:
    """Return each port that the daemon's files name, as far as they can be read, and the file that does."""
    for file in files.get(spool, ()):
        try:
            with file.open(encoding="utf-8", errors="replace") as opened:
                written = opened.read(_LARGEST)
        except OSError:
            continue
        for found in _NAMED.finditer(written):
            yield found[1], str(file)


def is_same_modem(one: str, other: str, ttys: Path = _TTYS) -> bool:
    """Whether both are ports of one modem, under whatever names."""
    first, second = os.path.realpath(one), os.path.realpath(other)
    if first == second:
        return True
    devices = [_usb_device(Path(each).name, ttys) for each in (first, second)]
    return devices[0] is not None and devices[0] == devices[1]


def _usb_device(name: str, ttys: Path) -> Path | None:
    """Return the USB device that a port belongs to; None: it is on none."""
    place = (ttys / name / "device").resolve()
    for folder in (place, *place.parents):
        if (folder / "idVendor").is_file():
            return folder
    return None
