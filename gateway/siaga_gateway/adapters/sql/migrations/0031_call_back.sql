-- What came of ringing the holder back, and the words that call off or mean duress (domain/call_back.py).

ALTER TABLE incident ADD COLUMN call_back TEXT NOT NULL DEFAULT 'not_tried';
ALTER TABLE incident ADD COLUMN wrong_words INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN called_presses INTEGER NOT NULL DEFAULT 0;

CREATE TABLE code_words (
    owner_id    INTEGER PRIMARY KEY NOT NULL REFERENCES owner (id),
    code_hash   TEXT NOT NULL,      -- argon2id: the words themselves are nowhere
    duress_hash TEXT NOT NULL,
    set_at_ms   INTEGER NOT NULL
);
