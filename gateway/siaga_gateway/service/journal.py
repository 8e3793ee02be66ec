"""The kinds of journal entries: one name for each thing that can happen."""

from __future__ import annotations

from typing import Final

# An incident's life, shown on the console and in its timeline
INCIDENT_OPENED: Final = "incident_opened"
PRESSED_AGAIN: Final = "pressed_again"
POSITION: Final = "position"
CANCELLED_BY_HOLDER: Final = "cancelled_by_holder"
DURESS: Final = "duress"
SEEN: Final = "seen"
ASSIGNED: Final = "assigned"
ON_SCENE: Final = "on_scene"
DISPATCHED_BY_PERSON: Final = "dispatched_by_person"
CLOSED: Final = "closed"
DELIVERED: Final = "delivered"
DELIVERY_FAILED: Final = "delivery_failed"  # one attempt; it will be tried again
DELIVERY_ABANDONED: Final = "delivery_abandoned"  # the receiver refuses for good: a person must look

# Devices
TEST_PRESS: Final = "test_press"
TAMPER: Final = "tamper"
LOW_BATTERY: Final = "low_battery"
COUNTER_GAP: Final = "counter_gap"
ENROLLED: Final = "enrolled"
REGISTRATION_CHANGED: Final = "registration_changed"

# Refused or strange frames
MALFORMED: Final = "malformed"  # sampled: `count` says how many since the last entry
UNKNOWN_DEVICE: Final = "unknown_device"
FORGED: Final = "forged"
CONTRADICTION: Final = "contradiction"  # a counter used twice with different content

# The gateway itself
GATEWAY_STARTED: Final = "gateway_started"
GATEWAY_STOPPED: Final = "gateway_stopped"
BROKER_LOST: Final = "broker_lost"
BROKER_BACK: Final = "broker_back"
STORE_BACK: Final = "store_back"  # the disk was full or failing for `seconds`

INCIDENT_KINDS: Final = frozenset(
    {
        INCIDENT_OPENED,
        PRESSED_AGAIN,
        POSITION,
        CANCELLED_BY_HOLDER,
        DURESS,
        SEEN,
        ASSIGNED,
        ON_SCENE,
        DISPATCHED_BY_PERSON,
        CLOSED,
        DELIVERED,
        DELIVERY_FAILED,
        DELIVERY_ABANDONED,
    }
)
SECURITY_KINDS: Final = frozenset({MALFORMED, UNKNOWN_DEVICE, FORGED, CONTRADICTION})
