"""What the holder sees, hears and feels."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from micropython import FIRMWARE
from siaga.drivers.battery import percent, typical
from siaga.drivers.indicator import (
    CALLS,
    FIRST,
    LIGHT,
    PATTERNS,
    SECOND,
    SOUND,
    SOUND_AGAIN_MS,
    SOUND_MS,
    VIBRATION,
    Indicator,
    Lamp,
    steps,
)
from visible_blinks import AT_REST, REST_MS, WINDOW_MS, Look, looks

LOUD = [signal for signal, (_, once, repeated) in PATTERNS.items() if once or "*" in repeated]
DARK = ("closed", "cancelled", "test_received")  # for a while, then armed; told by what is heard and felt
PAIRS = [(one, other) for one, other in combinations(PATTERNS, 2) if not {one, other} <= set(DARK)]


class Time:
    now = 0

    def ms(self) -> int:
        return self.now


class TwoColours(Lamp):
    colours = 2


def indicator(silent: bool = False, lamp: Lamp | None = None) -> Indicator:
    return Indicator(lamp or Lamp(), Time(), silent)


@cache
def seen(signal: str, window_ms: int) -> set[Look]:
    return looks([(bool(mask & LIGHT), ms) for mask, ms in steps(PATTERNS[signal][2])], window_ms)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_lights_are_told_apart_without_counting_whenever_one_looks(one: str, other: str):
    """Four seconds of either, from any moment on: lit, dark or changing twice as long or fast and more, or lit for
    another 40 % of the time. At rest, where a blink costs the battery, twelve seconds."""
    window_ms = REST_MS if {one, other} & set(AT_REST) else WINDOW_MS
    alike = [(a, b) for a in seen(one, window_ms) for b in seen(other, window_ms) if not a.differs(b)]
    assert not alike, alike[0]


@pytest.mark.parametrize("signal", [signal for signal in PATTERNS if signal not in CALLS])
def test_fast_flashes_that_turn_into_a_long_light_mean_call_110_and_nothing_else(signal: str):
    def is_call(look: Look) -> bool:
        return look.on_ms >= 900 and look.changes >= 10

    assert all(is_call(look) for call in CALLS for look in seen(call, WINDOW_MS))
    assert not any(is_call(look) for look in seen(signal, WINDOW_MS))


def test_the_more_light_the_nearer_is_help():
    shares = [[look.lit for look in seen(name, WINDOW_MS)] for name in ("received", "seen", "assigned", "on_scene")]
    for before, after in pairwise(shares):
        assert max(before) < min(after)


def beats(signal: str) -> list[tuple[bool, int]]:
    """What is felt: of what is played once, or of one round of what repeats."""
    _, once, repeated = PATTERNS[signal]
    felt = [(bool(mask & VIBRATION), ms) for mask, ms in steps(once or repeated)]
    while not felt[-1][0]:
        felt.pop()
    return felt


def shape(felt: list[tuple[bool, int]]) -> str:
    on = [ms for beats, ms in felt if beats]
    return "rises" if on[-1] >= 1.5 * on[0] else "falls" if on[0] >= 1.5 * on[-1] else "even"


@pytest.mark.parametrize(("one", "other"), list(combinations(LOUD, 2)))
def test_what_is_heard_and_felt_is_told_apart_without_counting(one: str, other: str):
    """The longest beat or pause twice as long, growing instead of fading, or going on. Tones differ too, for who hears
    them."""
    if {one, other} == set(CALLS):
        return  # both mean call 110; only the pause after them differs
    mine, theirs = beats(one), beats(other)
    longest = [
        [max((ms for on, ms in felt if on is level), default=20) for level in (True, False)] for felt in (mine, theirs)
    ]
    goes_on = PATTERNS[one][1] == "" or PATTERNS[other][1] == ""
    assert (
        goes_on
        or shape(mine) != shape(theirs)
        or any(max(pair) >= 2 * min(pair) for pair in zip(*longest, strict=True))
    )
    assert PATTERNS[one][0] != PATTERNS[other][0] or mine != theirs


def test_silent_means_no_light_and_no_sound_at_any_moment():
    shown = indicator(silent=True, lamp=TwoColours())
    for signal, (_, once, repeated) in PATTERNS.items():
        shown.show(signal)
        for mask, _ in steps(once) + steps(repeated):
            light, tone, vibration = shown.level(mask, 0)
            assert not light and tone == 0 and vibration == bool(mask & VIBRATION)


@pytest.mark.parametrize("signal", CALLS)
def test_the_call_for_110_comes_back_to_the_ear_every_minute(signal: str):
    shown = indicator()
    shown.show(signal)
    tone = PATTERNS[signal][0]
    for minute in range(1, 12 * 60):
        for after_ms in (1, SOUND_AGAIN_MS - 1):
            assert shown.level(LIGHT | SOUND | VIBRATION, minute * SOUND_MS + after_ms) == (FIRST, tone, True)
        for after_ms in (SOUND_AGAIN_MS, SOUND_MS - 1):
            assert shown.level(LIGHT | SOUND | VIBRATION, minute * SOUND_MS + after_ms) == (FIRST, 0, False)
    one_round = sum(ms for _, ms in steps(PATTERNS[signal][2]))
    assert one_round * 2 <= SOUND_AGAIN_MS, "whoever missed the beginning hears a whole one"


def test_a_second_colour_says_call_110_and_nothing_else():
    shown = indicator(lamp=TwoColours())
    for signal in PATTERNS:
        shown.show(signal)
        assert shown.level(LIGHT, 0)[0] == (SECOND if signal in CALLS else FIRST)
        assert shown.level(0, 0)[0] == 0


def test_a_cancelled_or_closed_incident_ends_dark():
    for signal in ("cancelled", "closed", "test_received"):
        assert all(mask == 0 for mask, _ in steps(PATTERNS[signal][2]))


def test_showing_the_same_again_is_no_change():
    shown = indicator()
    assert shown.show("sending") and not shown.show("sending") and shown.show("received")


def test_news_of_the_same_is_played_again_once():
    shown = indicator()
    assert shown.show("assigned") and not shown.show("assigned")
    assert shown.show("assigned", 1) and not shown.show("assigned", 1)
    assert shown.show("sending") and shown.show("assigned", 1)


def test_every_signal_stands_in_the_readme():
    readme = Path(FIRMWARE / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|[^|]+\|[^|]+\|[^|]+\|$", readme, flags=re.MULTILINE)) >= set(PATTERNS)


def test_a_cell_s_voltage_is_a_percentage_that_only_falls():
    assert percent(1200) is None and percent(4200) == 100 and percent(3300) == 0 and percent(2800) == 0
    levels = [percent(mv) for mv in range(2500, 4400)]
    assert levels == sorted(levels) and set(levels) >= {0, 5, 20, 50, 80, 100}


def test_readings_far_off_change_a_battery_s_voltage_by_nothing():
    for strays in range(5):
        for stray in (142000, 3300000):
            assert typical([2000000] * (16 - strays) + [stray] * strays) == 2000000
    assert typical([2000000 + noise for noise in range(-8, 8)]) == 1999999
