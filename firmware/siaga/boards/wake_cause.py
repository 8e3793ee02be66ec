"""What ended the original ESP32's deep sleep: all causes at once, read where every MicroPython's `machine` reads them.

`machine.wake_reason()` names one cause, and ESP-IDF 5 names the timer before a pin; `machine.wake_pins()` came with
MicroPython 1.29. Sources: ESP32 Technical Reference Manual 31 (RTC_CNTL), ESP-IDF soc/rtc_cntl_reg.h, rtc_io_channel.h.
"""

import machine

from micropython import const

_STATE = const(0x3FF48038)  # RTC_CNTL_WAKEUP_STATE, bits 10:0: the causes
_EXT1_STATUS = const(0x3FF480D0)  # RTC_CNTL_EXT_WAKEUP1_STATUS, bits 17:0: the pins by RTC number
_EXT0 = const(1)
_EXT1 = const(2)
_TIMER = const(8)
# GPIO by RTC number.
_PINS = (36, 37, 38, 39, 34, 35, 25, 26, 33, 32, 4, 0, 2, 15, 13, 12, 14, 27)


class Wake:
    """The causes of a wake.

    ext0, timer: whether it was among the causes
    pins: GPIO numbers of ext1; ext1 without any: the pin is unknown
    """

    def __init__(self, state: int, status: int) -> None:
        self.ext0 = bool(state & _EXT0)
        self.ext1 = bool(state & _EXT1)
        self.timer = bool(state & _TIMER)
        self.pins = tuple(pin for number, pin in enumerate(_PINS) if self.ext1 and status >> number & 1)


def read() -> Wake:
    """Return the causes that ended the deep sleep before this start; machine.reset_cause() says whether there was
    one."""
    state = machine.mem32[_STATE] & 0x7FF
    reason = machine.wake_reason()  # one of them, in case the register has fewer
    if reason == machine.EXT0_WAKE:
        state |= _EXT0
    elif reason == machine.EXT1_WAKE:
        state |= _EXT1
    elif reason == machine.TIMER_WAKE:
        state |= _TIMER
    return Wake(state, machine.mem32[_EXT1_STATUS] & 0x3FFFF)
