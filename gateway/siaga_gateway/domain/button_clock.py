"""How far a button's clock is behind, learned from its check-ins: what of a message's age it really waited.

In deep sleep an ESP32 counts time by an RC oscillator that is off by tenths of a percent to percents. A message's age
by the button's clock is how far that clock is behind plus how long the message was under way. A check-in is sent at
once, so its age bounds how far the clock can be behind from then on: by that, and by what it may have drifted since.
What goes beyond is waiting. The bound is never too low for a clock that drifts steadily, by less than a third of
`MOST_PPM`; so a fresh press is not called late, and what waited for less than the bound is not noticed.

Nothing here decides whether a call is taken: that rests on counters (domain/attach.py).
"""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.record import record

MOST_PPM: Final = 30_000
_LEAST_PPM: Final = 1_000
# What a check-in may have been under way, seconds; over SMS and LoRaWAN it is more, which only makes the bound wider.
_UNDER_WAY_S: Final = 120


@record
class ClockLag:
    """What is known of a button's clock: at `at_ms` it was behind by at most `lag_s` (below 0: it was ahead)."""

    lag_s: int
    at_ms: int  # Unix ms, the gateway's clock
    drift_ppm: int = MOST_PPM  # by how much it may have drifted since


def learn(before: ClockLag | None, age_s: int, at_ms: int) -> ClockLag:
    """After a check-in that was `age_s` old by the button's clock when it arrived, at at_ms."""
    if before is None or at_ms < before.at_ms:
        return ClockLag(age_s, at_ms)
    if waited_s(before, age_s, at_ms) > 0:
        # It waited, or the clock is worse than was thought: the next ones will tell.
        return ClockLag(before.lag_s, before.at_ms, min(MOST_PPM, 2 * before.drift_ppm))
    return ClockLag(age_s, at_ms, _drift_ppm(before, age_s, at_ms))


def _drift_ppm(before: ClockLag, age_s: int, at_ms: int) -> int:
    """Twice what was seen since the check-in before: whether its answer has set the clock meanwhile, or not."""
    passed_s = (at_ms - before.at_ms) // 1000
    if passed_s <= _UNDER_WAY_S:
        return before.drift_ppm
    seen_s = max(abs(age_s), abs(age_s - before.lag_s)) + _UNDER_WAY_S
    return min(MOST_PPM, _LEAST_PPM + 2 * seen_s * 1_000_000 // passed_s)


def _drifted_s(lag: ClockLag, now_ms: int) -> int:
    passed_s = max(0, now_ms - lag.at_ms) // 1000
    return -(-passed_s * lag.drift_ppm // 1_000_000)


def waited_s(lag: ClockLag, age_s: int, now_ms: int) -> int:
    """How long a message that is `age_s` old by the button's clock was under way at least, seconds; 0 or less: nothing
    is known that it waited."""
    drifted_s = _drifted_s(lag, now_ms)
    # A clock that was ahead may have been set right since; one that is further ahead than it can have drifted was not.
    behind_s = max(0, lag.lag_s) if age_s >= -drifted_s else lag.lag_s
    return age_s - behind_s - drifted_s
