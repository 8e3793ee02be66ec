-- Notices one behind the other, as they are made. They lay by incident, so that each changed a page of its own: a fifth
-- of what a press cost. What refers to them is checked at the end, when they are there again.

PRAGMA defer_foreign_keys = ON;
CREATE TABLE anew AS SELECT * FROM notice ORDER BY made_at_ms, incident_id, sequence;
DROP TABLE notice;
CREATE TABLE notice (
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    sequence    INTEGER NOT NULL,
    change      TEXT NOT NULL,
    made_at_ms  INTEGER NOT NULL,
    incident    TEXT NOT NULL, -- see adapters/sql/snapshots.py
    PRIMARY KEY (incident_id, sequence)
);
INSERT INTO notice (incident_id, sequence, change, made_at_ms, incident)
SELECT incident_id, sequence, change, made_at_ms, incident FROM anew ORDER BY rowid;
DROP TABLE anew;
