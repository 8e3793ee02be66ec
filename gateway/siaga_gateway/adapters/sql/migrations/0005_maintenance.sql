-- Maintenance cases, and what they are found by.

ALTER TABLE device ADD COLUMN checkin_s INTEGER; -- how often it checks in; NULL: as the settings expect of any
CREATE INDEX device_label ON device (label, device_id);

ALTER TABLE device_status ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_status ADD COLUMN restarts_until_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_status ADD COLUMN rejected_until_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_status ADD COLUMN tampered_ms INTEGER;
-- What was missing until now is taken for restarts that nobody counted, 24 counters each.
UPDATE device_status SET restarts = (highest_counter - first_counter + 1 - events + 23) / 24;

CREATE TABLE maintenance (
    id        INTEGER PRIMARY KEY,
    device_id BLOB REFERENCES device (device_id), -- NULL: a fold, of many devices with one cause
    cause     TEXT NOT NULL,
    bit       INTEGER NOT NULL, -- of the cause, see adapters/sql/maintenance.py
    level     INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,
    closed_ms INTEGER,
    closed_by TEXT,
    note      TEXT,
    stands    INTEGER NOT NULL,
    fold      INTEGER REFERENCES maintenance (id)
);
CREATE UNIQUE INDEX maintenance_standing ON maintenance (device_id, cause) WHERE stands = 1 AND device_id IS NOT NULL;
CREATE UNIQUE INDEX maintenance_fold ON maintenance (cause) WHERE closed_ms IS NULL AND device_id IS NULL;
CREATE INDEX maintenance_open ON maintenance (id) WHERE closed_ms IS NULL;
CREATE INDEX maintenance_device ON maintenance (device_id, id);
CREATE INDEX maintenance_member ON maintenance (fold, id) WHERE fold IS NOT NULL;

-- When the gateway did not hear what came by a way.
CREATE TABLE deafness (
    way     TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms   INTEGER NOT NULL,
    PRIMARY KEY (way, from_ms)
);
