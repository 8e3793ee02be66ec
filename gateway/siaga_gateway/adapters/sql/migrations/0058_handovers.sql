-- Notes of a shift, and its handover to the next one: references, states and times; what was typed is encrypted.

CREATE TABLE shift_note (
    id      INTEGER PRIMARY KEY NOT NULL,
    at_ms   INTEGER NOT NULL,
    author  TEXT NOT NULL,
    station TEXT, -- a station_key: of that jurisdiction alone
    text    TEXT  -- NULL: forgotten
);
CREATE INDEX shift_note_at ON shift_note (at_ms);

CREATE TABLE handover (
    id      INTEGER PRIMARY KEY NOT NULL,
    station TEXT,
    from_ms INTEGER NOT NULL,
    made_ms INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    form    TEXT NOT NULL UNIQUE,
    facts   TEXT NOT NULL, -- JSON
    remarks TEXT
);
CREATE INDEX handover_made ON handover (made_ms);

CREATE TABLE handover_receipt (
    handover_id INTEGER NOT NULL REFERENCES handover (id),
    name        TEXT NOT NULL,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (handover_id, name)
);
