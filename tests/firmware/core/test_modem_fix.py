"""Positions in the modems' own answers, and all of it once more on the button itself."""

from __future__ import annotations

import calendar
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nmea_sentences import HERE, LOG, UNKNOWN, as_list, gga, gll, gns, gst, rmc

from micropython import run_micropython
from siaga.core import fix, modem_fix, nmea

MODEM = [
    # An A7670E's log: decimal degrees (radio-facts of the project, from LilyGO's issue tracker).
    (
        "+CGNSSINFO: 3,07,,03,00,22.6562366,N,114.0598297,E,291126,023114.00,118.4,0.679,,3.43,2.74,2.06,06",
        [226562366, 1140598297, 42, calendar.timegm((2026, 11, 29, 2, 31, 14))],
    ),
    # The manual's 16 fields, ddmm.
    (
        "+CGNSSINFO: 2,09,05,00,3113.330650,N,12121.262554,E,131126,091918.0,32.9,0.0,255.0,1.1,0.8,0.7",
        [312221775, 1213543759, 12, calendar.timegm((2026, 11, 13, 9, 19, 18))],
    ),
    # 17 fields with GALILEO, south of the line and within its first degree; west likewise.
    (
        "+CGNSSINFO: 2,09,05,00,01,0000.330650,S,00000.262554,W,131126,091918.0,32.9,0.0,,1.1,2.0,0.7",
        [-55108, -43759, 30, calendar.timegm((2026, 11, 13, 9, 19, 18))],
    ),
    ("+CGNSSINFO: 3,07,,03,00,0.0000001,S,0.9999999,W,291126,023114.00,1,0,,,,", [-1, -9999999, UNKNOWN, 1795919474]),
    # One of the two settles the layout for both.
    ("+CGNSSINFO: 3,07,,03,00,5.1,S,10515.66,E,291126,023114.00,1,0,,,,", [-850000, 1052610000, UNKNOWN, 1795919474]),
    (
        "+CGPSINFO: 0525.752000,S,10515.660000,E,291126,023114.00,42.1,0.0,0.0",
        [*HERE, UNKNOWN, 1795919474],
    ),
    ("+CGPSINFO: 0525.752000,S,10515.660000,E,060180,023114.00,42.1,0.0,", [*HERE, UNKNOWN, 0]),
    (
        "+CGNSINF: 1,1,20261129023114.000,-0.429200,-105.261000,118.4,0.00,0.0,1,,0.9,1.2,0.8,,12,6,,,38,,",
        [-4292000, -1052610000, 14, 1795919474],
    ),
    ("+CGNSSINFO: ,,,,,,,,", None),
    ("+CGPSINFO: ,,,,,,,,", None),
    ("+CGNSINF: 1,0,,,,,,,0,,,,,,0,0,,,,,", None),
    ("+CGNSINF: 0,,,,,,,,,,,,,,,,,,,,", None),
]


# One field each that cannot be read, and why.
MODEM_IN_PART = [
    ("+CGNSSINFO: 3,07,,03,00,2.5,S,114.5,E,291126,2311,1,0,,,1.0,", "time", [-25000000, 1145000000, 15, 0]),
    ("+CGNSSINFO: 3,07,,03,00,2.5,S,114.5,E,29/1/6,023114,1,0,,,1.0,", "date", [-25000000, 1145000000, 15, 0]),
    (
        "+CGNSSINFO: 3,07,,03,00,2.5,S,114.5,E,291126,023114,1,0,,,x,",
        "number",
        [-25000000, 1145000000, UNKNOWN, 1795919474],
    ),
    ("+CGPSINFO: 0525.752000,S,10515.660000,E,x,023114.00,42.1,0.0,0.0", "date", [*HERE, UNKNOWN, 0]),
    ("+CGNSINF: 1,1,20261329023114.000,-0.5,-105.5,1,0.00,0.0,1,,0.9", "date", [-5000000, -1055000000, 14, 0]),
    ("+CGNSINF: 1,1,20261129,-0.5,-105.5,1,0.00,0.0,1,,0.9", "time", [-5000000, -1055000000, 14, 0]),
    (
        "+CGNSINF: 1,1,20261129023114,-0.5,-105.5,1,0.00,0.0,1,,0.9.1",
        "number",
        [-5000000, -1055000000, UNKNOWN, 1795919474],
    ),
]


MODEM_REFUSED = [
    ("+CGNSSINFO: 3,07,,03,00,22.6562366,,114.0598297,E,291126,023114.00,1,0,,,,", "latitude"),
    ("+CGNSSINFO: 3,07,,03,00,92.6562366,N,114.0598297,E,291126,023114.00,1,0,,,,", "latitude"),
    ("+CGNSSINFO: 3,07,,03,00,9060.1,N,11405.98297,E,291126,023114.00,1,0,,,,", "latitude"),
    ("+CGNSSINFO: 3,07,,03,00,-2.6562366,S,114.0598297,E,291126,023114.00,1,0,,,,", "latitude"),
    ("+CGNSSINFO: 3,07,,03,00,2.6562366,S,181.0598297,E,291126,023114.00,1,0,,,,", "longitude"),
    ("+CGNSSINFO: 3,07,2.6562366,S,114.0598297", "fields"),
    ("+CGNSINF: 1,1,20261129023114.000,-95.4,105.2,118.4,0.00,0.0,1,,0.9", "latitude"),
    ("+CGNSINF: 1,1,20261129023114.000,-5.4", "fields"),
    ("+CSQ: 20,99", "fields"),
    ("garbage", "fields"),
]


@pytest.mark.parametrize(("line", "wanted"), MODEM)
def test_modem_layouts(line: str, wanted: list[int] | None) -> None:
    got = modem_fix.modem_fix(line.encode())
    assert (None if got is None else as_list(got)) == wanted


@pytest.mark.parametrize(("line", "reason", "wanted"), MODEM_IN_PART)
def test_a_field_of_a_modem_that_cannot_be_read_costs_itself(line: str, reason: str, wanted: list[int]) -> None:
    refused: list[str] = []
    got = modem_fix.modem_fix(line.encode(), refused.append)
    assert got is not None and as_list(got) == wanted
    assert refused == [reason]
    again = modem_fix.modem_fix(line.encode())
    assert again is not None and again.epoch == got.epoch


@pytest.mark.parametrize(("line", "reason"), MODEM_REFUSED)
def test_modem_answers_that_are_refused(line: str, reason: str) -> None:
    with pytest.raises(fix.FixError) as refusal:
        modem_fix.modem_fix(line.encode())
    assert str(refusal.value) == reason


@given(st.text(alphabet="0123456789.,-NSEW:+CGSINFOP ", max_size=90))
def test_whatever_a_modem_says_is_a_fix_nothing_or_a_refusal(rest: str) -> None:
    for name in ("+CGNSSINFO:", "+CGPSINFO:", "+CGNSINF:", ""):
        try:
            got = modem_fix.modem_fix((name + rest).encode())
        except fix.FixError:
            continue
        assert got is None or (abs(got.latitude) <= 900_000_000 and abs(got.longitude) <= 1_800_000_000)


def test_the_button_itself_reads_the_same(tmp_path: Path) -> None:
    """Real MicroPython against this interpreter: logs cut, mixed and hurt by a fixed seed, and every modem answer."""
    chance = random.Random(7)
    feeds = [LOG, rmc() + gga() + gst(), rmc("235959.5") + gga("000000.5")]
    for _ in range(150):
        hurt = bytearray(LOG)
        for _ in range(chance.randrange(4)):
            hurt[chance.randrange(len(hurt))] = chance.randrange(256)
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(hurt))
            del hurt[at : at + chance.randrange(30)]
        feeds.append(bytes(hurt))
    for _ in range(100):
        lat, lon = chance.randrange(90 * 60 * 10**6), chance.randrange(180 * 60 * 10**6)
        place = f"{lat // 60000000:02d}{lat % 60000000 / 10**6:09.6f},{chance.choice('NS')},"
        place += f"{lon // 60000000:03d}{lon % 60000000 / 10**6:09.6f},{chance.choice('EW')}"
        feeds.append(rmc(where=place) + gga(where=place, hdop=f"{chance.randrange(2000) / 100}"))
    feeds += [rmc("") + gns() + gll(), gll() + gst(), gns(modes="DD") + rmc(date="x"), gga("x") + gns("x") + rmc()]
    in_part = [(line, wanted) for line, _, wanted in MODEM_IN_PART]
    lines = [line for line, _ in [*MODEM, *in_part, *MODEM_REFUSED]]
    asked = [json.dumps({"feed": feed.hex()}) for feed in feeds] + [json.dumps({"modem": line}) for line in lines]
    program = Path(__file__).parents[1] / "on_button" / "read_fixes.py"
    answers = [json.loads(line) for line in run_micropython(program, feed="\n".join(asked) + "\n").splitlines()]
    assert len(answers) == len(asked)
    for feed, answer in zip(feeds, answers, strict=False):
        decoder = nmea.Decoder()
        fixes = [as_list(one) for one in decoder.feed(feed)]
        why = [list(item) for item in sorted(decoder.by_reason.items())]
        assert answer == {"fixes": fixes, "rejected": decoder.rejected, "why": why}
    of_modem = answers[len(feeds) :]
    assert [answer.get("fix", answer.get("refused")) for answer in of_modem] == [
        wanted for _, wanted in [*MODEM, *in_part, *MODEM_REFUSED]
    ]
