"""In the place of silicon/chip/host.py: surroundings that never change, a clock that goes on by a microsecond each time
it is asked, and an end at a certain moment; so that a start takes the same instructions every time."""

import sys
import time

real_time = time

levels = {}
microvolts = {}
boot = {}
watchers = {}
pulls = {}
wired = []
uarts = {}
network = ["", 0]
radio_on = False
boot_us = 0
rtc_offset_us = -946684800000000
rtc_memory = b""

_now_us = 1800000000000000


def now_us():
    global _now_us
    _now_us += 1
    return _now_us


def rtc_us():
    return now_us() + rtc_offset_us


def heed(): ...


def send(text): ...


def tell_rtc(): ...


def real_sleep_ms(ms):
    global _now_us
    _now_us += ms * 1000


def real_ms(sim_ms):
    return sim_ms


def level(number):
    return levels.get(number, 1 if pulls.get(number) == "up" else 0)


def host_path(path):
    return "/host" + path


def stop():
    sys.exit(3)
