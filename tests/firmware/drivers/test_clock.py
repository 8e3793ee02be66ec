"""The button's clock: what corrects it, what does not, and what a certificate's dates are compared with while it is not
known."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from brokers import Mosquitto, free_port
from fake_time import ProcessClock
from firmware.broker_certificates import DAY, Authority
from firmware.small_gateway import SmallGateway
from micropython import run_micropython
from siaga.app.version import BUILT
from siaga.core.certificate_dates import validity

SERVER = "broker.siaga.test"
DAMAGED = Authority("damage").der

CLOCK = """
import sys, time
ticks = 0
import siaga.drivers.clock as module
class Time:
    ticks_ms = staticmethod(lambda: ticks)
    ticks_diff = staticmethod(lambda a, b: a - b)
module.time = Time
Clock = module.Clock

class Calendar(module.Rtc):
    def __init__(self, unix=0):
        self.set, self.judged = unix, unix or 946684800
    def unix(self): return self.set
    def set_unix(self, seconds): self.set = self.judged = seconds
    def judged_at(self): return self.judged
    def judge_at(self, seconds): self.judged = seconds

def after(clock, rtc, seconds, runs=None):
    global ticks
    ticks += seconds * 1000
    clock.ms()
    runs = seconds if runs is None else runs
    rtc.judged += runs
    if rtc.set: rtc.set += runs

TRUE = 1800000000
"""


def clocks(program: str) -> list[str]:
    return run_micropython(CLOCK + program).splitlines()


def test_an_answer_to_what_went_out_just_now_corrects_the_clock_both_ways_and_a_late_one_only_sets_it():
    said = clocks("""
rtc = Calendar(); clock = Clock(rtc)
print(clock.set_unix(TRUE, -1), rtc.unix() - TRUE, clock.is_known())       # nobody knows of when
print(clock.set_unix(TRUE + 500, -1), rtc.unix() - TRUE)
after(clock, rtc, 20 * 86400, 20 * 86400 * 99 // 100)                      # 1 % slow
now = TRUE + 20 * 86400
print(clock.set_unix(now, 60000), now - rtc.unix())                        # late
print(clock.set_unix(now, 59000), rtc.unix() - now, clock.is_known())
after(clock, rtc, 3600)
print(clock.is_known())
after(clock, rtc, 86400, 86400 * 101 // 100)                               # 1 % fast
now += 3600 + 86400
print(rtc.unix() - now, clock.set_unix(now, 2000), rtc.unix() - now)
print(clock.set_unix(now - 5, 10000), rtc.unix() - now)                    # within what it can mean: left alone
""")
    assert said == [
        "True 0 False",
        "False 0",
        "False 17280",
        "True 0 True",
        "False",
        "864 True 3",
        "False 3",
    ]


def test_satellites_set_a_clock_and_never_outweigh_the_gateway():
    said = clocks("""
rtc = Calendar(); clock = Clock(rtc); clock.begin(TRUE - 1000)
print(clock.satellites(TRUE - 1001), clock.satellites(TRUE + 11 * 365 * 86400), rtc.unix())   # a week that rolled over
print(clock.satellites(TRUE), rtc.unix() - TRUE)
print(clock.set_unix(TRUE - 900, 1000), rtc.unix() - TRUE)
print(clock.satellites(TRUE), clock.satellites(TRUE + 3600), rtc.unix() - TRUE)               # it is known
clock.floor = TRUE
after(clock, rtc, 20 * 86400, 20 * 86400 * 99 // 100)
print(clock.satellites(TRUE + 30 * 86400), clock.satellites(TRUE + 20 * 86400), rtc.unix() - TRUE - 20 * 86400)
""")
    assert said == ["False False 0", "True 0", "True -898", "False False -898", "False True 0"]


def test_certificates_are_judged_by_their_own_dates_only_while_the_clock_is_not_known_and_never_before_the_floor():
    said = clocks("""
rtc = Calendar(); clock = Clock(rtc); clock.begin(TRUE)
print(rtc.unix(), rtc.judged - TRUE)
print(clock.judges(TRUE + 500, TRUE + 900), rtc.judged - TRUE, rtc.unix())      # it begins later
print(clock.judges(TRUE + 500, TRUE + 900), rtc.judged - TRUE)                  # that was not it: no second time
print(clock.judges(TRUE - 900, TRUE - 1), rtc.judged - TRUE)                    # it ended before the floor
print(clock.judges(TRUE - 900, TRUE + 1), rtc.judged - TRUE)                    # back to the floor
clock.begin(TRUE); print(rtc.judged - TRUE)
print(clock.judges(TRUE + 11 * 365 * 86400, TRUE + 12 * 365 * 86400))
print(clock.set_unix(TRUE + 700, 100), rtc.judged - TRUE, rtc.unix() - TRUE)
print(clock.judges(TRUE + 800, TRUE + 900), clock.judges(TRUE, TRUE + 600))     # known: as it is
after(clock, rtc, 3700)
print(clock.judges(TRUE + 5000, TRUE + 9000), rtc.judged - TRUE, rtc.unix() - TRUE)
print(clock.set_unix(TRUE + 4400, 100), rtc.judged - TRUE, rtc.unix() - TRUE)   # the true time counts again
""")
    assert said == [
        "0 0",
        "True 500 0",
        "False 500",
        "False 500",
        "True 0",
        "0",
        "False",
        "True 700 700",
        "False False",
        "True 5000 4400",
        "False 4400 4400",
    ]


FLOOR = """
import os
from siaga.app.time_floor import TimeFloor
folder = "%s"
DAY = 86400
writes = []
import siaga.app.flash_records as flash
write = flash.write_record
flash.write_record = lambda *a: (writes.append(1), write(*a))
floor = TimeFloor(folder, 100 * DAY)
floor.heard(99 * DAY, 0)
print(floor.value // DAY, len(writes))
for second in range(0, 5 * DAY, 600):
    floor.heard(101 * DAY + second, 0)
print(floor.value // DAY, len(writes))
print(TimeFloor(folder, 0).value // DAY, TimeFloor(folder, 300 * DAY).value // DAY)
floor.heard(9000 * DAY, 150 * DAY)           # years ahead: not beyond the end of the certificate by which it came
print(floor.value // DAY)
floor.heard(106 * DAY, 150 * DAY)            # and the gateway's clock is right again
print(floor.value // DAY, TimeFloor(folder, 0).value // DAY)
with open(folder + "/time", "r+b") as file: file.write(b"xxxx")
print(TimeFloor(folder, 7 * DAY).value // DAY)
"""


def test_the_last_true_time_outlives_the_power_and_is_written_once_a_day(tmp_path: Path):
    assert run_micropython(FLOOR % tmp_path).splitlines() == ["100 0", "105 5", "105 300", "150", "106 106", "7"]


@given(
    st.datetimes(datetime.datetime(1951, 1, 1), datetime.datetime(2110, 1, 1)),
    st.integers(0, 40000),
)
def test_a_certificate_s_dates_are_read_as_others_read_them(begins: datetime.datetime, days: int):
    begins = begins.replace(microsecond=0, tzinfo=datetime.UTC)
    der = Authority("dates", begins, begins + days * DAY).der
    read = x509.load_der_x509_certificate(der)
    assert validity(der) == (read.not_valid_before_utc.timestamp(), read.not_valid_after_utc.timestamp())


@given(st.data())
def test_a_damaged_certificate_is_dates_or_an_error(data: st.DataObject):
    der = bytearray(DAMAGED)
    at = data.draw(st.integers(0, 120))
    der[at] = data.draw(st.integers(0, 255))
    try:
        begins, ends = validity(bytes(der[: data.draw(st.integers(1, len(der)))]))
    except (ValueError, IndexError):
        return
    assert isinstance(begins, int) and isinstance(ends, int)


def test_after_a_power_cut_a_renewed_certificate_is_believed_and_an_old_one_or_a_foreign_one_is_not(
    button, tmp_path: Path
):
    """The kind: a precondition (the time) that can be restored only through what it guards (TLS)."""
    own, other = Authority("Siaga test"), Authority("somebody else")
    now = datetime.datetime.now(datetime.UTC)
    before = datetime.datetime.fromtimestamp(BUILT, datetime.UTC) - DAY
    plain, renewed, ended, foreign = (free_port() for _ in range(4))
    issued = (
        (renewed, own, now - DAY / 24, now + 90 * DAY),
        (ended, own, before - 90 * DAY, before),
        (foreign, other, now - DAY / 24, now + 90 * DAY),
    )
    lines = [f"listener {plain} 127.0.0.1"]
    for port, authority, begins, ends in issued:
        lines += [
            f"listener {port} 127.0.0.1",
            *authority.issue(tmp_path / f"tls{port}", SERVER, begins=begins, ends=ends),
        ]
    with Mosquitto(tmp_path / "mosquitto", *lines, port=plain), SmallGateway(plain) as gateway:
        tls = {"mqtt_tls": True, "mqtt_ca": own.pem, "gateway_key": gateway.public_hex}
        for port, name in ((ended, SERVER), (foreign, SERVER), (renewed, "another.siaga.test")):
            held = button(f"refuses{port}{name}", mqtt_port=port, mqtt_server_name=name, **tls)
            held.environment = {"SIAGA_CLOCK": "unset", **ProcessClock(tmp_path, FAKETIME_NO_CACHE="1").environ}
            why = held.start().until(ev="bearer", up=False)["why"]
            assert "certificate does not hold" in why and "own dates" not in why
            held.kill()
        held = button(mqtt_port=renewed, mqtt_server_name=SERVER, **tls)
        held.environment = {"SIAGA_CLOCK": "unset", **ProcessClock(tmp_path, FAKETIME_NO_CACHE="1").environ}
        held.start()
        held.until_true(lambda event: event.get("step") == "acknowledged" and event["kind"] == 4)
        why = held.all(ev="bearer", up=False)[0]["why"]
        assert "starts in the future" in why and "own dates" in why
        told = [each.report.time for each in gateway.uplinks if each.report is not None]
        assert all(time == 0 or abs(time - now.timestamp()) < 600 for time in told)
        pressed = gateway.press(held.press())
        assert pressed.report is not None and abs(pressed.report.time - now.timestamp()) < 600
        held.kill()  # and the power is away for good: from now on the flash knows better than the firmware's release
        assert "certificate" not in held.start().until(ev="bearer")["why"]


def test_an_unset_clock_is_set_by_satellites():
    said = clocks("""
from siaga.core.fix import Fix
from siaga.drivers.last_fix import LastKnownFix
rtc = Calendar(); clock = Clock(rtc); clock.begin(TRUE - 9 * 86400)
where = LastKnownFix(clock)
print(where.moment())
where._last.take(Fix(1, 2, 3, 0, 1), clock.ms())       # a receiver that does not know the day
print(where.moment())
where._last.take(Fix(1, 2, 3, TRUE, 2), clock.ms())
after(clock, rtc, 5)
print(where.moment() - TRUE, clock.satellites(where.moment()), rtc.unix() - TRUE)
again = LastKnownFix(clock, where.saved(), 3600)
print(again.moment())                                  # an old fix tells no time
""")
    assert said == ["0", "0", "5 True 5", "0"]
