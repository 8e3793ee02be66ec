"""The last true time, on flash: a lower bound for the clock, however long the power was cut."""

from siaga.app import flash_records

_MAGIC = b"SGT1"
# Flash endures many writes, not endless ones.
_APART_S = 86400


class TimeFloor:
    """The lower bound of the time. value: it is no earlier than this, Unix seconds."""

    def __init__(self, folder: str, least: int) -> None:
        """least: what is certain anyway: the firmware's release, the day of the settings."""
        self._path = folder + "/time"
        self._least = least
        try:
            record = flash_records.read_record(self._path, _MAGIC) or b""
        except flash_records.CorruptRecord:
            record = b""
        self._kept = int.from_bytes(record, "big") if len(record) == 4 else 0

    @property
    def value(self) -> int:
        return max(self._least, self._kept)

    def heard(self, told: int, ends: int) -> None:
        """Take the gateway's time from a fresh answer. ends: expiry of the certificates it came with, 0 = unknown.

        The floor never goes beyond that: a gateway whose own clock is years ahead must not make the next certificate
        look expired. And it comes down again with that clock. Raises OSError.
        """
        if ends:
            told = min(told, ends)
        if abs(told - self._kept) < _APART_S or told <= self._least >= self._kept:
            return
        flash_records.write_record(self._path, _MAGIC, told.to_bytes(4, "big"))
        self._kept = told
