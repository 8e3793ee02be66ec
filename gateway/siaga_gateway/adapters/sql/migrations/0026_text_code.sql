-- By which code an answer by text message names its call.

CREATE TABLE text_code (
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    responder   TEXT NOT NULL, -- a responder_key
    code        TEXT NOT NULL, -- digits
    made_at_ms  INTEGER NOT NULL,
    PRIMARY KEY (incident_id, responder)
);
CREATE INDEX text_code_responder ON text_code (responder, made_at_ms);
