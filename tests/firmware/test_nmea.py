"""Positions from digits: exact, with the right sign, and never from a sentence that is damaged or says "not valid"."""

from __future__ import annotations

import calendar
import datetime
import itertools
import json
import math
import random
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropython import run_micropython
from siaga.core import fix, modem_fix, nmea

UNKNOWN = 65535
Told = list[int | None]


def sentence(text: str) -> bytes:
    """A sentence with its $, checksum and end."""
    return b"$%s*%02X\r\n" % (text.encode(), nmea.checksum(text.encode()))


def rmc(time: str = "123519.00", status: str = "A", where: str = "0525.7520,S,10515.6600,E", **more: str) -> bytes:
    date, mode, talker = more.get("date", "150726"), more.get("mode", ",A"), more.get("talker", "GN")
    return sentence(f"{talker}RMC,{time},{status},{where},0.02,77.5,{date},,{mode}")


def gga(
    time: str = "123519.00", quality: str = "1", where: str = "0525.7520,S,10515.6600,E", hdop: str = "0.9"
) -> bytes:
    return sentence(f"GNGGA,{time},{where},{quality},08,{hdop},545.4,M,46.9,M,,")


def gst(time: str = "123519.00", north: str = "1.5", east: str = "2.0") -> bytes:
    return sentence(f"GPGST,{time},1.8,,,,{north},{east},3.1")


def told(*chunks: bytes) -> list[Told]:
    decoder = nmea.Decoder()
    return [as_list(one) for chunk in chunks for one in decoder.feed(chunk)]


def as_list(one: fix.Fix) -> Told:
    return [one.latitude, one.longitude, one.accuracy, one.time]


NOON = calendar.timegm((2026, 7, 15, 12, 35, 19))
HERE = [-54292000, 1052610000]


def test_a_fix_is_told_with_its_time_and_its_accuracy() -> None:
    assert told(rmc(), gga()) == [[*HERE, 14, NOON]]  # 0.9 * 15 m, rounded up
    assert told(rmc(), gga(quality="2", hdop="1.0")) == [[*HERE, 4, NOON]]
    assert told(rmc(), gga(), gst()) == [[*HERE, 14, NOON], [*HERE, 5, NOON]]  # 2 * sqrt(1.5^2 + 2^2)
    assert told(rmc(), gst()) == [[*HERE, 5, NOON]]


def test_the_accuracy_may_stand_in_gsa() -> None:
    gsa = sentence("GNGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1")
    assert told(gsa, rmc(), gsa) == [[*HERE, 20, NOON]]
    assert told(sentence("GNGSA,A,1,,,,,,,,,,,,,9.9,9.9,9.9"), rmc()) == []


def test_where_nothing_tells_the_accuracy_the_fix_comes_with_the_next_one() -> None:
    assert told(rmc("123519"), rmc("123520"), rmc("123521")) == [[*HERE, UNKNOWN, NOON], [*HERE, UNKNOWN, NOON + 1]]


def test_an_old_hdop_or_deviation_is_not_believed() -> None:
    assert told(rmc("123519"), gga("123519"), rmc("123520"))[-1] == [*HERE, 14, NOON + 1]
    late = told(rmc("123519"), gga("123519"), gst("123519"), rmc("123525"), rmc("123526"))
    assert late[-1] == [*HERE, UNKNOWN, NOON + 6]


@pytest.mark.parametrize(
    "sentences",
    [
        (rmc(status="V"), gga()),
        (rmc(mode=",E"), gga()),
        (rmc(mode=",N"), gga()),
        (gga(quality="0"), rmc()),
        (gga(quality="6"), rmc()),
        (gga(quality="7"), rmc()),
        (gga(quality="8"), rmc()),
        (rmc(status="V"), gga(), gst()),
        (sentence("GNRMC,,V,,,,,,,,,,N"), sentence("GNGGA,,,,,,0,00,99.99,,,,,,")),
    ],
)
def test_what_says_not_valid_outweighs_the_rest(sentences: tuple[bytes, ...]) -> None:
    decoder = nmea.Decoder()
    assert [one for each in sentences for one in decoder.feed(each)] == []
    assert decoder.denials > 0
    assert decoder.rejected == 0  # to search is no fault


@pytest.mark.parametrize("talker", ["GN", "GP", "GL", "GA", "GB", "BD"])
def test_talkers(talker: str) -> None:
    assert told(rmc(talker=talker), gga()) == [[*HERE, 14, NOON]]


def test_other_talkers_and_sentences_are_passed_over_without_blame() -> None:
    decoder = nmea.Decoder()
    others = [rmc(talker="II"), sentence("GPGSV,1,1,00"), sentence("PMTK010,001"), sentence("GNTXT,01,01,02,hello")]
    assert [one for each in others for one in decoder.feed(each)] == []
    assert decoder.rejected == 0
    assert decoder.heard == len(others)


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (rmc().replace(b"0525", b"0535"), "checksum"),
        (b"$GNRMC,123519,A,0525.7,S,10515.6,E,,,150726,,\r\n", "checksum"),
        (b"$GNRMC,123519*+A\r\n", "checksum"),
        (rmc()[:30] + rmc(status="V"), "cut"),
        (b"$GNRMC," + b"1" * 200 + b"\r\n", "length"),
        (b"\xb5\x62\x01\x07\x5c" + rmc(status="V"), "garbage"),
        (b"$GN\x00RMC\r\n", "garbage"),
        (rmc(where="9000.0001,S,10515.6600,E"), "latitude"),
        (rmc(where="0560.0000,S,10515.6600,E"), "latitude"),
        (rmc(where="525.7520,S,10515.6600,E"), "latitude"),
        (rmc(where="0525.7520,X,10515.6600,E"), "latitude"),
        (rmc(where="0525.7520,,10515.6600,E"), "latitude"),
        (rmc(where="0525.75-2,S,10515.6600,E"), "latitude"),
        (rmc(where="0000.0000,N,00000.0000,E"), "latitude"),
        (rmc(where="0525.7520,S,18000.0001,E"), "longitude"),
        (rmc(where="0525.7520,S,10515.6600,N"), "longitude"),
        (rmc(where="0525.7520,S,0515.6600,E"), "longitude"),
        (sentence("GNRMC,123519,A,0525.7520,S"), "fields"),
        (sentence("GNGGA,123519"), "fields"),
        (sentence("GNGSA,A,3"), "fields"),
        (sentence("GPGST,123519,1.8"), "fields"),
    ],
)
def test_bad_input_is_refused_counted_and_does_no_harm_to_what_follows(damaged: bytes, reason: str) -> None:
    decoder = nmea.Decoder()
    assert decoder.feed(damaged) == []
    assert decoder.by_reason == {reason: 1}
    assert decoder.rejected == 1
    after = [as_list(one) for one in decoder.feed(rmc("123601") + gga("123601"))]
    assert after == [[*HERE, 14, NOON + 42]]


@pytest.mark.parametrize(
    ("sentences", "reason", "wanted"),
    [
        ((rmc(date="310226"), gga()), "date", [*HERE, 14, 0]),
        ((rmc(date="15072"), gga()), "date", [*HERE, 14, 0]),
        ((rmc(date="1507x6"), gga()), "date", [*HERE, 14, 0]),
        ((rmc(date="310226"),), "date", [*HERE, UNKNOWN, 0]),
        ((gga(hdop="1.2.3"),), "number", [*HERE, UNKNOWN, 0]),
        ((rmc(), gga(hdop="1.2.3"), gst()), "number", [*HERE, 5, NOON]),
        ((rmc(), gga(hdop="-1")), "number", [*HERE, UNKNOWN, NOON]),
        ((rmc("246000"),), "time", [*HERE, UNKNOWN, 0]),
        ((rmc("12351"),), "time", [*HERE, UNKNOWN, 0]),
        ((rmc(""),), "time", [*HERE, UNKNOWN, 0]),
        ((gga("x"),), "time", [*HERE, UNKNOWN, 0]),
        ((rmc(where="0525.75-2,S,10515.6600,E"), gga()), "latitude", [*HERE, 14, NOON]),  # its date is believed
        ((sentence("GNRMC,123519.00,A,0525.7520,S,10515.6600,E"), gga()), None, [*HERE, 14, 0]),
        ((sentence("GNGGA,123519.00,0525.7520,S,10515.6600,E,1"),), None, [*HERE, UNKNOWN, 0]),
    ],
)
def test_a_field_that_cannot_be_read_costs_itself_and_not_the_sentence(
    sentences: tuple[bytes, ...], reason: str | None, wanted: Told
) -> None:
    decoder = nmea.Decoder()
    fixes = [as_list(one) for each in (*sentences, rmc("123600", status="V")) for one in decoder.feed(each)]
    assert fixes == [wanted]
    assert decoder.by_reason == ({} if reason is None else {reason: 1})


def test_a_receiver_without_a_readable_time_that_repeats_itself_tells_nothing_new() -> None:
    decoder = nmea.Decoder()
    other = rmc("", where="0525.7521,S,10515.6600,E")
    fixes = [
        one for each in (rmc(""), rmc(""), rmc(""), other, rmc("123600", status="V")) for one in decoder.feed(each)
    ]
    assert [one.latitude for one in fixes] == [HERE[0], -54292017]
    assert fixes[0].epoch != fixes[1].epoch


def gns(
    time: str = "123519.00", modes: str = "AAN", where: str = "0525.7520,S,10515.6600,E", hdop: str = "0.9"
) -> bytes:
    return sentence(f"GNGNS,{time},{where},{modes},09,{hdop},545.4,46.9,,,V")


def gll(time: str = "123519.00", status: str = "A", mode: str = ",A", where: str = "0525.7520,S,10515.6600,E") -> bytes:
    return sentence(f"GNGLL,{where},{time},{status}{mode}")


@pytest.mark.parametrize(
    ("sentences", "wanted"),
    [
        ((gns(),), [[*HERE, 14, 0]]),
        ((rmc(), gns()), [[*HERE, 14, NOON]]),
        ((rmc(), gns(modes="DD", hdop="1.0")), [[*HERE, 4, NOON]]),
        ((rmc(), gns(modes="DAN", hdop="1.0")), [[*HERE, 15, NOON]]),
        ((gll(),), [[*HERE, UNKNOWN, 0]]),
        ((gll(mode=""),), [[*HERE, UNKNOWN, 0]]),
        ((gll(), gst()), [[*HERE, 5, 0]]),
        ((rmc(), gll(where="0525.7,S,10515.6,E"), gst()), [[*HERE, 5, NOON]]),
        # Others beside it say how many satellites of one constellation there are.
        ((rmc(), gns(), sentence("GPGNS,123519.00,,,,,,5,,,,")), [[*HERE, 14, NOON]]),
        ((rmc(), gns(modes="NNN")), []),
        ((rmc(), gns(modes="E")), []),
        ((gll(status="V"), rmc(), gga()), []),
        ((gll(mode=",N"), rmc(), gga()), []),
        ((sentence("GNGNS,,,,,,NNN,0,99.9,,,,"), rmc(status="V")), []),
    ],
)
def test_gns_and_gll_are_read(sentences: tuple[bytes, ...], wanted: list[Told]) -> None:
    decoder = nmea.Decoder()
    fixes = [as_list(one) for each in (*sentences, rmc("123600", status="V")) for one in decoder.feed(each)]
    assert fixes == wanted
    assert decoder.rejected == 0


def test_a_date_that_cannot_be_right_leaves_the_time_unknown_and_the_position_known() -> None:
    for date in ("060180", "150706", "", "010100"):
        assert told(rmc(date=date), gga()) == [[*HERE, 14, 0]], date


def test_midnight_and_a_leap_second() -> None:
    # GGA before RMC: its date is still the day before's.
    lines = [rmc("235959.5", date="150726"), gga("235959.5"), gga("000000.5"), rmc("000000.5", date="160726")]
    midnight = calendar.timegm((2026, 7, 16, 0, 0, 0))
    assert [one[3] for one in told(*lines)] == [midnight - 1, midnight]
    assert told(rmc("235960", date="150726"), gga("235960"))[0][3] == midnight


@given(
    st.integers(-900_000_000 * 6, 900_000_000 * 6),
    st.integers(-1_800_000_000 * 6, 1_800_000_000 * 6),
    st.integers(0, 9),
)
def test_every_position_is_exact_and_keeps_its_sign(lat: int, lon: int, places: int) -> None:
    """lat and lon: minutes x 10^8."""

    def written(value: int, width: int) -> tuple[str, Fraction]:
        value = min(value, (90 if width == 2 else 180) * 60 * 10**8)
        minutes = Fraction(round(Fraction(value, 10**8) * 10**places), 10**places)
        degrees, rest = divmod(minutes, 60)
        whole, part = divmod(int(rest * 10**places), 10**places)
        digits = f"{int(degrees):0{width}d}{whole:02d}" + (f".{part:0{places}d}" if places else "")
        return digits, minutes / 60

    def nearest(degrees: Fraction) -> int:
        return math.floor(degrees * 10**7 + Fraction(1, 2))

    north, south_of = written(abs(lat), 2)
    east, west_of = written(abs(lon), 3)
    got = told(rmc(where=f"{north},{'S' if lat < 0 else 'N'},{east},{'W' if lon < 0 else 'E'}"), gst())
    wanted = [nearest(south_of) * (-1 if lat < 0 else 1), nearest(west_of) * (-1 if lon < 0 else 1)]
    assert [one[:2] for one in got] == ([] if wanted == [0, 0] else [wanted])


@given(st.datetimes(datetime.datetime(2025, 1, 1), datetime.datetime(2079, 12, 31)))
def test_dates(moment: datetime.datetime) -> None:
    got = told(rmc(moment.strftime("%H%M%S.%f")[:9], date=moment.strftime("%d%m%y")), gst(moment.strftime("%H%M%S")))
    assert got[0][3] == calendar.timegm(moment.timetuple())


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_deviations_give_twice_the_distance_root_mean_square_rounded_up(a: int, b: int) -> None:
    metres = fix.accuracy_from_deviations(a, b)
    square = 4 * (a * a + b * b)
    assert metres == 65534 or (metres * 1000) ** 2 >= square
    assert metres == 1 or ((metres - 1) * 1000) ** 2 < square


# Randomly cut, and with anything between the sentences

LOG = b"".join(
    part
    for second in range(6)
    for part in (
        rmc(f"12352{second}.00", where=f"0000.{second}520,S,00000.6600,W"),
        gga(f"12352{second}.00", where=f"0000.{second}520,S,00000.6600,W", hdop=f"1.{second}"),
        sentence("GPGSV,1,1,01,01,40,083,46"),
        gst(f"12352{second}.00"),
    )
)
WHOLE = told(LOG)


@given(st.lists(st.integers(0, len(LOG)), max_size=20))
def test_however_the_bytes_are_cut_the_fixes_are_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(LOG)]
    assert told(*(LOG[a:b] for a, b in itertools.pairwise(edges))) == WHOLE
    assert len(WHOLE) >= 6


@given(st.lists(st.binary(max_size=40), min_size=24, max_size=24))
def test_garbage_between_sentences_costs_no_fix(garbage: list[bytes]) -> None:
    lines = LOG.splitlines(keepends=True)
    mixed = [part for line, noise in zip(lines, garbage, strict=True) for part in (noise, b"\r\n", line)]
    decoder = nmea.Decoder()
    fixes = [as_list(one) for part in mixed for one in decoder.feed(part)]
    assert fixes == WHOLE
    if any(noise.strip(b"\r\n") for noise in garbage):
        assert decoder.rejected > 0


@given(st.integers(0, len(LOG) - 1), st.integers(0, 7))
def test_no_flipped_bit_makes_another_position(at: int, bit: int) -> None:
    hurt = bytearray(LOG)
    hurt[at] ^= 1 << bit
    assert {tuple(one[:2]) for one in told(bytes(hurt))} <= {tuple(one[:2]) for one in WHOLE}


@given(st.binary(max_size=300))
def test_noise_alone_is_never_a_fix(noise: bytes) -> None:
    assert told(noise) == []


# The modems' own answers

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
    program = Path(__file__).parent / "on_button" / "read_fixes.py"
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


# The last fix and its age


def a_fix(epoch: int, accuracy: int = 10, time: int = NOON) -> fix.Fix:
    return fix.Fix(-54292000, 1052610000, accuracy, time, epoch)


def test_a_fix_ages_and_a_receiver_that_repeats_itself_does_not_renew_it() -> None:
    last = fix.LastFix()
    assert last.known(0, 0) is None
    assert not last.is_fresh(0, 10**6)
    assert last.take(a_fix(1, 20), 1000)
    assert last.known(5999, 0) == (*HERE, 20, 4, 1)
    assert not last.take(a_fix(1, 5), 9000)  # told better, not anew
    assert last.known(9000, 0) == (*HERE, 5, 8, 1)
    assert last.is_fresh(11000, 10000)
    assert not last.is_fresh(11001, 10000)
    assert last.take(a_fix(2), 12000)
    assert last.known(12000, 0) == (*HERE, 10, 0, 2)
    assert last.known(12000 + 70000 * 1000, 0) == (*HERE, 10, 65534, 2)


def test_the_last_fix_outlives_a_reset_with_its_age() -> None:
    before = fix.LastFix()
    assert before.saved(0, NOON) == b""
    before.take(a_fix(1), 1000)
    after = fix.LastFix()
    assert after.restore(before.saved(2000, 0))
    assert after.known(0, NOON + 60) == (*HERE, 10, 60, 1)
    assert after.known(0, 0) == (*HERE, 10, UNKNOWN, 1)  # the clock is not set
    assert after.known(0, NOON - 5) == (*HERE, 10, UNKNOWN, 1)  # and here it is wrong
    assert not after.is_fresh(0, 10**9)
    assert after.take(a_fix(1), 50)  # the same epoch number of another run is a new fix
    assert after.known(50, 0) == (*HERE, 10, 0, 2)


def test_a_fix_without_a_time_takes_it_from_the_clock_when_it_is_saved() -> None:
    before = fix.LastFix()
    before.take(a_fix(1, time=0), 1000)
    after = fix.LastFix()
    assert after.restore(before.saved(11000, NOON))
    assert after.known(0, NOON + 30) == (*HERE, 10, 40, 1)


@given(st.binary(max_size=20))
def test_a_corrupt_record_is_no_position(record: bytes) -> None:
    last = fix.LastFix()
    if not last.restore(record):
        assert last.known(0, 1) is None
    else:
        known = last.known(0, 1)
        assert known is not None
        assert abs(known[0]) <= 900_000_000
        assert abs(known[1]) <= 1_800_000_000


def test_the_age_of_a_fix_from_before_a_sleep_does_not_go_by_the_calendar():
    """The gateway corrects that clock, both ways, and it may not be set at all."""
    before = fix.LastFix()
    before.take(fix.Fix(*HERE, 10, NOON, 1), 1000)
    for unix in (0, NOON - 86400, NOON + 86400):
        after = fix.LastFix()
        assert after.restore(before.saved(2000, NOON), -7200 * 1000)
        assert after.known(3000, unix) == (*HERE, 10, 7203, 1)
        assert not after.is_fresh(3000, 10000)
