"""MicroPython's `esp32`: what ends deep sleep, and whether pads are held in it."""

import host
import pool

HEAP_DATA, HEAP_EXEC = 4, 1
WAKEUP_ALL_LOW, WAKEUP_ANY_HIGH = False, True
_RTC_PINS = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39)

_ext0 = "-"
_ext0_level = 0
_ext1 = ()
_ext1_level = 0
_holds = False


def wake_on_ext0(pin=None, level=False):
    global _ext0, _ext0_level
    _ext0 = "-" if pin is None else str(_checked(pin))
    _ext0_level = 1 if level else 0


def wake_on_ext1(pins=None, level=False):
    global _ext1, _ext1_level
    if pins is not None:
        _ext1 = tuple(_checked(pin) for pin in pins)
    _ext1_level = 1 if level else 0


def gpio_deep_sleep_hold(on):
    global _holds
    _holds = bool(on)
    host.send("hold %d" % _holds)


def idf_heap_info(capabilities):
    return pool.regions(host.radio_on)


def _checked(pin):
    if pin._number not in _RTC_PINS:
        raise ValueError("invalid pin")
    return pin._number


def _sources():
    ext1 = ",".join(str(pin) for pin in _ext1) or "-"
    return "%s %d %s %d" % (_ext0, _ext0_level, ext1, _ext1_level)
