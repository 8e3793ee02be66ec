-- A counter that somebody else has used keeps no call out: an event is its device, counter and digest.
--
-- SQLite cannot change a table's constraints, so the table is made anew. Nothing refers to it.

CREATE TABLE anew (
    id          INTEGER PRIMARY KEY,
    device_id   BLOB NOT NULL REFERENCES device (device_id),
    counter     INTEGER NOT NULL,
    digest      BLOB NOT NULL CHECK (length(digest) = 32), -- of kind, counter and body
    kind        INTEGER NOT NULL,
    suite       INTEGER NOT NULL,
    frame       BLOB NOT NULL,
    signature   BLOB CHECK (signature IS NULL OR length(signature) = 64),
    received_ms INTEGER NOT NULL,
    bearer      TEXT NOT NULL,
    incident_id INTEGER REFERENCES incident (id),
    batch       INTEGER,
    answer      INTEGER NOT NULL DEFAULT 0, -- the stage that it was answered with; 0: not known
    UNIQUE (device_id, counter, digest)
);
INSERT INTO anew (id, device_id, counter, digest, kind, suite, frame, signature, received_ms, bearer, incident_id, batch, answer)
SELECT id, device_id, counter, digest, kind, suite, frame, signature, received_ms, bearer, incident_id, batch, answer
FROM event ORDER BY id;
DROP TABLE event;
ALTER TABLE anew RENAME TO event;
CREATE INDEX event_incident ON event (incident_id) WHERE incident_id IS NOT NULL;
