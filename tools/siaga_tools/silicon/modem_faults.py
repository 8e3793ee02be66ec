"""Faults of a simulated modem, its SIM or its network, and what it may send at any time."""

from __future__ import annotations

from enum import StrEnum

STRAY = (
    b"+CGEV: EPS PDN ACT 1",
    b"PB DONE",
    b"+CGEV: ME PDN DEACT 8",
    b"+CGEV: NW REATTACH",
    b"+CTZV: 26/11/23,10:00:00,+28",
    b'*COPN:0,"KT"',
    b'+MSTK: 11, "D0308103012100820281028D"',
    b"QCRDY",
)


class Fault(StrEnum):
    """A fault; any number at once."""

    HANG = "hang"  # sends and does nothing until a reset
    HANG_HARD = "hang_hard"  # until a power cut
    NO_NETWORK = "no_network"
    DENIED = "denied"  # the network rejects this SIM
    NO_DATA = "no_data"  # registered for SMS only
    CONTEXT_REFUSED = "context_refused"  # its data context is up, but it refuses the command and reports no address
    NO_SIM = "no_sim"
    NO_GNSS = "no_gnss"  # it refuses the receiver's commands
    GNSS_DEAF = "gnss_deaf"  # its receiver switches on but never becomes ready
    NO_CREDIT = "no_credit"  # neither SMS nor data go out
    NO_MESSAGES = "no_messages"  # its firmware has none
    SLOW_REFUSAL = "slow_refusal"  # refuses to send an SMS, after two minutes in which it receives nothing
    PLACES_UNKNOWN = "places_unknown"  # does not report where it stored a message
    LOST_PUBACK = "lost_puback"  # publishes, but never reports the result
    STRAY_WORDS = "stray_words"  # URCs between all its output
    RESULT_FIRST = "result_first"  # results before their OK
    SLOW_TLS = "slow_tls"
    NOISE = "noise"  # at power-on, and between lines
