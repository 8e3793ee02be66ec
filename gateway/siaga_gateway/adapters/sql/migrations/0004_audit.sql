-- The audit chain (service/audit.py): each row of the journal carries its hash, each stored event names its batch, and
-- each batch is an entry of the chain with a digest over its events. What was there is linked by the step that follows.

CREATE TABLE batch (
    number INTEGER PRIMARY KEY NOT NULL, -- drawn when the batch begins
    id     INTEGER NOT NULL UNIQUE,      -- its entry's, among those of the journal: given at the end
    at_ms  INTEGER NOT NULL,
    events INTEGER NOT NULL,
    digest BLOB NOT NULL,
    hash   BLOB NOT NULL
);

CREATE TABLE audit_head (
    one  INTEGER PRIMARY KEY NOT NULL CHECK (one = 1),
    id   INTEGER NOT NULL,
    hash BLOB NOT NULL
);

ALTER TABLE journal ADD COLUMN hash BLOB;
ALTER TABLE event ADD COLUMN batch INTEGER;
ALTER TABLE event ADD COLUMN answer INTEGER NOT NULL DEFAULT 0; -- the stage that it was answered with; 0: not known
