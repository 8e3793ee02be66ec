"""Which SIM PIN was tried, on flash: after a restart, a card that refused it is not tried again."""

from siaga.app import flash_records
from siaga.drivers.simcom_sim import PinStore

_MAGIC = b"SGP1"


class SimRecord(PinStore):
    """A record in the app's folder. An unreadable one counts as none."""

    def __init__(self, folder: str) -> None:
        self._path = folder + "/sim"

    def load(self) -> bytes:
        try:
            return flash_records.read_record(self._path, _MAGIC) or b""
        except flash_records.CorruptRecord:
            return b""

    def save(self, record: bytes) -> None:
        flash_records.write_record(self._path, _MAGIC, record)
