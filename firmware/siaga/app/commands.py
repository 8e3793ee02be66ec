"""Commands from the gateway: each counts once, also across a restart. This firmware knows no code yet, and says so."""

from siaga.app import flash
from siaga.core import frame

_MAGIC = b"SGC1"


class Commands:
    """The highest down-counter that was dealt with, on the flash, for this device's identity."""

    def __init__(self, folder: str, device_id: bytes) -> None:
        self._path = folder + "/commands"
        self._device_id = device_id
        self._highest = 0
        try:
            record = flash.read_record(self._path, _MAGIC)
        except flash.CorruptRecord:
            record = None  # the worst that follows is a second refusal
        if record is not None and record[:8] == device_id:
            self._highest = int.from_bytes(record[8:], "big")

    def is_new(self, counter: int) -> bool:
        """Whether a command under this down-counter is still to be dealt with."""
        return counter > self._highest

    def refusal(self, counter: int) -> bytes:
        """The RECEIPT's body for a command that is not carried out."""
        return frame.encode_receipt(counter, frame.RESULT_REFUSED)

    def note(self, counter: int) -> None:
        """It was dealt with. Raises OSError."""
        flash.write_record(self._path, _MAGIC, self._device_id + counter.to_bytes(4, "big"))
        self._highest = counter
