-- People's own links to the page on which they say when they are on duty: of the token only its SHA-256, hex.

CREATE TABLE duty_link (
    token_hash TEXT PRIMARY KEY NOT NULL,
    responder  TEXT NOT NULL,              -- a responder_key; whoever has left the list has no link any more
    made_at_ms INTEGER NOT NULL,
    used_at_ms INTEGER                     -- NULL: nobody has answered by it yet
);
CREATE INDEX duty_link_responder ON duty_link (responder);
