-- Personal data sealed under a key outside the store (adapters/sql/sealing.py). An owner without key_id was erased. What
-- is there in the open is sealed at the first start; `personal` says how far that has come.

ALTER TABLE owner RENAME COLUMN nik TO nik_index;
ALTER TABLE owner ADD COLUMN nik TEXT NOT NULL DEFAULT '';
ALTER TABLE owner ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
ALTER TABLE owner ADD COLUMN erased_at_ms INTEGER;

-- Since when a device's registration is what it is.
ALTER TABLE device ADD COLUMN state_since_ms INTEGER NOT NULL DEFAULT 0;
UPDATE device SET state_since_ms = enrolled_at_ms;
UPDATE device SET state_since_ms = changed_ms FROM (
    SELECT device_id AS changed_device, max(at_ms) AS changed_ms FROM journal
    WHERE kind = 'registration_changed' GROUP BY device_id
) AS change WHERE changed_device = device_id;

INSERT INTO meta (name, value) VALUES ('personal', 'open');
