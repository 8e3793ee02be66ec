"""Where the button is, by a modem that is asked."""

from siaga.core.modem_fix import modem_fix
from siaga.drivers.clock import Clock
from siaga.drivers.located import Located


class ModemGnss(Located):
    """Fed by drivers/simcom.py with the modem's +CGNSSINFO, +CGPSINFO or +CGNSINF lines."""

    def __init__(self, clock: Clock, record: bytes = b"", ago_s: int = -1) -> None:
        super().__init__(clock, record, ago_s)
        self._refused = 0

    @property
    def rejected(self) -> int:
        return self._refused

    def _refuse(self, reason: str) -> None:
        self._refused += 1

    def on_position(self, line: bytes) -> None:
        """What the modem answered. A line or a field that cannot be read is counted; a line changes nothing then."""
        try:
            fix = modem_fix(line, self._refuse)
        except Exception as error:  # nothing in it may stop the modem that also carries presses
            self._refuse(str(error))
            return
        if fix is not None:
            self._last.take(fix, self._clock.ms())
