-- What an owner has told for those who come to help, and a photograph of him: each sealed, each one text.

CREATE TABLE owner_profile (
    owner_id   INTEGER NOT NULL PRIMARY KEY REFERENCES owner (id),
    profile    TEXT NOT NULL, -- JSON
    changed_ms INTEGER NOT NULL
);
CREATE TABLE owner_photograph (
    owner_id   INTEGER NOT NULL PRIMARY KEY REFERENCES owner (id),
    image      TEXT NOT NULL, -- a JPEG, as base64
    changed_ms INTEGER NOT NULL
);
