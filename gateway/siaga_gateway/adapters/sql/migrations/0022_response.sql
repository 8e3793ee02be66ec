-- What responders answer to incidents by their links. `answered`: how far those are who come by themselves.

ALTER TABLE incident ADD COLUMN answered TEXT;

CREATE TABLE responder_link (
    token_hash  TEXT PRIMARY KEY NOT NULL, -- SHA-256, hex: the link itself is nowhere
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    responder   TEXT NOT NULL,             -- a responder_key; whoever has left the list has no link any more
    made_at_ms  INTEGER NOT NULL
);
CREATE INDEX responder_link_incident ON responder_link (incident_id);
CREATE INDEX responder_link_responder ON responder_link (responder);

CREATE TABLE response (
    incident_id  INTEGER NOT NULL REFERENCES incident (id),
    responder    TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('opened', 'accepted', 'declined', 'withdrew', 'arrived', 'finished')),
    minutes      INTEGER,
    since_ms     INTEGER NOT NULL,
    signal       TEXT,
    signal_ms    INTEGER NOT NULL,
    browser_hash TEXT,                     -- SHA-256, hex
    PRIMARY KEY (incident_id, responder)
);
