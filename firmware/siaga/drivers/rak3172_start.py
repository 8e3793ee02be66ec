"""What the LoRaWAN bearer needs until it is joined: the check of its settings, the module's set-up, the join. Loaded
for that, and given back."""

import asyncio

from micropython import const
from siaga.core import rui3
from siaga.core.errors import SiagaError
from siaga.drivers.rak3172 import REBOOT_MS, tell_once_free, use
from siaga.drivers.rui3_line import RakError, Rui3Line

# RP002: JOIN_ACCEPT_DELAY2 is 6 s, the request at DR0 1.5 s, the answer 1.8 s.
_JOIN_MS = const(14000)
_SHORT_FORM = const(43)
_LONG_FORM = const(99)


class LorawanSettings:
    """band: AT+BAND's number, see core/rui3.py. dev_eui: 16 hex digits, "" = the module's own. join_eui: 16, app_key:
    32 hex digits. dwell: whether the 400 ms limit holds, which no command tells; True where it is not known. adr: let
    the network choose the data rate. data_rate: -1 = the one that reaches farthest of those that carry a press, its
    signature included where there is no dwell limit."""

    def __init__(
        self,
        app_key: str,
        join_eui: str = "0000000000000000",
        dev_eui: str = "",
        band: int = rui3.AS923_2,
        dwell: bool = True,
        adr: bool = False,
        data_rate: int = -1,
    ) -> None:
        if band not in rui3.BANDS:
            raise SiagaError(
                "LoRaWAN band %d is not known; known are %s" % (band, ", ".join(str(b) for b in rui3.BANDS))
            )
        for name, value, digits in (("app_key", app_key, 32), ("join_eui", join_eui, 16), ("dev_eui", dev_eui, 16)):
            if not (name == "dev_eui" and not value) and not _is_hex(value, digits):
                raise SiagaError("LoRaWAN %s must be %d hexadecimal digits" % (name, digits))
        self.app_key = app_key
        self.join_eui = join_eui
        self.dev_eui = dev_eui
        self.band = band
        self.dwell = dwell and rui3.has_dwell(band)
        self.adr = adr
        self.slowest = _slowest_for(band, _SHORT_FORM, self.dwell)
        if data_rate >= 0 and rui3.payload_limit(band, data_rate, self.dwell) < _SHORT_FORM:
            raise SiagaError("LoRaWAN data rate %d carries no press; right is %d or more" % (data_rate, self.slowest))
        if data_rate < 0:
            data_rate = self.slowest if self.dwell else _slowest_for(band, _LONG_FORM, False)
        self.data_rate = data_rate


def _is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and all(letter in "0123456789abcdefABCDEF" for letter in text)


def _slowest_for(band: int, size: int, dwell: bool) -> int:
    """The data rate that reaches farthest of those that carry so many bytes; each band has one."""
    data_rate = 0
    while rui3.payload_limit(band, data_rate, dwell) < size:
        data_rate += 1
    return data_rate


async def start_session(line: Rui3Line, settings: LorawanSettings, failures: int, anew: bool) -> None:
    """Keep the session that there is, unless it shall be begun anew, else join; after a failure at the data rate that
    reaches farthest. Raises RakError, OSError."""
    keep = await _configure(line, settings)
    if not keep or anew or await line.ask("NJS") != b"1":
        slowest = 2 if settings.dwell else 0
        await use(line, settings.data_rate if failures % 2 == 0 else slowest)
        line.forget()
        await tell_once_free(line, "JOIN", "1:0:8:0")
        event = await line.until((b"+EVT:JOINED", b"+EVT:JOIN_FAILED"), _JOIN_MS)
        if event != b"+EVT:JOINED":
            raise RakError("no LoRaWAN network answered (%s)" % str(event[5:], "ascii"), event)
    if not settings.adr:
        await use(line, settings.data_rate)


async def _configure(line: Rui3Line, settings: LorawanSettings) -> bool:
    """Bring the module's settings to ours; only what differs is written, for each writing wears its flash. Whether
    a session from before still holds for them."""
    if await line.ask("NWM") != b"1":
        try:
            await line.tell("NWM", "1")
        finally:
            await asyncio.sleep_ms(REBOOT_MS)  # changing the mode restarts it
    wanted = [("BAND", str(settings.band)), ("NJM", "1"), ("CLASS", "A"), ("CFM", "0")]
    if settings.dev_eui:
        wanted.append(("DEVEUI", settings.dev_eui))
    wanted += [("APPEUI", settings.join_eui), ("APPKEY", settings.app_key), ("ADR", "1" if settings.adr else "0")]
    same = True
    for name, value in wanted:
        if (await line.ask(name)).lower() != value.lower().encode():
            await tell_once_free(line, name, value)
            same = same and name in ("CLASS", "CFM", "ADR")
    return same
