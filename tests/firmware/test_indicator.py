"""What the holder sees, hears and feels."""

from __future__ import annotations

import re
from pathlib import Path

from micropython import FIRMWARE
from siaga.drivers.battery import percent
from siaga.drivers.indicator import LIGHT, PATTERNS, SOUND, SOUND_MS, VIBRATION, Indicator, steps

LOUD = [signal for signal, (_, once, _) in PATTERNS.items() if once or signal in ("refused", "not_getting_through")]


class Time:
    now = 0

    def ms(self) -> int:
        return self.now


def played(signal: str, mask: int) -> tuple[tuple[bool, int], ...]:
    """The pattern of one sense: on or off and how long, until it repeats."""
    _, once, repeated = PATTERNS[signal]
    joined: list[tuple[bool, int]] = []
    for on, ms in [*steps(once), (-1, 0), *steps(repeated)]:
        level = on == -1 or bool(on & mask)
        if joined and joined[-1][0] == level and on != -1:
            joined[-1] = level, joined[-1][1] + ms
        else:
            joined.append((level, ms))
    return tuple(joined)


def test_no_two_signals_look_alike():
    looks = [played(signal, LIGHT) for signal in PATTERNS]
    assert len(set(looks)) == len(looks)


def test_no_two_loud_signals_sound_or_feel_alike():
    tones = [(PATTERNS[signal][0], played(signal, SOUND)) for signal in LOUD]
    assert len(set(tones)) == len(tones)
    feels = [played(signal, VIBRATION) for signal in LOUD]
    assert len(set(feels)) == len(feels)


def test_silent_means_no_light_and_no_sound_at_any_moment():
    shown = Indicator(None, Time(), silent=True)
    for signal, (_, once, repeated) in PATTERNS.items():
        shown.show(signal)
        for mask, _ in steps(once) + steps(repeated):
            light, tone, vibration = shown.level(mask, 0)
            assert not light and tone == 0 and vibration == bool(mask & VIBRATION)


def test_what_repeats_is_heard_for_a_minute_and_seen_after_that():
    time = Time()
    shown = Indicator(None, time, silent=False)
    shown.show("not_getting_through")
    assert shown.level(LIGHT | SOUND | VIBRATION, SOUND_MS) == (True, 500, True)
    assert shown.level(LIGHT | SOUND | VIBRATION, SOUND_MS + 1) == (True, 0, False)


def test_a_cancelled_or_closed_incident_ends_dark():
    for signal in ("cancelled", "closed", "test_received"):
        assert all(mask == 0 for mask, _ in steps(PATTERNS[signal][2]))


def test_showing_the_same_again_is_no_change():
    shown = Indicator(None, Time(), silent=False)
    assert shown.show("sending") and not shown.show("sending") and shown.show("received")


def test_every_signal_stands_in_the_readme():
    readme = Path(FIRMWARE / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|[^|]+\|[^|]+\|[^|]+\|$", readme, flags=re.MULTILINE)) >= set(PATTERNS)


def test_a_cell_s_voltage_is_a_percentage_that_only_falls():
    assert percent(1200) is None and percent(4200) == 100 and percent(3300) == 0 and percent(2800) == 0
    levels = [percent(mv) for mv in range(2500, 4400)]
    assert levels == sorted(levels) and set(levels) >= {0, 5, 20, 50, 80, 100}
