"""The load's pure parts: what is planned, how packets are cut out of a stream, how latencies are ranked; its frames."""

from __future__ import annotations

import csv
import io
import statistics
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.frame import Kind, decode_uplink
from siaga_gateway.domain.frame_authentication import GatewayKey, verify, verify_enrol
from siaga_tools.load import mqtt_packets
from siaga_tools.load.fleet import Fleet, keys, mac_keys, write_registrations
from siaga_tools.load.plan import KINDS, LoadRequest, MassPress, PlannedFrame, plan
from siaga_tools.load.presign import PreparedLoad, make
from siaga_tools.load.results import PERCENTILES, Results, percentiles
from siaga_tools.messages import Trouble

EVERYTHING = {Kind.PRESS: 2.0, Kind.UPDATE: 3.0, Kind.CANCEL: 1.0, Kind.CHECKIN: 4.0}

wishes = st.builds(
    LoadRequest,
    rate_per_s=st.floats(0, 40),
    seconds=st.floats(0.1, 10),
    ramp_s=st.floats(0, 10),
    mix=st.dictionaries(st.sampled_from(KINDS), st.floats(0.1, 5), min_size=1),
    mass=st.none() | st.builds(MassPress, st.floats(0, 1), st.floats(0.1, 5), st.floats(0, 5)),
)


@given(wishes, st.integers(1, 20), st.integers(1, 1000), st.integers())
def test_a_plan_is_one_that_real_buttons_could_have_made(
    wish: LoadRequest, devices: int, first: int, seed: int
) -> None:
    planned = plan(wish, devices, first, seed)
    assert planned == plan(wish, devices, first, seed), "the same wish and seed are the same plan"
    assert [one.at_s for one in planned] == sorted(one.at_s for one in planned)
    opened: dict[int, int] = {}
    last = dict.fromkeys(range(devices), first - 1)
    for one in planned:
        assert one.counter == last[one.device] + 1, "no counter twice, and none left out"
        last[one.device] = one.counter
        if one.kind is Kind.CHECKIN:
            assert one.opening == 0
        elif one.opening == 0:
            assert one.kind is Kind.PRESS and one.device not in opened
            opened[one.device] = one.counter
        else:
            assert one.counter - one.opening == opened[one.device]


def test_the_rate_grows_through_the_ramp_and_then_is_what_was_wished() -> None:
    planned = plan(LoadRequest(1000, 20, ramp_s=10, mix=EVERYTHING), 50, 1, seed=4)
    seconds = [sum(int(one.at_s) == second for one in planned) for second in range(20)]
    assert statistics.mean(seconds[10:]) == pytest.approx(1000, rel=0.05)
    assert seconds[0] < 150 < seconds[4] < 700 < seconds[8]
    shares = {kind: sum(one.kind is kind for one in planned) / len(planned) for kind in KINDS}
    assert shares == pytest.approx({kind: weight / 10 for kind, weight in EVERYTHING.items()}, rel=0.1)


def test_an_earthquake_has_each_of_its_devices_press_once_most_of_them_at_once() -> None:
    planned = plan(LoadRequest(0, 60, mass=MassPress(0.4, 10, at_s=20)), 1000, 1, seed=4)
    assert len({one.device for one in planned}) == len(planned) == 400
    assert {one.kind for one in planned} == {Kind.PRESS}
    assert all(20 <= one.at_s <= 30 for one in planned)
    assert sum(one.at_s < 25 for one in planned) > 250


packets = st.lists(st.tuples(st.integers(1, 14), st.integers(0, 15), st.binary(max_size=300)), max_size=20)


@given(packets, st.data())
def test_packets_come_out_of_a_stream_however_it_is_cut(
    sent: list[tuple[int, int, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(bytes((kind << 4 | flags,)) + _length(len(body)) + body for kind, flags, body in sent)
    reader, got, at = mqtt_packets.Reader(), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        got += list(reader.feed(stream[at : at + step]))
        at += step
    assert got == sent


def _length(size: int) -> bytes:
    made = []
    while True:
        size, low = divmod(size, 128)
        made.append(low + 128 * bool(size))
        if not size:
            return bytes(made)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40), st.integers(1, 65_535), st.binary(max_size=400))
def test_a_publish_reads_back(topic: str, packet_id: int, payload: bytes) -> None:
    packet = mqtt_packets.publish_head(topic, len(payload)) + struct.pack(">H", packet_id) + payload
    ((kind, flags, body),) = mqtt_packets.Reader().feed(packet)
    assert kind == mqtt_packets.PUBLISH and flags == 2
    assert mqtt_packets.published(flags, body) == (topic, packet_id, payload)
    assert mqtt_packets.published(0, body[: -len(payload) or None][:-2] + payload) == (topic, 0, payload)


@pytest.mark.parametrize(
    "stream", [b"\x30\xff\xff\xff\xff\x01", b"\x30\xff\xff\xff\x7f", b"\x30\x01\x00", b"\x32\x02\x00\x05"]
)
def test_what_is_no_mqtt_is_an_error_and_no_loop(stream: bytes) -> None:
    with pytest.raises(mqtt_packets.PacketError):
        for _kind, flags, body in mqtt_packets.Reader().feed(stream):
            mqtt_packets.published(flags, body)


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_are_values_that_occurred_and_cover_their_share(latencies: list[float]) -> None:
    for percentile, value in zip(PERCENTILES, percentiles(latencies), strict=True):
        assert value in latencies
        assert sum(one <= value for one in latencies) >= len(latencies) * percentile / 100 - 1e-9
    assert percentiles(latencies)[-1] == max(latencies)


def test_the_longest_silence_is_counted_only_while_an_answer_is_awaited() -> None:
    tally = Results()
    tally.sent(Kind.PRESS, 1.0, 0)
    tally.acknowledged(Kind.PRESS, 1.5, 0.5, refused=False)
    tally.sent(Kind.PRESS, 9.0, 0)  # nobody waited in between
    tally.sent(Kind.PRESS, 10.0, 0)
    tally.acknowledged(Kind.PRESS, 11.0, 2.0, refused=True)
    tally.quiet_until(13.5)
    facts = tally.facts()
    assert facts["longest_silence_s"] == 2.5
    assert facts["classes"]["press"]["lost"] == 1 and facts["classes"]["press"]["refused"] == 1
    assert [second["sent"] for second in facts["seconds"]] == [0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0]


# Frames and fleets


def made(fleet: Fleet, planned: list[PlannedFrame], **how: bool) -> PreparedLoad:
    *_, whole = make(fleet, planned, 1_700_000_000.0, **how)
    assert isinstance(whole, PreparedLoad)
    return whole


@pytest.mark.parametrize("frames", [30, 6000], ids=["here", "in other processes"])
def test_every_frame_is_one_that_the_gateway_verifies(frames: int) -> None:
    gateway = GatewayKey.generate()
    fleet = Fleet.new(3, gateway.public_xy)
    planned = plan(LoadRequest(frames, 1, mix=EVERYTHING), 3, 7, seed=4)
    ready = made(fleet, planned)
    device_keys = [gateway.device_key(keys(fleet.seed, index).public_xy) for index in range(3)]
    assert [face.device_id for face in ready.faces] == [key.device_id for key in device_keys]
    assert [face.mac_down for face in ready.faces] == [key.mac_down for key in device_keys]
    assert [(one.at_s, one.device, one.kind, one.counter) for one in ready.frames] == [
        (one.at_s, one.device, one.kind, one.counter) for one in planned
    ]
    for one, wanted in zip(ready.frames[:200], planned, strict=False):
        uplink = decode_uplink(one.frame)
        assert verify(uplink, device_keys[one.device])
        assert (uplink.kind, uplink.counter) == (wanted.kind, wanted.counter)
        assert uplink.report is not None and uplink.report.opening == wanted.opening and not uplink.report.test
        assert uplink.report.time == 1_700_000_000 + int(wanted.at_s)
        assert (uplink.status is not None) == (wanted.kind is Kind.CHECKIN)


def test_presses_are_marked_as_tests_on_wish() -> None:
    fleet = Fleet.new(2, GatewayKey.generate().public_xy)
    for one in made(fleet, plan(LoadRequest(20, 1, mix=EVERYTHING), 2, 1, seed=4), test=True).frames:
        report = decode_uplink(one.frame).report
        assert report is not None and report.test == (one.kind is not Kind.CHECKIN)


def test_a_fleet_is_read_back_and_its_counters_are_never_used_twice(tmp_path: Path) -> None:
    file = tmp_path / "fleet.json"
    fleet = Fleet.new(5, GatewayKey.generate().public_xy)
    first = plan(LoadRequest(30, 1), 5, fleet.next_counter, seed=1)
    fleet.after(first).save(file)
    assert file.stat().st_mode & 0o777 == 0o600
    read = Fleet.load(file)
    assert read.seed == fleet.seed
    second = plan(LoadRequest(30, 1), 5, read.next_counter, seed=1)
    used = [(one.device, one.counter) for one in [*first, *second]]
    assert len(used) == len(set(used))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "siaga fleet 2"}', "\0"])
def test_a_file_that_is_no_fleet_is_refused_in_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "fleet.json"
    file.write_text(text)
    with pytest.raises(Trouble, match="is no fleet"):
        Fleet.load(file)


def test_a_gateway_key_that_is_none_is_refused() -> None:
    with pytest.raises(Trouble, match="no gateway's public key"):
        mac_keys(keys(b"x" * 32, 0), b"\x01" * 64)


def test_registrations_prove_their_keys_and_name_nobody() -> None:
    fleet = Fleet.new(3, GatewayKey.generate().public_xy)
    text = io.StringIO()
    assert list(write_registrations(fleet, text, "2099-12-31")) == [1, 2, 3]
    rows = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert len({row["nik"] for row in rows}) == 3
    for index, row in enumerate(rows):
        uplink = decode_uplink(bytes.fromhex(row["frame"]))
        assert verify_enrol(uplink) and uplink.device_id == keys(fleet.seed, index).device_id
        # See siaga_tools/demo/owners.py: no real person's can look so.
        assert row["nik"].startswith("99") and row["phone"].startswith("+620") and "Contoh" in row["name"]
