"""The kinds of journal entries: one name for each thing that can happen, and the facts that come with it.

Facts are JSON and free of personal data: no name, number or address, no coordinates (those are in the incident). A fact
that is not known is null. `late` is true where a frame arrived after its incident was closed.
"""

from __future__ import annotations

from typing import Final

# An incident's life, shown on the console and in its timeline
INCIDENT_OPENED: Final = "incident_opened"
#   counter, kind (press, update, cancel, checkin, tamper), trigger (hold, triple_tap, external_input, fall), mode,
#   registration, held, silent, delayed_s, claimed_s, clock (set, unset, behind, unproven, ahead), has_position, after
#   (id of the closed incident that the button still believes to be open, or null)
PRESSED_AGAIN: Final = "pressed_again"  # counter, presses, late, after_cancel, released (it ended a hold)
POSITION: Final = "position"  # counter, source, accuracy_m, fix_age_s, moved_m (null for the first), late
CANCELLED_BY_HOLDER: Final = "cancelled_by_holder"  # counter, duress, late
DURESS: Final = "duress"  # counter, late
KEY_COPIED: Final = "key_copied"  # counter, kind (of the message that showed it), late: see CONTRADICTION, COUNTER_JUMP
SEEN: Final = "seen"
ASSIGNED: Final = "assigned"  # unit, eta_minutes
ON_SCENE: Final = "on_scene"  # unit
DISPATCHED_BY_PERSON: Final = "dispatched_by_person"  # registration
CLOSED: Final = "closed"  # disposition
DELIVERED: Final = "delivered"  # output, sequence, change, attempts, detail
DELIVERY_FAILED: Final = "delivery_failed"  # output, sequence, change, attempts, detail; it will be tried again
DELIVERY_ABANDONED: Final = "delivery_abandoned"  # the same; the receiver refuses for good: a person must look

# Devices
TEST_PRESS: Final = "test_press"  # counter, trigger, registration
TAMPER: Final = "tamper"  # counter, open (the housing is open now)
LOW_BATTERY: Final = "low_battery"  # counter, battery (percent or null)
REPEATED: Final = "repeated"  # counter, kind, count: a frame that is stored came again, and was answered again
SIGNATURE_ADDED: Final = "signature_added"  # counter, digest, sha256: the signature of an event that came without one
COUNTER_GAP: Final = "counter_gap"  # after, counter, missing (how many between them never came, or not yet)
MAINTENANCE_OPENED: Final = "maintenance_opened"
#   case, cause (silent, low_battery, tamper, restarts, rejected, counter_gap, old_version, counters), and what it is
#   about: silent_s, battery, missing, version, lately (restarts or refused inputs)
MAINTENANCE_CLOSED: Final = (
    "maintenance_closed"  # case, cause; by itself or by a person; of many at once: cause, devices
)
MAINTENANCE_MASS: Final = "maintenance_mass"  # case, cause, devices, bearer (of most): many cases at once, one notice
MAINTENANCE_MASS_OVER: Final = "maintenance_mass_over"  # case, cause, left
OWNER_ADDED: Final = "owner_added"  # owner_id
ENROLLED: Final = "enrolled"  # owner_id, state
BROKER_ACCESS: Final = "broker_access"  # given, withdrawn: to how many buttons the broker's door was opened or closed
REGISTRATION_CHANGED: Final = "registration_changed"  # before, after, reason
CHECKIN_CHANGED: Final = "checkin_changed"  # checkin_s: how often it is expected to check in, null: as any

# People's data. Free of it like all the rest: numbers say whose. A reason that a person types says why, not who
PERSONAL_READ: Final = "personal_read"
#   what (incident, nik; queue with incidents: cards of these; owner, owners, export with owner_id or none)
OWNER_ERASED: Final = "owner_erased"  # owner_id, reason (or retention), devices, incidents
RETENTION_RUN: Final = "retention_run"  # statuses, incidents, notes, owners, strangers: how many of each lost something
PERSONAL_KEY_CHANGED: Final = "personal_key_changed"  # before, after (ids of keys), owners, notes
PERSONAL_KEY_MISSING: Final = "personal_key_missing"  # why: owners cannot be read until it is back

# The console's door
SIGNED_IN: Final = "signed_in"  # by_password (false: the console asks for a name only, on the gateway's own machine)
SIGNED_OUT: Final = "signed_out"
SIGN_IN_REFUSED: Final = "sign_in_refused"  # why (wrong, wait), count; the actor where the name is an operator's

# Copies
AUDIT_EXPORTED: Final = "audit_exported"  # after, head: numbers of entries, from the one after `after` up to `head`
BACKUP_MADE: Final = "backup_made"  # file, size, sha256, head (number of its last entry)
RESTORED: Final = "restored"  # file, head (of the backup), erased (owners erased since), before (the store's name then)

# Commands to devices. Never their arguments: settings may hold a secret
COMMAND_ASKED: Final = "command_asked"  # command, down_counter, expires_s
COMMAND_SENT: Final = "command_sent"  # command, down_counter, attempts: the first time, then ever more rarely
COMMAND_ANSWERED: Final = "command_answered"
#   command, down_counter, result (done, refused, failed), answered_s (since it was asked for), counter, was (the state
#   in which the answer found it, where that was neither waiting nor sent)
COMMAND_EXPIRED: Final = "command_expired"  # command, down_counter, attempts
COMMAND_WITHDRAWN: Final = "command_withdrawn"  # command, down_counter, attempts
RECEIPT_UNKNOWN: Final = "receipt_unknown"  # counter, down_counter, result: an answer to a command that was never given

# Refused or strange frames. `count`: how many such since the last entry of this kind for this device
MALFORMED: Final = "malformed"  # reason, detail, size, count
UNKNOWN_DEVICE: Final = "unknown_device"  # kind, counter, proven (an ENROL that proves possession of its key), count
FORGED: Final = "forged"  # kind, counter, suite, count
COUNTER_JUMP: Final = (
    "counter_jump"  # counter, kind, jumped_over (how many counters), count: more than a button can use
)
CONTRADICTION: Final = "contradiction"
#   counter, kind, stored_kind, count: a counter used twice, different content. Both are stored, and calls are taken
SHED: Final = "shed"  # lane, count: under overload, frames let go unanswered; each comes again from its button
UNPROCESSED: Final = "unprocessed"  # error, size: a fault of the gateway itself, the frame is kept in the entry

# The gateway itself
GATEWAY_STARTED: Final = "gateway_started"  # version, pid, worker (where there are several)
GATEWAY_STOPPED: Final = "gateway_stopped"  # worker (where there are several)
BROKER_LOST: Final = "broker_lost"  # why
BROKER_BACK: Final = "broker_back"  # seconds
BEARER_LOST: Final = (
    "bearer_lost"  # bearer, way (of SMS: spool, aggregator), why: another way in than the buttons' own broker
)
BEARER_BACK: Final = "bearer_back"  # bearer, way, seconds
STORE_BACK: Final = "store_back"  # seconds, why: for so long nothing could be stored, nor was it acknowledged
DELIVERY_RETRIED: Final = "delivery_retried"  # output, deliveries: a person asked for abandoned ones to be tried again

INCIDENT_KINDS: Final = frozenset(
    {
        INCIDENT_OPENED,
        PRESSED_AGAIN,
        POSITION,
        CANCELLED_BY_HOLDER,
        DURESS,
        KEY_COPIED,
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
# For whoever audits, not for operators: their feed does not show them.
QUIET_KINDS: Final = frozenset({PERSONAL_READ, SIGNATURE_ADDED, SIGNED_IN, SIGNED_OUT, SIGN_IN_REFUSED})
SECURITY_KINDS: Final = frozenset({MALFORMED, UNKNOWN_DEVICE, FORGED, CONTRADICTION, COUNTER_JUMP, UNPROCESSED})
