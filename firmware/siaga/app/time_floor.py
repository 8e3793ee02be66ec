"""The last true time, on the flash: before it, it can never be again, however long the power was away."""

from siaga.app import flash

_MAGIC = b"SGT1"
# The flash lives long, not for ever.
_APART_S = 86400


class TimeFloor:
    """value: it is no earlier than this, Unix seconds."""

    def __init__(self, folder: str, least: int) -> None:
        """least: what is certain without it: the firmware's release, the day of the settings."""
        self._path = folder + "/time"
        self._least = least
        try:
            record = flash.read_record(self._path, _MAGIC) or b""
        except flash.CorruptRecord:
            record = b""
        self._kept = int.from_bytes(record, "big") if len(record) == 4 else 0

    @property
    def value(self) -> int:
        return max(self._least, self._kept)

    def heard(self, told: int, ends: int) -> None:
        """The gateway's time in a fresh answer. ends: until when the certificates by which it came hold, 0 = unknown.
        Beyond that the floor does not go: a gateway whose own clock is years ahead must not make the next certificate
        look like a past one. And it comes down again with that clock. Raises OSError."""
        if ends:
            told = min(told, ends)
        if abs(told - self._kept) < _APART_S or told <= self._least >= self._kept:
            return
        flash.write_record(self._path, _MAGIC, told.to_bytes(4, "big"))
        self._kept = told
