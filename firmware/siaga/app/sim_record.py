"""Which SIM PIN was tried, on the flash: a card that refused it is never asked again by a restart."""

from siaga.app import flash
from siaga.drivers.simcom_sim import PinStore

_MAGIC = b"SGP1"


class SimRecord(PinStore):
    """A record in the app's folder. One that cannot be read is as none."""

    def __init__(self, folder: str) -> None:
        self._path = folder + "/sim"

    def load(self) -> bytes:
        try:
            return flash.read_record(self._path, _MAGIC) or b""
        except flash.CorruptRecord:
            return b""

    def save(self, record: bytes) -> None:
        flash.write_record(self._path, _MAGIC, record)
