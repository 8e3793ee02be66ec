-- What operators go through at a call of one kind, as a supervisor has written it. Nothing of it is ever changed.

CREATE TABLE protocol (
    kind       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    steps_id   TEXT NOT NULL, -- JSON
    steps_en   TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (kind, version)
);
