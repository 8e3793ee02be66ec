-- Owners whose closed calls ask for a decision (pranks) or for advice (accidents); suspensions that end by themselves.

ALTER TABLE device ADD COLUMN suspended_until_ms INTEGER; -- NULL: it ends only when somebody lifts it
CREATE INDEX device_suspended ON device (device_id) WHERE suspended_until_ms IS NOT NULL;

CREATE TABLE owner_case (
    id           INTEGER PRIMARY KEY NOT NULL,
    owner_id     INTEGER NOT NULL REFERENCES owner (id),
    kind         TEXT NOT NULL CHECK (kind IN ('pranks', 'accidents')),
    state        TEXT NOT NULL,
    opened_ms    INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    decided_ms   INTEGER,
    decided_by   TEXT,
    reason       TEXT,
    until_ms     INTEGER,
    ended_ms     INTEGER,
    ended_by     TEXT,
    end_reason   TEXT
);
CREATE UNIQUE INDEX owner_case_open ON owner_case (owner_id, kind) WHERE state = 'open';
CREATE INDEX owner_case_in_force ON owner_case (id) WHERE state IN ('open', 'suspended');
CREATE INDEX owner_case_owner ON owner_case (owner_id, id);
