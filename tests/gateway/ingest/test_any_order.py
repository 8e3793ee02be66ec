"""However a button's frames come in - shuffled, doubled, in either form, in any batches - they come to the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ingest_harness import NOW_S, IngestHarness
from pressing_button import LAMPUNG, PressingButton, at
from siaga_gateway.domain.frame import Flags, Kind, Suite, decode_uplink
from siaga_gateway.domain.incident import Incident, Mode
from siaga_gateway.domain.position import fix_ms

STEPS = ("press", "again", "update", "cancel", "duress", "test", "check-in", "tamper", "restart")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngestHarness]:
    made = IngestHarness(tmp_path_factory.mktemp("order"))
    yield made
    made.close()


def frames_of(button: PressingButton, steps: list[str], places: list[int]) -> list[bytes]:
    """What the button sends for these steps, one second apart, each with some fix and a battery that empties."""
    frames = []
    for second, (step, place) in enumerate(zip(steps, places, strict=True)):
        time = NOW_S - 60 + second
        # What a test reports counts for the device, but stirs no incident.
        report: dict[str, int] = {} if step == "test" else {"battery": max(100 - second, 0)}
        if place and step != "test":
            report |= at(LAMPUNG[0] + place * 1000, LAMPUNG[1], accuracy=5 + place, fix_age=place % 3)
        match step:
            case "press" | "restart":
                frames.append(button.press(time, **report))
            case "again":
                frames.append(button.press(time, again=True, **report))
            case "update" | "cancel" | "duress" if button.opening is None:
                frames.append(button.press(time, **report))
            case "update":
                frames.append(button.follow(Kind.UPDATE, time, **report))
            case "cancel":
                frames.append(button.follow(Kind.CANCEL, time, **report))
            case "duress":
                frames.append(button.follow(Kind.UPDATE, time, flags=Flags.DURESS, **report))
            case "test":
                frames.append(button.press(time, test=True, **report))
            case "check-in":
                frames.append(button.follow(Kind.CHECKIN, time, **report))
            case "tamper":
                frames.append(button.follow(Kind.TAMPER, time, flags=Flags.TAMPER_OPEN, **report))
    return frames


def in_any_form(button: PressingButton, frame: bytes, chance: random.Random) -> list[bytes]:
    """The frame once or more, signed, MACed or both."""
    uplink = decode_uplink(frame)
    short = button.frame(uplink.kind, uplink.counter, uplink.body, Suite.HS256_64)
    forms = chance.choice(([frame], [short], [short, frame], [frame, short], [frame, frame]))
    return list(forms)


def result(desk: IngestHarness, button: PressingButton) -> dict[str, Any]:
    """What the store holds of this button, without what may depend on the order (numbers, times of arrival)."""
    incidents = [one for one in desk.store.open_incidents() if one.device_id == button.device_id]
    tests = [one for one in desk.store.recent_tests(10_000) if one.device_id == button.device_id]
    events = desk.store.fetch(
        # A check-in is evidence only if its incident was open before.
        "SELECT counter, kind FROM event WHERE device_id = ? AND kind <> 4 ORDER BY counter",
        (button.device_id,),
    )
    presses = desk.store.fetch(
        "SELECT counter, test, arrived FROM press WHERE device_id = ? ORDER BY test, counter", (button.device_id,)
    )
    status = next(status for enrolled, status in desk.store.devices() if enrolled.device.device_id == button.device_id)
    assert status is not None
    arrival = {"last_seen_ms": 0, "mac_since_ms": None, "mac_until_ms": None}  # since the last signature that came
    return {
        "incidents": [essence(one) for one in incidents],
        "tests": sorted(one.opening_counter for one in tests),
        "events": events,
        "presses": presses,
        "status": replace(status, device_id=b"", position=None, checkins=None, hours=None, day=0, **arrival),
    }


def essence(incident: Incident) -> tuple[object, ...]:
    position = incident.position
    assert incident.mode is not Mode.TEST
    return (
        incident.opening_counter,
        incident.presses,
        incident.last_press,
        incident.last_cancel,
        incident.cancelled_by_holder,
        incident.duress,
        incident.pressed_at_ms,
        incident.battery,
        None if position is None else (position.latitude, position.accuracy_m, fix_ms(position)),
    )


@settings(max_examples=60)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=14),
    places=st.lists(st.integers(0, 40), min_size=14, max_size=14),
    seed=st.integers(0, 2**32),
)
def test_the_order_of_arrival_does_not_matter(
    desk: IngestHarness, steps: list[str], places: list[int], seed: int
) -> None:
    chance = random.Random(seed)
    results = []
    for shuffled in (False, True):
        button = desk.button()
        frames = frames_of(button, steps, places[: len(steps)])
        if shuffled:
            frames = [form for frame in frames for form in in_any_form(button, frame, chance)]
            chance.shuffle(frames)
            while frames:
                size = chance.randint(1, len(frames))
                desk.take(*frames[:size])
                frames = frames[size:]
        else:
            for frame in frames:
                desk.take(frame)
        found = result(desk, button)
        calls = [number for number, step in enumerate(steps, 1) if step != "check-in"]
        assert [counter for counter, _ in found["events"]] == calls, "each is exactly one event"
        assert found["status"].events == len(steps), "a check-in counts once"
        results.append(found)
    assert results[0] == results[1]
