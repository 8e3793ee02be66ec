"""RUI3's lines and what data rates carry: the standard's table, and nothing that a noisy line says is believed."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropython import run_micropython
from siaga.core import lorawan, rui3
from siaga.core.errors import SiagaError
from siaga.core.lorawan import LorawanSettings

RX = b"+EVT:RX_1:-70:8:UNICAST:10:1382aabb"


def test_what_a_data_rate_carries() -> None:
    """RP002-1.0.5, tables 73 and 15."""
    as923 = [lorawan.payload_limit(lorawan.AS923_2, rate, False) for rate in range(-1, 9)]
    assert as923 == [0, 51, 51, 115, 115, 242, 242, 242, 242, 0]
    dwell = [lorawan.payload_limit(lorawan.AS923_2, rate, True) for rate in range(8)]
    assert dwell == [0, 0, 11, 53, 125, 242, 242, 242]
    assert [lorawan.payload_limit(lorawan.EU868, rate, True) for rate in range(6)] == [51, 51, 51, 115, 242, 242]


@pytest.mark.parametrize(
    ("band", "dwell", "slowest", "data_rate"),
    [
        (
            lorawan.AS923_2,
            True,
            3,
            3,
        ),  # the dwell limit lets the short form through from DR3 on, a signature from DR4 on
        (lorawan.AS923_2, False, 0, 2),
        (lorawan.EU868, True, 0, 3),  # a band without such a limit
    ],
)
def test_the_data_rate_that_reaches_farthest(band: int, dwell: bool, slowest: int, data_rate: int) -> None:
    settings = LorawanSettings("00" * 16, band=band, dwell=dwell)
    assert (settings.slowest(settings.dwell), settings.first(settings.dwell)) == (slowest, data_rate)


def test_a_data_rate_that_carries_no_press_is_refused() -> None:
    with pytest.raises(SiagaError, match="data rate 2 carries no press; right is 3 or more"):
        LorawanSettings("00" * 16, data_rate=2)


def test_a_downlink() -> None:
    down = rui3.downlink(RX)
    assert down is not None
    assert (down.port, down.payload, down.rssi, down.snr) == (10, b"\x13\x82\xaa\xbb", -70, 8)


@pytest.mark.parametrize(
    "line",
    [
        RX[:-1],
        RX[:-8],
        RX + b":1",
        RX.replace(b"10:", b"0:"),
        RX.replace(b"10:", b"256:"),
        RX.replace(b"10:", b"x:"),
        RX.replace(b"-70", b""),
        RX.replace(b"UNICAST", b"MULTICAST"),
        RX.replace(b"aabb", b"aabg"),
        b"+EVT:JOINED",
        b"",
    ],
)
def test_a_damaged_downlink_is_none(line: bytes) -> None:
    assert rui3.downlink(line) is None


@given(st.binary(max_size=80))
def test_whatever_comes_as_a_downlink_is_one_or_none(noise: bytes) -> None:
    for line in (noise, b"+EVT:RX_1:" + noise, b"+EVT:RX_1:-7:8:UNICAST:" + noise):
        down = rui3.downlink(line)
        assert down is None or (0 < down.port < 256 and down.payload)


def test_how_long_the_duty_cycle_forbids() -> None:
    assert rui3.restricted_ms(b"Restricted_Wait_1234_ms") == 1234
    for other in (
        b"Restricted_Wait__ms",
        b"Restricted_Wait_-1_ms",
        b"Restricted_Wait_1",
        b"OK",
        b"Restricted_Wait_x_ms",
    ):
        assert rui3.restricted_ms(other) == -1


TALK = b"\r\nOK\r\n+EVT:JOINED\r\nAT+DR=3\r\nOK\r\n" + RX + b"\r\n+EVT:TX_DONE\r\n"
LINES = [line for line in TALK.split(b"\r\n") if line]


@given(st.lists(st.integers(0, len(TALK)), max_size=12))
def test_however_the_bytes_are_cut_the_lines_are_the_same(cuts: list[int]) -> None:
    reader = rui3.Lines()
    edges = [0, *sorted(cuts), len(TALK)]
    assert [line for a, b in itertools.pairwise(edges) for line in reader.feed(TALK[a:b])] == LINES
    assert reader.garbage == 0


@given(st.binary(max_size=700))
def test_noise_before_a_line_end_costs_no_line_after_it(noise: bytes) -> None:
    reader = rui3.Lines()
    before = reader.feed(noise + b"\r\n")
    assert reader.feed(TALK) == LINES
    assert all(32 <= byte < 127 for line in before for byte in line)
    if any(byte > 127 for byte in noise):
        assert reader.garbage > 0


def test_the_button_itself_reads_the_same() -> None:
    program = """
import json
from siaga.core import lorawan, rui3
down = rui3.downlink(b"%s")
print(json.dumps([down.port, down.payload.hex(), down.rssi, down.snr, rui3.restricted_ms(b"Restricted_Wait_12_ms"),
    rui3.downlink(b"+EVT:RX_1:-7:8:UNICAST:10:0") is None, len(rui3.Lines().feed(b"OK\\r\\n\\xff\\r\\nOK\\r\\n")),
    [lorawan.payload_limit(9, rate, True) for rate in range(8)], rui3.is_final(b"AT_BUSY_ERROR")]))
""".replace("%s", RX.decode())
    assert json.loads(run_micropython(program)) == [
        *[10, "1382aabb", -70, 8, 12, True, 2],
        [0, 0, 11, 53, 125, 242, 242, 242],
        True,
    ]
