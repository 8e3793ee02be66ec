"""What an alarm level is judged from (domain/triage_signs.py)."""

from __future__ import annotations

import pytest

from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.incident import Disposition, Mode, Position
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.triage_signs import (
    FixQuality,
    History,
    Signs,
    TriageLimits,
    fix_quality,
    history_of,
    pressing_near,
)

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
PLACE = (-54_000_000, 1_052_600_000)


def test_only_what_ended_within_the_period_counts() -> None:
    limits = TriageLimits(history_ms=90 * DAY_MS)
    ended = [
        (Disposition.ABUSE, NOW_MS - 90 * DAY_MS),
        (Disposition.ABUSE, NOW_MS - 90 * DAY_MS - 1),
        (Disposition.ABUSE, NOW_MS + DAY_MS),
        (Disposition.VERIFIED, NOW_MS),
        (Disposition.NOT_NEEDED, NOW_MS),
        (Disposition.TEST, NOW_MS),
        (Disposition.TECHNICAL, NOW_MS),
        (Disposition.ACCIDENTAL, NOW_MS),
        (Disposition.ACCIDENTAL, NOW_MS),
        (Disposition.UNFOUNDED, NOW_MS - 1),
        (Disposition.EXERCISE, NOW_MS),
    ]
    assert history_of(ended, NOW_MS, limits) == History(verified=2, unfounded=1, accidental=2, abuse=2)
    assert history_of([], NOW_MS) == History(0, 0, 0, 0)
    assert TriageLimits() == TriageLimits(3, 90 * DAY_MS, 500, 600_000)


def at(source: str = "gnss", accuracy_m: int | None = 10, fix_age_s: int | None = 5) -> Position:
    return Position(*PLACE, accuracy_m, fix_age_s, source, NOW_MS)


@pytest.mark.parametrize(
    ("position", "quality"),
    [
        (None, FixQuality.NONE),
        (at(), FixQuality.GOOD),
        (at(accuracy_m=500), FixQuality.GOOD),
        (at(accuracy_m=501), FixQuality.COARSE),
        (at(accuracy_m=None), FixQuality.GOOD),
        (at("network", accuracy_m=None), FixQuality.COARSE),
        (at("network", accuracy_m=300), FixQuality.GOOD),
        (at("elsewhere", accuracy_m=None), FixQuality.COARSE),
        (at(fix_age_s=1_800), FixQuality.GOOD),
        (at(fix_age_s=1_801), FixQuality.OLD),
        (at(fix_age_s=None), FixQuality.OLD),
        (at("network", accuracy_m=None, fix_age_s=9_000), FixQuality.OLD),
        (at("installed", accuracy_m=None, fix_age_s=None), FixQuality.GOOD),
        (at("installed", accuracy_m=None, fix_age_s=9_000), FixQuality.GOOD),
    ],
)
def test_how_far_a_position_is_relied_on(position: Position | None, quality: FixQuality) -> None:
    assert fix_quality(position) is quality


def test_neighbours_are_near_and_of_about_the_same_time() -> None:
    limits = TriageLimits(neighbours_m=500, neighbours_ms=600_000)
    near = (PLACE[0] + 40_000, PLACE[1])  # 445 m
    far = (PLACE[0] + 50_000, PLACE[1])  # 556 m
    others = [(near, NOW_MS), (near, NOW_MS - 600_000), (near, NOW_MS + 600_000), (far, NOW_MS), (None, NOW_MS)]
    assert pressing_near(PLACE, NOW_MS, others, limits) == 3
    assert pressing_near(PLACE, NOW_MS, [(near, NOW_MS - 600_001), (near, NOW_MS + 600_001)], limits) == 0
    assert pressing_near(None, NOW_MS, others, limits) == 0
    assert pressing_near(PLACE, NOW_MS, others) == 3
    edge = (PLACE[0] + 44_966, PLACE[1])
    assert [pressing_near(PLACE, NOW_MS, [(edge, 0)], TriageLimits(3, 0, metres, NOW_MS)) for metres in (499, 500)] == [
        0,
        1,
    ]


def test_of_a_call_nothing_is_assumed_but_one_press_of_an_active_button() -> None:
    assert Signs() == Signs(
        RegistrationState.ACTIVE,
        Mode.ACTUAL,
        History(0, 0, 0, 0),
        1,
        duress=False,
        silent=False,
        fell_silent=False,
        neighbours=0,
        call_back=CallBack.NOT_TRIED,
        pressed_since=False,
        fix=FixQuality.GOOD,
        tamper=False,
        unwell=False,
        key_copied=False,
    )
