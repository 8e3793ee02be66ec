-- The alarm level of each incident, as it was judged last, and what it rests on.

CREATE TABLE alarm (
    incident_id INTEGER PRIMARY KEY NOT NULL REFERENCES incident (id),
    level       INTEGER NOT NULL CHECK (level BETWEEN 0 AND 4),
    reasons     TEXT NOT NULL -- JSON: [[sign, effect, count], ...]
);
-- How an owner's earlier calls ended.
CREATE INDEX incident_owner ON incident (owner_id, closed_at_ms) WHERE state = 'closed' AND mode <> 'test';
