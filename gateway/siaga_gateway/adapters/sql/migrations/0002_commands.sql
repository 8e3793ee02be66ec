-- Commands to devices, and how far each device's down-counter has come: a number is never given twice, whatever
-- becomes of the commands.

CREATE TABLE command (
    device_id    BLOB NOT NULL REFERENCES device (device_id),
    down_counter INTEGER NOT NULL,
    code         INTEGER NOT NULL,
    arguments    BLOB NOT NULL,
    state        TEXT NOT NULL
                 CHECK (state IN ('waiting', 'sent', 'done', 'refused', 'failed', 'expired', 'withdrawn')),
    asked_by     TEXT NOT NULL,
    asked_ms     INTEGER NOT NULL,
    expires_ms   INTEGER NOT NULL,
    next_ms      INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    sent_ms      INTEGER,
    closed_ms    INTEGER,
    PRIMARY KEY (device_id, down_counter)
) WITHOUT ROWID;
CREATE INDEX command_open ON command (device_id, down_counter) WHERE state IN ('waiting', 'sent');
CREATE INDEX command_due ON command (next_ms) WHERE state IN ('waiting', 'sent');
CREATE INDEX command_expiry ON command (expires_ms) WHERE state IN ('waiting', 'sent');

CREATE TABLE down_counter (
    device_id BLOB PRIMARY KEY NOT NULL REFERENCES device (device_id),
    last      INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('command', '0');
