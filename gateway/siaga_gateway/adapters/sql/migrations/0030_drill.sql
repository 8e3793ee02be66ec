-- Exercises: the drills, and which of them an incident belongs to.

ALTER TABLE incident ADD COLUMN drill INTEGER;
CREATE INDEX incident_drill ON incident (drill) WHERE drill IS NOT NULL;

CREATE TABLE drill (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    ordered_by TEXT NOT NULL,
    buttons    TEXT NOT NULL, -- JSON: device ids, in hex
    contacts   TEXT NOT NULL, -- JSON: station:<key>, responder:<key>
    ordered_ms INTEGER NOT NULL,
    begins_ms  INTEGER NOT NULL,
    ends_ms    INTEGER NOT NULL,
    ended_ms   INTEGER, -- NULL: planned, or running
    ended_by   TEXT     -- NULL: by itself
);
CREATE INDEX drill_running ON drill (ends_ms) WHERE ended_ms IS NULL;
