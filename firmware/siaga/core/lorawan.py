"""LoRaWAN: what each band carries at which data rate, and how a button uses it. Pure."""

from micropython import const
from siaga.core.errors import SiagaError

# As AT+BAND of RUI3 numbers them.
EU868 = const(4)
AS923_1 = const(8)
AS923_2 = const(9)
AS923_3 = const(10)
AS923_4 = const(11)
BANDS = (EU868, AS923_1, AS923_2, AS923_3, AS923_4)

# Application bytes by data rate with no MAC command piggybacked (RP002-1.0.5, 3.4.7 and 3.10.7: N, and the same with
# UplinkDwellTime = 1, at most 400 ms on the air).
_EU868 = (51, 51, 51, 115, 242, 242, 242, 242)
_AS923 = (51, 51, 115, 115, 242, 242, 242, 242)
_AS923_DWELL = (0, 0, 11, 53, 125, 242, 242, 242)
# The slowest data rate that AS923 allows under that limit.
DWELL_SLOWEST = const(2)
# A report in its HS256-64 and its ES256 form.
SHORT_FORM = const(43)
_LONG_FORM = const(99)


def has_dwell(band: int) -> bool:
    """Return whether the band has a dwell-time limit."""
    return AS923_1 <= band <= AS923_4


def payload_limit(band: int, data_rate: int, dwell: bool) -> int:
    """Return the bytes that one uplink carries; 0 = none. dwell: the 400 ms limit applies."""
    table = _EU868 if band == EU868 else _AS923_DWELL if dwell else _AS923
    return table[data_rate] if 0 <= data_rate < len(table) else 0


def slowest_for(band: int, size: int, dwell: bool) -> int:
    """Return the data rate with the longest range of those that carry this many bytes; each band has one."""
    data_rate = 0
    while payload_limit(band, data_rate, dwell) < size:
        data_rate += 1
    return data_rate


class LorawanSettings:
    """The button's LoRaWAN settings. Raises SiagaError.

    band: see above
    dev_eui: 16 hex digits, "" = the module's own
    join_eui: 16 hex digits
    app_key: 32 hex digits
    dwell: whether the network applies the 400 ms limit; True if unknown
    adr: let the network choose the data rate
    low_power: let the module sleep when idle
    data_rate: -1 = the one with the longest range of those that carry a press, its signature included if no dwell limit
        applies
    """

    def __init__(
        self,
        app_key: str,
        join_eui: str = "0000000000000000",
        dev_eui: str = "",
        band: int = AS923_2,
        dwell: bool = True,
        adr: bool = False,
        data_rate: int = -1,
        low_power: bool = False,
    ) -> None:
        if band not in BANDS:
            raise SiagaError("LoRaWAN band %d is not known; known are %s" % (band, ", ".join(str(b) for b in BANDS)))
        for name, value, digits in (("app_key", app_key, 32), ("join_eui", join_eui, 16), ("dev_eui", dev_eui, 16)):
            if not (name == "dev_eui" and not value) and not _is_hex(value, digits):
                raise SiagaError("LoRaWAN %s must be %d hexadecimal digits" % (name, digits))
        self.app_key = app_key
        self.join_eui = join_eui
        self.dev_eui = dev_eui
        self.band = band
        self.dwell = dwell and has_dwell(band)
        self.adr = adr
        self.low_power = low_power
        self._wanted_rate = data_rate
        if data_rate >= 0 and payload_limit(band, data_rate, self.dwell) < SHORT_FORM:
            slowest = self.slowest(self.dwell)
            raise SiagaError("LoRaWAN data rate %d carries no press; right is %d or more" % (data_rate, slowest))

    def slowest(self, limited: bool) -> int:
        """Return the longest-range data rate that carries a press. limited: by the dwell time."""
        return slowest_for(self.band, SHORT_FORM, limited)

    def first(self, limited: bool) -> int:
        """Return the initial data rate."""
        if self._wanted_rate >= 0 and payload_limit(self.band, self._wanted_rate, limited) >= SHORT_FORM:
            return self._wanted_rate
        return self.slowest(True) if limited else slowest_for(self.band, _LONG_FORM, False)


def _is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and all(letter in "0123456789abcdefABCDEF" for letter in text)
