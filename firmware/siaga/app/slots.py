"""The two firmware slots as the running firmware sees them. What starts, siaga_boot decides; its record says so."""

import os

from siaga.app import flash
from siaga.core.errors import SiagaError

_NONE = bytes(32)
# Left free for outbox, counters and settings when a bundle comes, with the file system's own needs.
RESERVE = 65536


class Slots:
    """boot: siaga_boot's record. running: 0 the factory's firmware, else the slot that it came from."""

    def __init__(self, boot: "Boot", running: int) -> None:
        self.boot = boot
        self.running = running

    @property
    def is_on_trial(self) -> bool:
        """Whether what runs has still to show that it works."""
        return self.running != 0 and self.boot.trial == self.running

    @property
    def target(self) -> int:
        """The slot for the next bundle: never the one that runs."""
        return 3 - self.running if self.running else 1

    def path(self, slot: int) -> str:
        return self.boot.path(slot)

    def size(self, slot: int) -> int:
        """Bytes in the slot's file."""
        try:
            return os.stat(self.path(slot))[6]
        except OSError:
            return 0

    def room(self) -> int:
        """Bytes that a bundle may still take."""
        told = os.statvfs(self.boot.root or "/")
        return told[0] * told[3] - RESERVE

    def clear(self, slot: int) -> None:
        """Not to be started any more, and empty. Raises OSError."""
        if slot == self.running:
            raise SiagaError("the slot that runs is never cleared")
        if self.boot.digests[slot] != _NONE:
            self.boot.digests[slot] = _NONE
            self.boot.write()
        flash.remove(self.path(slot))

    def switch(self, slot: int, digest: bytes) -> None:
        """The next start is this slot's, on trial. Raises OSError; then nothing changes."""
        self.boot.digests[slot] = digest
        self._write(self.boot.runs, slot, 0)

    def confirm(self) -> None:
        """What runs works. Raises OSError; then it is still on trial."""
        self._write(self.running, 0, CONFIRMED)

    def settle(self) -> None:
        """The verdict is told. Raises OSError; it is then told again."""
        self._write(self.boot.runs, 0, 0)

    def _write(self, runs: int, trial: int, verdict: int) -> None:
        boot = self.boot
        boot.runs, boot.trial, boot.starts, boot.verdict = runs, trial, 0, verdict
        try:
            boot.write()
        except OSError:
            boot.read()  # as it still is
            raise


CONFIRMED = 1
ROLLED_BACK = 2


def here() -> "Slots | None":
    """This button's, None where its main.py is an old one that knows no slots."""
    try:
        import siaga_boot
    except ImportError:
        return None
    if siaga_boot.boot is None:  # there was nothing to choose at the start
        siaga_boot.boot = siaga_boot.Boot(siaga_boot.ROOT)
    return Slots(siaga_boot.boot, siaga_boot.running)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga_boot import Boot
