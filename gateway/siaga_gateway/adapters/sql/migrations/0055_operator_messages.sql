-- What a desk wrote to those who were sent, and to the holder: sealed. To whom, and what came of it: notification.

CREATE TABLE desk_message (
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    number      INTEGER NOT NULL, -- the notifications'; from 1000000
    form_key    TEXT NOT NULL, -- of the form: one sent twice is one message
    text        TEXT NOT NULL, -- JSON: by language
    made_ms     INTEGER NOT NULL,
    made_by     TEXT NOT NULL,
    PRIMARY KEY (incident_id, number)
);
CREATE UNIQUE INDEX desk_message_form ON desk_message (incident_id, form_key);
