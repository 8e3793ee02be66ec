-- Tokens for programs; of each only a hash.

CREATE TABLE api_token (
    name       TEXT PRIMARY KEY NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    scopes     TEXT NOT NULL, -- permissions, with blanks between
    made_ms    INTEGER NOT NULL,
    made_by    TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    revoked_ms INTEGER, -- NULL: it was not
    revoked_by TEXT,
    used_ms    INTEGER
);
