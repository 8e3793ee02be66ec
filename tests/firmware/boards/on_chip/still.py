"""The simulated chip's way to the world (silicon/chip/host.py) cut: surroundings that never change, and a clock that
goes on by a microsecond each time it is asked, so that a start takes the same instructions every time."""

import sys

import host

_now_us = 1800000000000000


def now_us():
    global _now_us
    _now_us += 1
    return _now_us


def real_sleep_ms(ms):
    global _now_us
    _now_us += ms * 1000


def nothing(*arguments): ...


def stop():
    sys.exit(3)


host.now_us = now_us
host.heed = host.send = host.tell_rtc = nothing
host.real_sleep_ms = real_sleep_ms
host.stop = stop
host.rtc_offset_us = -946684800000000
host.boot_us = _now_us
