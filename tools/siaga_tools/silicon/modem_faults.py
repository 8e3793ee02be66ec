"""What can be wrong with a simulated modem, its SIM or its network, and what it may say at any time."""

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
    """What ails it; any number at once."""

    HANG = "hang"  # says nothing and does nothing until a reset
    HANG_HARD = "hang_hard"  # until its power goes
    NO_NETWORK = "no_network"
    DENIED = "denied"  # the network does not want this SIM
    NO_DATA = "no_data"  # registered for messages only
    CONTEXT_REFUSED = "context_refused"  # its data context is up, and it refuses it and tells no address
    NO_SIM = "no_sim"
    NO_GNSS = "no_gnss"  # it refuses its receiver's commands
    GNSS_DEAF = "gnss_deaf"  # its receiver comes on, and is never ready
    NO_CREDIT = "no_credit"  # neither messages nor data go out
    NO_MESSAGES = "no_messages"  # its firmware has none
    SLOW_REFUSAL = "slow_refusal"  # of a text, after two minutes in which it hears nothing
    PLACES_UNKNOWN = "places_unknown"  # of messages that it stored
    LOST_PUBACK = "lost_puback"  # publishes, and never says how that went
    STRAY_WORDS = "stray_words"  # URCs between all its words
    RESULT_FIRST = "result_first"  # results before their OK
    SLOW_TLS = "slow_tls"
    NOISE = "noise"  # after the power comes, and between words
