"""`time` as on the ESP32, on the simulated clock: ticks from the chip's start, the calendar from 2000."""

import host

_EPOCH = 946684800
_time = host.real_time

ticks_add = _time.ticks_add
ticks_diff = _time.ticks_diff


def ticks_us():
    return host.now_us() - host.boot_us


def ticks_ms():
    return ticks_us() // 1000


def ticks_cpu():
    return ticks_us()


def time():
    return host.rtc_us() // 1000000


def time_ns():
    return host.rtc_us() * 1000


def gmtime(seconds=None):
    return _time.gmtime((time() if seconds is None else int(seconds)) + _EPOCH)


localtime = gmtime


def mktime(moment):
    return int(_time.mktime(moment)) - _EPOCH


def sleep_ms(ms):
    sleep_us(ms * 1000)


def sleep_us(us):
    until = host.now_us() + us
    while True:
        host.heed()
        left_us = until - host.now_us()
        if left_us <= 0:
            return
        host.real_sleep_ms(min(host.real_ms(left_us // 1000 + 1), 20))


def sleep(seconds):
    sleep_ms(int(seconds * 1000))
