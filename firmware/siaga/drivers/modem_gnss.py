"""The position from a modem that is polled."""

from siaga.core.modem_fix import modem_fix
from siaga.drivers.last_fix import LastKnownFix


class ModemGnss(LastKnownFix):
    """Fed by drivers/simcom.py with the modem's +CGNSSINFO, +CGPSINFO or +CGNSINF lines."""

    def __init__(self, clock: "Clock", record: bytes = b"", ago_s: int = -1) -> None:
        super().__init__(clock, record, ago_s)
        self._refused = 0

    @property
    def rejected(self) -> int:
        return self._refused

    def _refuse(self, reason: str) -> None:
        self._refused += 1

    def on_position(self, line: bytes) -> None:
        """Take the modem's answer. An unreadable line or field is counted; such a line changes nothing."""
        try:
            fix = modem_fix(line, self._refuse)
        except Exception as error:  # a failure here must not stop the modem that also carries presses
            self._refuse(str(error))
            return
        if fix is not None:
            self._last.take(fix, self._clock.ms())


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.clock import Clock
