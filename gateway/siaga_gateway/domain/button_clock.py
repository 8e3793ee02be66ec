"""Estimates how far a button's clock lags, from its check-ins, to tell clock error from real delay.

In deep sleep an ESP32 keeps time with an RC oscillator that is off by tenths of a percent up to several percent. A
message's age by the button's clock is the clock's lag plus the time in transit. A check-in is sent at once, so its age
is an upper bound on the lag; from then on the bound grows by the possible drift. Age beyond the bound is time in
transit. For a clock that drifts steadily by less than a third of `MOST_PPM` the bound is never too low: a fresh press
is never called late, and a delay shorter than the bound goes unnoticed.

Nothing here decides whether a call is accepted: that rests on counters (domain/incident_rules.py).
"""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.value import record

MOST_PPM: Final = 30_000
_LEAST_PPM: Final = 1_000
# Transit time allowed for a check-in, seconds. SMS and LoRaWAN take longer, which only widens the bound.
_UNDER_WAY_S: Final = 120


@record
class ClockLag:
    """What is known of a button's clock: at `at_ms` it lagged by at most `lag_s`."""

    lag_s: int  # negative: it was ahead
    at_ms: int  # Unix ms, the gateway's clock
    drift_ppm: int = MOST_PPM  # how much it may have drifted since


def learn(before: ClockLag | None, age_s: int, at_ms: int) -> ClockLag:
    """Return the estimate after a check-in that was `age_s` old by the button's clock when it arrived at `at_ms`."""
    if before is None or at_ms < before.at_ms:
        return ClockLag(age_s, at_ms)
    if waited_s(before, age_s, at_ms) > 0:
        # It was delayed, or the clock is worse than assumed: the next check-ins will tell.
        return ClockLag(before.lag_s, before.at_ms, min(MOST_PPM, 2 * before.drift_ppm))
    return ClockLag(age_s, at_ms, _drift_ppm(before, age_s, at_ms))


def _drift_ppm(before: ClockLag, age_s: int, at_ms: int) -> int:
    """Return twice the drift seen since the previous check-in, whether or not its answer has set the clock since."""
    passed_s = (at_ms - before.at_ms) // 1000
    if passed_s <= _UNDER_WAY_S:
        return before.drift_ppm
    seen_s = max(abs(age_s), abs(age_s - before.lag_s)) + _UNDER_WAY_S
    return min(MOST_PPM, _LEAST_PPM + 2 * seen_s * 1_000_000 // passed_s)


def _drifted_s(lag: ClockLag, now_ms: int) -> int:
    passed_s = max(0, now_ms - lag.at_ms) // 1000
    return -(-passed_s * lag.drift_ppm // 1_000_000)


def waited_s(lag: ClockLag, age_s: int, now_ms: int) -> int:
    """Return the minimum time that a message, `age_s` old by the button's clock, spent in transit, seconds; 0 or less:
    no delay is proven."""
    drifted_s = _drifted_s(lag, now_ms)
    # A clock that was ahead may have been set since; one that is further ahead than it can have drifted was not.
    behind_s = max(0, lag.lag_s) if age_s >= -drifted_s else lag.lag_s
    return age_s - behind_s - drifted_s
