"""The two firmware slots as the running firmware sees them. siaga_boot decides which one starts; its record says so."""

import os

from siaga.app import flash_records
from siaga.core.errors import SiagaError

_NONE = bytes(32)
# Bytes left free for outbox, counters, settings and the file system when a bundle is stored.
RESERVE = 65536


class Slots:
    """The slots of this button.

    boot: siaga_boot's record
    running: 0 = the factory firmware, else the slot it came from
    """

    def __init__(self, boot: "Boot", running: int) -> None:
        self.boot = boot
        self.running = running

    @property
    def is_on_trial(self) -> bool:
        """Return whether the running firmware has still to prove itself."""
        return self.running != 0 and self.boot.trial == self.running

    @property
    def target(self) -> int:
        """Return the slot for the next bundle: never the running one."""
        return 3 - self.running if self.running else 1

    def path(self, slot: int) -> str:
        return self.boot.path(slot)

    def size(self, slot: int) -> int:
        """Return the size of the slot's file, bytes."""
        try:
            return os.stat(self.path(slot))[6]
        except OSError:
            return 0

    def room(self) -> int:
        """Return how many bytes a bundle may still take."""
        told = os.statvfs(self.boot.root or "/")
        return told[0] * told[3] - RESERVE

    def clear(self, slot: int) -> None:
        """Empty the slot, so that it is no longer started. Raises OSError."""
        if slot == self.running:
            raise SiagaError("the slot that runs is never cleared")
        if self.boot.digests[slot] != _NONE:
            self.boot.digests[slot] = _NONE
            self.boot.write()
        flash_records.remove(self.path(slot))

    def switch(self, slot: int, digest: bytes) -> None:
        """Start this slot next time, on trial. Raises OSError; nothing changes then."""
        self.boot.digests[slot] = digest
        self._write(self.boot.runs, slot, 0)

    def confirm(self) -> None:
        """Accept the running firmware. Raises OSError; it is still on trial then."""
        self._write(self.running, 0, CONFIRMED)

    def settle(self) -> None:
        """Note that the verdict was sent. Raises OSError; it is sent again then."""
        self._write(self.boot.runs, 0, 0)

    def _write(self, runs: int, trial: int, verdict: int) -> None:
        boot = self.boot
        boot.runs, boot.trial, boot.starts, boot.verdict = runs, trial, 0, verdict
        try:
            boot.write()
        except OSError:
            boot.read()  # as it is on flash
            raise


CONFIRMED = 1
ROLLED_BACK = 2


def here() -> "Slots | None":
    """Return this button's slots, None if its main.py predates slots."""
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
