"""Positions from digits: exact, with the right sign, and never from a sentence that is damaged or says "not valid"."""

from __future__ import annotations

import calendar
import datetime
import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nmea_sentences import HERE, LOG, NOON, UNKNOWN, Told, as_list, gga, gll, gns, gst, rmc, sentence, told

from siaga.core import fix, nmea


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
