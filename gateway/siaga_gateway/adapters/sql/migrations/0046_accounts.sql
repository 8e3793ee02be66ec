-- Accounts at the console, and who is signed in.

CREATE TABLE account (
    name         TEXT PRIMARY KEY NOT NULL,
    role         TEXT NOT NULL,
    password     TEXT NOT NULL, -- a hash
    created_ms   INTEGER NOT NULL,
    changed_ms   INTEGER NOT NULL,
    jurisdiction TEXT,    -- a station_key
    disabled_ms  INTEGER, -- NULL: it serves
    created_by   TEXT     -- NULL: taken over from the settings
);

CREATE TABLE console_session (
    token_hash  TEXT PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    begun_ms    INTEGER NOT NULL,
    by_password INTEGER NOT NULL,
    address     TEXT NOT NULL,
    locked_ms   INTEGER
);
CREATE INDEX console_session_name ON console_session (name);
