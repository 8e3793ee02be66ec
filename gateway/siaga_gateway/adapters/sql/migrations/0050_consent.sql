-- What an owner has agreed to, on paper: which text, on which day, and who recorded it. The latest counts.

CREATE TABLE owner_consent (
    id          INTEGER PRIMARY KEY NOT NULL,
    owner_id    INTEGER NOT NULL REFERENCES owner (id),
    version     TEXT NOT NULL,
    signed_on   TEXT NOT NULL, -- ISO 8601, a day
    recorded_ms INTEGER NOT NULL,
    recorded_by TEXT NOT NULL
);
CREATE INDEX owner_consent_owner ON owner_consent (owner_id);

-- Enrolments that wait for the registrar.
CREATE INDEX device_pending ON device (device_id) WHERE state = 'pending';
