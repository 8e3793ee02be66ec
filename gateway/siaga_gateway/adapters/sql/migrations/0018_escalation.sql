-- Where the escalation of each incident is: which rung of the ladder was called, and when which next step is due.

CREATE TABLE escalation (
    incident_id      INTEGER PRIMARY KEY NOT NULL REFERENCES incident (id),
    phase            TEXT NOT NULL CHECK (phase IN ('held', 'calling', 'acknowledged', 'asked', 'closed')),
    why              TEXT NOT NULL,
    touched_ms       INTEGER NOT NULL,
    next_at_ms       INTEGER, -- NULL: closed
    started_ms       INTEGER NOT NULL,
    wave             INTEGER NOT NULL,
    rung             TEXT NOT NULL,
    reached_s        INTEGER NOT NULL,
    round            INTEGER NOT NULL,
    number           INTEGER NOT NULL,
    top_call         INTEGER NOT NULL,
    paused           INTEGER NOT NULL,
    pause_ms         INTEGER NOT NULL,
    climb_at_ms      INTEGER,
    desk_at_ms       INTEGER,
    assign_by_ms     INTEGER,
    needed_wave      INTEGER NOT NULL,
    held             INTEGER NOT NULL,
    assignments      TEXT NOT NULL, -- JSON: [[who, progress, wave, since_ms, minutes, due_ms, asked], ...]
    revision         INTEGER NOT NULL, -- grows with each change
    claimed_by       TEXT, -- a worker, for as long
    claimed_ms       INTEGER,
    claimed_until_ms INTEGER
);
CREATE INDEX escalation_due ON escalation (next_at_ms) WHERE next_at_ms IS NOT NULL;
-- Last changed later than now: the clock was set back.
CREATE INDEX escalation_touched ON escalation (touched_ms) WHERE next_at_ms IS NOT NULL;
