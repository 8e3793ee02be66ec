-- What responders photograph on scene: re-encoded, without location, sealed, as base64.

CREATE TABLE photograph (
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    number      INTEGER NOT NULL,    -- from 1, within the incident; never used twice
    responder   TEXT NOT NULL,       -- whose; a responder_key
    at_ms       INTEGER NOT NULL,
    image       TEXT NOT NULL,       -- a JPEG
    PRIMARY KEY (incident_id, number)
);
