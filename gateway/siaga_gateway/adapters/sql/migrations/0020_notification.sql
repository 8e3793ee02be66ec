-- Messages of escalations: one recipient on one way. Addresses are not here: they are looked up when it is sent.

CREATE TABLE notification (
    incident_id   INTEGER NOT NULL REFERENCES incident (id),
    number        INTEGER NOT NULL, -- of the escalation's contact
    recipient     TEXT NOT NULL, -- station:<key>, responder:<key>
    way           TEXT NOT NULL,
    kind          TEXT NOT NULL,
    why           TEXT NOT NULL,
    wave          INTEGER NOT NULL,
    rung          TEXT NOT NULL,
    round         INTEGER NOT NULL,
    rank          INTEGER NOT NULL,
    metres        INTEGER,
    state         TEXT NOT NULL
        CHECK (state IN ('pending', 'handed_over', 'failed', 'expired', 'withdrawn', 'by_hand')),
    made_at_ms    INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    next_at_ms    INTEGER, -- NULL: no more tries
    attempts      INTEGER NOT NULL,
    attempted_ms  INTEGER,
    reference     TEXT,
    detail        TEXT,
    PRIMARY KEY (incident_id, number, recipient, way)
);
CREATE INDEX notification_due ON notification (way, next_at_ms) WHERE state = 'pending';
