"""The short form of `tests/torture/hostile.py`: what no button made becomes nothing, whatever it looks like."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile import Breach, Course, run
from hostile_frames import Hostile
from hypothesis import given
from hypothesis import strategies as st

from pressing_button import PressingButton, at
from siaga_gateway.domain.frame import FrameError, Kind, decode_uplink
from siaga_gateway.domain.frame_authentication import GatewayKey, verify, verify_enrol
from spoiling import spoilt

GATEWAY = GatewayKey.generate()
BUTTON = PressingButton().meet(GATEWAY)
KEY = GATEWAY.device_key(BUTTON.public_xy)
FRAMES = [BUTTON.press(1, **at()), BUTTON.press(2, again=True), BUTTON.follow(Kind.CHECKIN, 3), BUTTON.enrol()]


def test_20000_hostile_frames_become_no_event_and_cost_no_honest_press(tmp_path: Path) -> None:
    found = run(tmp_path, frames=20_000, seed=7, alone_s=0.2, most_honest=200)
    print(found)
    assert len(found["by_attack"]) == 23
    for verdict in ("malformed", "unknown", "forged", "repeated", "contradictions"):
        assert found[verdict] > 0, f"no hostile frame was {verdict}: the attacks are not what they are said to be"


def test_the_judge_sees_an_event_that_nobody_made_and_one_that_is_missing(tmp_path: Path) -> None:
    course = Course(tmp_path)
    try:
        course.overheard()
        course.judge()
        key = course.press(course.honest[0], course.honest[0].press(1))
        course.settle()
        frame = course.frames.pop(key)
        with pytest.raises(Breach, match="1 events that no button made"):
            course.judge()
        course.frames[key] = spoilt(frame)
        with pytest.raises(Breach, match="not what their button sent"):
            course.judge()
        course.frames[key] = frame
        course.frames[key[0], 99] = frame
        with pytest.raises(Breach, match="1 honest presses are not stored"):
            course.judge()
    finally:
        course.close()


@given(st.data())
def test_no_frame_that_was_changed_in_any_way_verifies(data: st.DataObject) -> None:
    frame = bytearray(data.draw(st.sampled_from(FRAMES)))
    cut = data.draw(st.integers(0, len(frame)))
    for position, value in data.draw(
        st.dictionaries(
            st.integers(data.draw(st.sampled_from([0, 14])), len(frame) - 1), st.integers(0, 255), min_size=1
        )
    ).items():
        frame[position] = value
    whole = data.draw(st.booleans())  # of its length: most others are no frames at all, which says nothing of tags
    changed = bytes(frame[:cut] if not whole and data.draw(st.booleans()) else frame)
    changed += b"" if whole else data.draw(st.binary(max_size=80))
    if changed in FRAMES:
        return
    try:
        uplink = decode_uplink(changed)
    except FrameError:
        return
    assert not verify(uplink, KEY)
    if uplink.kind is Kind.ENROL:
        assert not verify_enrol(uplink)


def test_every_attack_is_made_and_none_is_a_new_word_of_its_victim() -> None:
    others = [PressingButton().meet(GATEWAY) for _ in range(3)]
    said = {one.device_id: [one.press(1)] for one in others}
    keys = {one.device_id: GATEWAY.device_key(one.public_xy) for one in others}
    used = {(one.device_id, int.from_bytes(frame[10:14], "big")) for one in others for frame in said[one.device_id]}
    for attack in Hostile(3, others, said).attacks(3_000):
        try:
            uplink = decode_uplink(attack.frame)
        except FrameError:
            continue
        known = keys.get(uplink.device_id)
        if attack.what.startswith("new_word"):
            assert (uplink.device_id, uplink.counter) not in used, attack
            assert known is not None and not verify(uplink, known), attack
        elif known is not None and verify(uplink, known):
            assert (uplink.device_id, uplink.counter) in used, attack
