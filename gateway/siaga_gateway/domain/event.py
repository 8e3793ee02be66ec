"""An event: a verified frame, when it arrived, and when it happened as far as the button's clock can be trusted."""

from __future__ import annotations

from enum import StrEnum

from siaga_gateway.domain.button_clock import ClockLag, waited_s
from siaga_gateway.domain.device_report import Report
from siaga_gateway.domain.frame import Kind, Uplink
from siaga_gateway.domain.value import record


class ButtonClock(StrEnum):
    """How far the time in a report can be trusted."""

    SET = "set"
    UNSET = "unset"
    BEHIND = "behind"  # known to be slow: its time was corrected
    UNPROVEN = "unproven"  # it claims an old event, and no check-in has yet shown how good the clock is
    AHEAD = "ahead"  # in the future by more than the tolerance: its time is ignored


@record
class Timing:
    """The tolerances for late events and for a clock that is ahead."""

    delayed_after_s: int = 120
    clock_ahead_s: int = 120


# The kinds by which a holder calls for help or adds to a call: they belong to incidents.
CALLS = frozenset({Kind.PRESS, Kind.UPDATE, Kind.CANCEL})


@record
class Event:
    """One verified report from one device."""

    device_id: bytes
    counter: int
    kind: Kind
    report: Report
    received_ms: int  # Unix ms, the gateway's clock
    clock: ButtonClock
    happened_ms: int | None  # Unix ms, the button's clock, corrected by what is known of it; None: unknown
    delayed_s: int | None  # set if it was in transit for more than delayed_after_s
    claimed_s: int | None  # its age by an UNPROVEN clock
    # Counter of the PRESS that, as the button sees it, opened the incident. None if the frame does not say: not a call,
    # an UPDATE or CANCEL with opening 0, an opening that has saturated or would precede counter 0. A PRESS that does
    # not say opens for itself.
    key: int | None
    test: bool
    duress: bool

    @property
    def at_ms(self) -> int:
        """When it happened, else when it arrived."""
        return self.received_ms if self.happened_ms is None else self.happened_ms

    @property
    def is_call(self) -> bool:
        return self.kind in CALLS


def event_of(uplink: Uplink, received_ms: int, timing: Timing, lag: ClockLag | None = None) -> Event:
    """Return the event of a verified frame of kind 1 to 5.

    lag: what is known of the button's clock. Raises: ValueError for a frame without a report.
    """
    report = uplink.report
    if report is None:
        raise ValueError(f"a {uplink.kind.name} reports nothing")
    clock = ButtonClock.SET
    happened_ms: int | None = report.time * 1000
    delayed_s: int | None = None
    age_s = received_ms // 1000 - report.time
    if not report.clock_set:
        clock, happened_ms = ButtonClock.UNSET, None
    else:
        if not -timing.clock_ahead_s <= age_s <= timing.delayed_after_s:
            waited = 0 if lag is None else max(0, waited_s(lag, age_s, received_ms))
            delayed_s = waited if waited > timing.delayed_after_s else None
            clock = ButtonClock.AHEAD if age_s < 0 else ButtonClock.UNPROVEN if lag is None else ButtonClock.BEHIND
            if delayed_s is not None and waited == age_s:
                clock = ButtonClock.SET
            known = clock in (ButtonClock.SET, ButtonClock.BEHIND) or delayed_s is not None
            happened_ms = received_ms - waited * 1000 if known else None
    return Event(
        device_id=uplink.device_id,
        counter=uplink.counter,
        kind=uplink.kind,
        report=report,
        received_ms=received_ms,
        clock=clock,
        happened_ms=happened_ms,
        delayed_s=delayed_s,
        claimed_s=age_s if clock is ButtonClock.UNPROVEN else None,
        key=key_of(uplink.kind, uplink.counter, report),
        test=report.test,
        duress=report.duress,
    )


def asks_for_help(kind: Kind, duress: bool) -> bool:
    """Whether such a message is a call, or adds to one."""
    return kind in CALLS or duress


def key_of(kind: Kind, counter: int, report: Report) -> int | None:
    """Return `Event.key` for a report."""
    if kind not in CALLS:
        return None
    if 0 < report.opening < 65_535 and report.opening <= counter:
        return counter - report.opening
    return counter if kind is Kind.PRESS else None
