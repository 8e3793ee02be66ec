"""The kinds of journal entries, each with its facts.

Facts are JSON without personal data: no name, number or address, no coordinates (those are in the incident). An unknown
fact is null. `late` is true if the frame arrived after its incident was closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.incident import Change

# An incident's life, shown on the console and in its timeline
INCIDENT_OPENED: Final = "incident_opened"
#   counter, kind (press, update, cancel, checkin, tamper), trigger (hold, triple_tap, external_input, fall), mode,
#   drill (null: none), registration, held, silent, delayed_s, claimed_s, clock (set, unset, behind, unproven, ahead),
#   has_position, after (id of the closed incident that the button still believes to be open, or null)
PRESSED_AGAIN: Final = "pressed_again"  # counter, presses, late, after_cancel, released (it ended a hold)
POSITION: Final = "position"  # counter, source, accuracy_m, fix_age_s, moved_m (null for the first), late
CANCELLED_BY_HOLDER: Final = "cancelled_by_holder"  # counter, duress, late
DURESS: Final = "duress"  # counter, late
KEY_COPIED: Final = "key_copied"  # counter, kind (of the message that showed it), late: see CONTRADICTION, COUNTER_JUMP
SEEN: Final = "seen"
ACKNOWLEDGED: Final = "acknowledged"  # wave: a desk has seen a call that rings again
ACKNOWLEDGEMENT_UNDONE: Final = "acknowledgement_undone"
#   again (it was of a call that rang again; missing: of a new one), wave (that was acknowledged; missing: unknown)
CALLED: Final = "called"
#   rung, wave, why, round, recipients, by_hand (of them for a person to call), station (its key: of the
#   one that answers for the call)
EXERCISE_ASKED: Final = "exercise_asked"  # its drill has ended and nobody has looked: a person is asked
RESUMED: Final = "resumed"  # a person says that a call which was asked about still matters
DESK_RUNG: Final = "desk_rung"  # why (not_arrived, scene_silent, finished, unclear), who (a key, not a name), wave
SCENE_ASKED: Final = "scene_asked"  # who (a key, not a name) is on scene and is asked; recipients, by_hand
CALL_FAILED: Final = "call_failed"  # call (its number), rung: on every way nobody was reached
RESPONDER_SAID: Final = "responder_said"
#   who (a key, not a name), said (accepted, declined, ...), minutes, way (sms, telegram, phone; missing: by his page)
TEXT_UNCLEAR: Final = "text_unclear"  # who (a key) was sent and wrote what is not understood, way (sms, telegram)
MESSAGE_SENT: Final = "message_sent"  # message (its number), to (keys of recipients; "holder"), by_hand (how many)
PHOTOGRAPHED: Final = "photographed"  # who (a key), number (of the photograph, within the incident)
LINK_TAKEN_OVER: Final = "link_taken_over"  # who (a key): another browser goes on with a responder's link
MADE_REAL: Final = "made_real"
#   why (pressed_again, duress, key_copied, not_planned, said: by a person, duress_word), counter:
#   an exercise is a call in earnest
CLUSTERED: Final = "clustered"  # major: the number of the major incident that it belongs to now
UNCLUSTERED: Final = "unclustered"  # major: a person took it out of that one
ASSIGNED: Final = "assigned"  # unit, eta_minutes, beside (others go on; missing: it takes their place)
STOOD_DOWN: Final = "stood_down"  # unit, there (it was on scene)
PROMISE_PASSED: Final = "promise_passed"  # minutes: what the holder was told instead; null: that nobody knows
ON_SCENE: Final = "on_scene"  # unit
CALLED_BACK: Final = "called_back"  # call_back: what came of ringing the holder; wrong_words. Never the word
DISPATCHED_BY_PERSON: Final = "dispatched_by_person"  # registration
CLOSED: Final = "closed"  # disposition
REOPENED: Final = "reopened"  # instead_of (the disposition at the closing), reason (why, not who)
DISPOSITION_CORRECTED: Final = "disposition_corrected"  # disposition, instead_of, reason (why, not who)
NOTE_ADDED: Final = "note_added"  # by an operator or a responder; what it says is in the incident
PROTOCOL_TICKED: Final = "protocol_ticked"  # protocol (kind of call), version, step (from 0)
PROTOCOL_UNTICKED: Final = "protocol_unticked"  # the same: the tick was taken back
DELIVERED: Final = "delivered"  # output, sequence, change, attempts, detail
DELIVERY_FAILED: Final = "delivery_failed"  # output, sequence, change, attempts, detail; it will be tried again
DELIVERY_ABANDONED: Final = "delivery_abandoned"  # the same; refused permanently: a person must look

DELIVERY_PASSED_ON: Final = "delivery_passed_on"
# output, sequence, change: it was given up, and a person has told the receiver by other means
DELIVERY_SUPERSEDED: Final = "delivery_superseded"
# output, sequence, change, attempts: it had failed, a later message of the incident goes in its place

# Devices
TEST_PRESS: Final = "test_press"  # counter, trigger, registration
POSITION_IMPOSSIBLE: Final = "position_impossible"  # counter, place (zero, off_globe), count: counts as no position
AWAY_FROM_PLACE: Final = "away_from_place"  # counter, km, count: a fixed button's satellite fix is elsewhere
TAMPER: Final = "tamper"  # counter, open (the housing is open now)
LOW_BATTERY: Final = "low_battery"  # counter, battery (percent or null)
REPEATED: Final = "repeated"  # counter, kind, count: a stored frame came again, and was answered again
SIGNATURE_ADDED: Final = "signature_added"  # counter, digest, sha256: the signature of an event that came without one
COUNTER_GAP: Final = "counter_gap"
# after, counter, missing: how many of all its frames have not arrived, beyond what its restarts explain
MAINTENANCE_OPENED: Final = "maintenance_opened"  # of a silent button with its open incident
#   case, cause (domain/supervision.py, Cause), and what it is about: silent_s, battery, missing, version, lately
#   (restarts or refused inputs), unsigned_s, quota_mb
MAINTENANCE_CLOSED: Final = (
    "maintenance_closed"  # case, cause; by itself or by a person; for many at once: cause, devices
)
MAINTENANCE_MASS: Final = "maintenance_mass"  # case, cause, devices, bearer (of most): many cases in one notice
MAINTENANCE_MASS_OVER: Final = "maintenance_mass_over"  # case, cause, left
OWNER_ADDED: Final = "owner_added"  # owner_id
OWNER_CHANGED: Final = "owner_changed"  # owner_id, fields: what was changed, by name
CONSENT_RECORDED: Final = "consent_recorded"  # owner_id, version, signed_on
STRANGER_RELEASED: Final = "stranger_released"  # reason: a device left the quarantine without being enrolled
ENROLLED: Final = "enrolled"  # owner_id, state
BROKER_ACCESS: Final = "broker_access"  # given, withdrawn: how many buttons' logins were opened or closed
BROKER_SHUT_OUT: Final = "broker_shut_out"
# count (recent excess frames), seconds, times: a button's login flooded and is suspended for a time
BROKER_LET_IN: Final = "broker_let_in"  # times (it was shut out)
BROKER_FLOOD: Final = "broker_flood"  # count: a flood that cannot be shut out from here
BROKER_DOOR_CLOSED: Final = "broker_door_closed"  # count: a flood came while the login for new buttons was open
REGISTRATION_CHANGED: Final = "registration_changed"  # before, after, reason; by_itself: a suspension has ended
PLACE_CHANGED: Final = (
    "place_changed"  # placed, labelled, addressed: what was changed; moved_m (null: unmoved, or no place before)
)
SIM_CHANGED: Final = "sim_changed"  # sim_until_ms, sim_operator: what is known of its card now
CODE_WORDS_SET: Final = "code_words_set"  # owner_id, removed: there are none any more
HOME_AREA_CHANGED: Final = "home_area_changed"  # owner_id: in whose area they live; not where
STATIONS_IMPORTED: Final = "stations_imported"  # added, changed, removed: how many stations
AREAS_IMPORTED: Final = "areas_imported"  # added, changed, removed: of how many stations the area
DRILL_ORDERED: Final = "drill_ordered"
#   drill, buttons, contacts (how many), minutes, begins_ms, listed (device ids, and keys of who is called)
DRILL_ENDED: Final = "drill_ended"  # drill, why (drill_time, drill_clock, drill_restored; null: a person)
ESCALATION_FAULTY: Final = "escalation_faulty"  # fault (unescalated, late): somebody may not be called
ESCALATION_SOUND: Final = "escalation_sound"  # it goes on
RESPONDERS_IMPORTED: Final = "responders_imported"  # added, changed, removed: how many people
RESPONDER_REMOVED: Final = "responder_removed"  # responder (key), reason (or list): cut from everything
SHIFTS_IMPORTED: Final = "shifts_imported"  # added, changed, removed: of how many people
LIST_BEGUN: Final = "list_begun"  # list, sha256: a list is about to be applied at the console
LIST_IMPORTED: Final = "list_imported"  # list (its kind), sha256 (of the file), added, changed, removed: at the console
DUTY_DECLARED: Final = "duty_declared"
# responder, duty (on_duty, available, off; null: as the shifts say), until_ms: by himself, or by the actor for him
WAY_ADDED: Final = "way_added"  # responder, way: by himself (push) or by a list; it counts once a code is answered
WAY_REMOVED: Final = "way_removed"  # responder, way: by himself (push), by a list, or the browser is gone
WAY_PROVEN: Final = "way_proven"  # responder, way (phone, sms ...): its owner has answered a code on it
DUTY_LINK_MADE: Final = "duty_link_made"  # responder: a link to his own page, had made by the actor or asked for
DUTY_LINKS_VOIDED: Final = "duty_links_voided"  # responder: by himself, all but a new one
TRACKER_LET_IN: Final = "tracker_let_in"  # responder: got a new key for the positions of his phone; the old one is void
POSITIONS_REFUSED: Final = "positions_refused"
# responder (key, null: unknown), why (see domain/errors), count: positions of a phone that were not taken
PHONES_LOST: Final = "phones_lost"  # why: the broker of the responders' phones
PHONES_BACK: Final = "phones_back"  # seconds
PLACES_FAULTY: Final = "places_faulty"  # by what is wrong (domain/places.py, FindingKind): how often
PLACES_SOUND: Final = "places_sound"  # nothing is wrong any more
RESPONDERS_FAULTY: Final = "responders_faulty"  # the same of officers and patrols, and of the ways to them
RESPONDERS_SOUND: Final = "responders_sound"
OWNER_CASE_OPENED: Final = "owner_case_opened"  # case, owner_id, about (pranks, accidents), calls: how many
OWNER_CASE_WITHDRAWN: Final = "owner_case_withdrawn"  # the same: corrected calls leave no ground for it
OWNER_CASE_DECIDED: Final = "owner_case_decided"
# case, owner_id, about, decision (suspended, dismissed, advised), reason, until, buttons (how many)
OWNER_CASE_LIFTED: Final = "owner_case_lifted"  # case, owner_id, about, reason, buttons: a suspension, before its date
CHECKIN_CHANGED: Final = "checkin_changed"  # checkin_s: the expected interval, null: the default

# Personal data. No entry holds any: ids say whose. A reason that a person types says why, not who
PERSONAL_READ: Final = "personal_read"
#   what (incident, nik; queue with incidents: cards of these; owner, owners, export, record, letter, owner_case,
#   sim_number with owner_id or none)
OWNER_ERASED: Final = "owner_erased"  # owner_id, reason (or retention), devices, incidents
RETENTION_RUN: Final = "retention_run"
#   statuses, incidents, notes, owners, strangers, notifications, figures, cases, days, cells, remarks: how many lost
#   something, or were deleted; unfinished: of a run that was interrupted (or goes on, and will tell of the rest)
CHECKINS_REMOVED: Final = "checkins_removed"
#   check-ins that an older version stored as evidence were deleted. removal (its number), first, last (of the batches),
#   batches, removed, digest (over what is left of each batch), signatures (SHA-256 of those that had come later)
FRAMES_REMOVED: Final = "frames_removed"
#   frames of check-ins that an older version kept in the journal were deleted. entries (their numbers)
PERSONAL_KEY_CHANGED: Final = "personal_key_changed"  # before, after (ids of keys), owners, notes
PERSONAL_KEY_MISSING: Final = "personal_key_missing"  # why: owners cannot be read, or will not be after the next start
PERSONAL_KEY_BACK: Final = "personal_key_back"

# Signing in at the console
SIGNED_IN: Final = "signed_in"  # by_password (false: the console asks for a name only, on the gateway's own machine)
SIGNED_OUT: Final = "signed_out"
SIGN_IN_REFUSED: Final = "sign_in_refused"  # why (wrong, wait), count; the actor where the name is an operator's

# Accounts at the console; account: its name
ACCOUNT_ADDED: Final = "account_added"  # account, role, jurisdiction; without an actor: taken over from the settings
ACCOUNT_ROLE: Final = "account_role"  # account, before, role, jurisdiction, sessions (how many ended)
ACCOUNT_REKEYED: Final = "account_rekeyed"  # account, sessions: it has another password
ACCOUNT_DISABLED: Final = "account_disabled"  # account, sessions
ACCOUNT_ENABLED: Final = "account_enabled"  # account
SESSIONS_ENDED: Final = "sessions_ended"  # account, sessions
PROGRAM_ADMITTED: Final = "program_admitted"  # token (the name of a program), scopes, expires_ms
PROGRAM_REVOKED: Final = "program_revoked"  # token
CONSOLE_LOCKED: Final = "console_locked"
CONSOLE_UNLOCKED: Final = "console_unlocked"
ACCOUNT_KINDS: Final = frozenset(
    {
        *(ACCOUNT_ADDED, ACCOUNT_ROLE, ACCOUNT_REKEYED, ACCOUNT_DISABLED, ACCOUNT_ENABLED, SESSIONS_ENDED),
        *(CONSOLE_LOCKED, CONSOLE_UNLOCKED, PROGRAM_ADMITTED, PROGRAM_REVOKED),
    }
)

PROTOCOL_SAVED: Final = "protocol_saved"  # protocol, version: what operators go through at a call of that kind

# Shifts; station: of a dispatcher's jurisdiction, null: of the room
SHIFT_NOTED: Final = "shift_noted"  # note (its number), station; what it says is in the store
HANDED_OVER: Final = "handed_over"  # handover (its number), station, open: how many calls were
HANDOVER_TAKEN: Final = "handover_taken"  # handover, station: the actor has read it

# Exports and backups
AUDIT_EXPORTED: Final = "audit_exported"  # after, head: entry numbers, from the one after `after` up to `head`
BACKUP_MADE: Final = "backup_made"  # file, size, sha256, head (number of its last entry)
RESTORED: Final = "restored"  # file, head (of the backup), erased (owners erased since), before (the store's name then)
STANDBY_LOST: Final = "standby_lost"  # why (gone, not_asked, unseen, old_copy): the second machine lacks what follows
STANDBY_BACK: Final = "standby_back"  # seconds, entries (of this journal, that were on one machine only meanwhile)
STANDBY_PROMOTED: Final = "standby_promoted"  # server, behind_s (before now, its last transaction; null: none)
RESCUED: Final = "rescued"
# file (the damaged one, kept), head (the chain's, as found), before (the store's name then), erased; rows (lost, by
# table, where an index still names them), devices (registered again by their own ENROL), unregistered (device_ids that
# must be enrolled again), owners (of whom only the id is known), incidents (rebuilt from what was sent about them);
# gone, changed, batches, signatures: where the chain is broken, see audit_chain.py

# Commands to devices. Never their arguments: settings may contain a secret
COMMAND_ASKED: Final = "command_asked"  # command, down_counter, expires_s, reason (why, not who; of locate)
COMMAND_SENT: Final = "command_sent"  # command, down_counter, attempts: the first time, then ever more rarely
COMMAND_ANSWERED: Final = "command_answered"
# command, down_counter, result (done, refused, failed), answered_s (since it was issued), counter, was (the state
# before the answer, if neither waiting nor sent)
COMMAND_EXPIRED: Final = "command_expired"  # command, down_counter, attempts
COMMAND_WITHDRAWN: Final = "command_withdrawn"  # command, down_counter, attempts
RECEIPT_UNKNOWN: Final = "receipt_unknown"  # counter, down_counter, result: answers a command that was never issued

# Refused or strange frames. `count`: how many since the last entry of this kind for this device
MALFORMED: Final = "malformed"  # reason, detail, size, count
UNKNOWN_DEVICE: Final = "unknown_device"  # kind, counter, proven (an ENROL that proves possession of its key), count
FORGED: Final = "forged"  # kind, counter, suite, count
COUNTER_JUMP: Final = (
    "counter_jump"  # counter, kind, jumped_over (how many counters), count: more than a button can use
)
CONTRADICTION: Final = "contradiction"
# counter, kind, stored_kind, count: a counter used twice with different content. Both are stored, and calls accepted
SHED: Final = "shed"  # lane, count: frames shed under overload, unanswered; each button sends its own again
UNPROCESSED: Final = "unprocessed"  # error, size, call: a bug in the gateway; has the frame, if no check-in's

# The gateway itself
GATEWAY_STARTED: Final = "gateway_started"  # version, pid, worker (where there are several)
GATEWAY_STOPPED: Final = "gateway_stopped"  # worker (where there are several)
BROKER_LOST: Final = "broker_lost"  # why
BROKER_BACK: Final = "broker_back"  # seconds
BROKER_LIMITED: Final = "broker_limited"  # in_flight (limit, null: enough), no_sessions, no_echo: see the log
BEARER_LOST: Final = (
    "bearer_lost"  # bearer, way (of SMS: spool, aggregator; of telegram: its name), why: an inbound way but the broker
)
BEARER_BACK: Final = "bearer_back"  # bearer, way, seconds
WAY_LOST: Final = "way_lost"  # way, why: people cannot be told on it (a modem for calls, a used-up quota)
WAY_BACK: Final = "way_back"  # way, seconds
CERTIFICATE_ENDING: Final = "certificate_ending"  # certificate (whose: a setting or an address), days
CERTIFICATE_UNUSABLE: Final = "certificate_unusable"  # certificate, days, why (ended, not_yet)
CERTIFICATE_RENEWED: Final = "certificate_renewed"  # certificate, days
MACHINE_FAULT: Final = "machine_fault"  # fault (disk_low, disk_full, clock_free), free_mb
MACHINE_SOUND: Final = "machine_sound"  # fault: it is over
LINE_FAULT: Final = "line_fault"  # output, why: a receiver does not answer supervision messages as it should
LINE_RESTORED: Final = "line_restored"  # output, seconds
STORE_PUT_BACK: Final = "store_put_back"  # why: its file was deleted or replaced, and the gateway restored what it had
STORE_BACK: Final = "store_back"  # seconds, why: how long nothing could be stored, or was acknowledged
DELIVERY_RETRIED: Final = "delivery_retried"  # output, deliveries: a person asked to retry abandoned ones

# What tells which lines are cut. An index has the same list: a kind that is added needs a migration.
LINE_KINDS: Final = (
    *(BEARER_BACK, BEARER_LOST, BROKER_BACK, BROKER_LOST, GATEWAY_STARTED, LINE_FAULT, LINE_RESTORED),
    *(STANDBY_BACK, STANDBY_LOST, WAY_BACK, WAY_LOST),
)
INCIDENT_KINDS: Final = frozenset(
    {
        INCIDENT_OPENED,
        PRESSED_AGAIN,
        POSITION,
        CANCELLED_BY_HOLDER,
        DURESS,
        KEY_COPIED,
        SEEN,
        ACKNOWLEDGED,
        ACKNOWLEDGEMENT_UNDONE,
        RESUMED,
        EXERCISE_ASKED,
        DESK_RUNG,
        CALLED,
        SCENE_ASKED,
        CALL_FAILED,
        RESPONDER_SAID,
        TEXT_UNCLEAR,
        PHOTOGRAPHED,
        LINK_TAKEN_OVER,
        MADE_REAL,
        CLUSTERED,
        UNCLUSTERED,
        ASSIGNED,
        STOOD_DOWN,
        PROMISE_PASSED,
        CALLED_BACK,
        ON_SCENE,
        DISPATCHED_BY_PERSON,
        CLOSED,
        REOPENED,
        DISPOSITION_CORRECTED,
        NOTE_ADDED,
        PROTOCOL_TICKED,
        PROTOCOL_UNTICKED,
        DELIVERED,
        DELIVERY_FAILED,
        DELIVERY_ABANDONED,
        DELIVERY_PASSED_ON,
        DELIVERY_SUPERSEDED,
    }
)
# For auditors, not for operators: the operators' feed omits them.
QUIET_KINDS: Final = frozenset(
    {PERSONAL_READ, SIGNATURE_ADDED, SIGNED_IN, SIGNED_OUT, SIGN_IN_REFUSED, SHIFT_NOTED, *ACCOUNT_KINDS}
)
# Work of registrars, administrators and installers, who have pages and `siaga gateway log` for it: an operator on shift
# could do nothing about it.
OFFICE_KINDS: Final = frozenset(
    {
        REPEATED,
        LOW_BATTERY,
        MAINTENANCE_OPENED,
        MAINTENANCE_CLOSED,
        OWNER_ADDED,
        OWNER_CHANGED,
        CONSENT_RECORDED,
        STRANGER_RELEASED,
        OWNER_ERASED,
        ENROLLED,
        REGISTRATION_CHANGED,
        OWNER_CASE_OPENED,
        OWNER_CASE_WITHDRAWN,
        OWNER_CASE_DECIDED,
        OWNER_CASE_LIFTED,
        PLACE_CHANGED,
        SIM_CHANGED,
        HOME_AREA_CHANGED,
        CODE_WORDS_SET,
        PROTOCOL_SAVED,
        STATIONS_IMPORTED,
        AREAS_IMPORTED,
        RESPONDERS_IMPORTED,
        RESPONDER_REMOVED,
        SHIFTS_IMPORTED,
        LIST_BEGUN,
        LIST_IMPORTED,
        DUTY_DECLARED,
        WAY_ADDED,
        WAY_REMOVED,
        WAY_PROVEN,
        DUTY_LINK_MADE,
        DUTY_LINKS_VOIDED,
        TRACKER_LET_IN,
        PLACES_FAULTY,
        PLACES_SOUND,
        RESPONDERS_FAULTY,
        RESPONDERS_SOUND,
        CHECKIN_CHANGED,
        BROKER_ACCESS,
        COMMAND_ASKED,
        COMMAND_SENT,
        COMMAND_ANSWERED,
        COMMAND_EXPIRED,
        COMMAND_WITHDRAWN,
        RECEIPT_UNKNOWN,
        RETENTION_RUN,
        CHECKINS_REMOVED,
        FRAMES_REMOVED,
        PERSONAL_KEY_CHANGED,
        AUDIT_EXPORTED,
        BACKUP_MADE,
        DELIVERY_RETRIED,
    }
)
SECURITY_KINDS: Final = frozenset(
    {
        MALFORMED,
        UNKNOWN_DEVICE,
        FORGED,
        CONTRADICTION,
        COUNTER_JUMP,
        UNPROCESSED,
        BROKER_SHUT_OUT,
        BROKER_LET_IN,
        BROKER_FLOOD,
        BROKER_DOOR_CLOSED,
    }
)


def concerns_operators(kind: str, facts: Mapping[str, Any]) -> bool:
    """Whether an operator on shift is told of it, apart from an incident's life cycle."""
    if kind in INCIDENT_KINDS or kind in QUIET_KINDS or kind in OFFICE_KINDS:
        return False
    # A button that restarts, or is tried when switched on, leaves counters unused: nothing is missing.
    return kind != COUNTER_GAP or bool(facts.get("missing"))


def is_unheard(facts: Mapping[str, Any]) -> bool:
    """Whether no console may sound for it: the holder, and whoever forces him, are on an operator's telephone, or it is
    about a message that is no call."""
    return facts.get("why") == CallBack.DURESS_WORD or facts.get("call") is False


# What an incident's change is called here
OF_CHANGE: Final = {
    Change.OPENED: INCIDENT_OPENED,
    Change.PRESSED_AGAIN: PRESSED_AGAIN,
    Change.POSITION: POSITION,
    Change.CANCELLED_BY_HOLDER: CANCELLED_BY_HOLDER,
    Change.DURESS: DURESS,
    Change.KEY_COPIED: KEY_COPIED,
    Change.MADE_REAL: MADE_REAL,
}
