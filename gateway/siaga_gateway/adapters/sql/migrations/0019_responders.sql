-- Officers and patrols, their shifts, what they say of themselves, and where they are.

CREATE TABLE responder (
    responder_key TEXT PRIMARY KEY NOT NULL,
    kind          TEXT NOT NULL,
    station       TEXT,             -- a station_key; whether there is such a station is checked, not enforced
    language      TEXT NOT NULL,
    transport     TEXT NOT NULL,
    skills        TEXT NOT NULL,    -- JSON: [skill, ...]
    quiet         TEXT NOT NULL,    -- as domain/opening_hours.py writes them; empty: never
    token_hash    TEXT,             -- SHA-256, hex: of what his phone shows with its positions
    added_ms      INTEGER NOT NULL,
    name          TEXT NOT NULL,    -- sealed, like the next two
    ways          TEXT NOT NULL,    -- JSON: [[way, address, proven_ms, asked_ms, code, wrong], ...]
    home          TEXT              -- JSON: [latitude, longitude]
);

CREATE TABLE shift (
    responder TEXT NOT NULL,
    number    INTEGER NOT NULL,     -- from 0, of this responder's
    duty      TEXT NOT NULL,
    hours     TEXT NOT NULL,
    first_day INTEGER,              -- days of the common era, as Python counts them
    last_day  INTEGER,
    PRIMARY KEY (responder, number)
);

CREATE TABLE self_declared (
    responder TEXT PRIMARY KEY NOT NULL,
    duty      TEXT NOT NULL,
    since_ms  INTEGER NOT NULL,
    until_ms  INTEGER NOT NULL
);

-- The last known one of each; kept for days.
CREATE TABLE responder_position (
    responder       TEXT PRIMARY KEY NOT NULL,
    latitude        INTEGER NOT NULL,
    longitude       INTEGER NOT NULL,
    accuracy_m      INTEGER,
    fix_ms          INTEGER NOT NULL,
    fix_known       INTEGER NOT NULL,
    heard_ms        INTEGER NOT NULL,
    still_latitude  INTEGER NOT NULL,
    still_longitude INTEGER NOT NULL,
    still_ms        INTEGER NOT NULL
);
CREATE INDEX responder_position_place ON responder_position (latitude, longitude);
CREATE INDEX responder_position_heard ON responder_position (heard_ms);

INSERT INTO meta (name, value) VALUES ('responders', '0');
INSERT INTO meta (name, value) VALUES ('duty', '0');
