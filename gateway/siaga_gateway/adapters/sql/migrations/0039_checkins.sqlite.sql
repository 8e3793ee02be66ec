-- Check-ins are no evidence any more: what they tell is a device's state, and a history that ends. Their old rows are
-- taken away later, while the gateway works (service/journal/checkin_removal.py).

CREATE TABLE last_position (
    device_id       BLOB PRIMARY KEY NOT NULL REFERENCES device (device_id),
    latitude        INTEGER NOT NULL,
    longitude       INTEGER NOT NULL,
    accuracy_m      INTEGER,
    fix_age_s       INTEGER,
    position_source TEXT NOT NULL,
    position_at_ms  INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO last_position (device_id, latitude, longitude, accuracy_m, fix_age_s, position_source, position_at_ms)
SELECT device_id, latitude, longitude, accuracy_m, fix_age_s, position_source, position_at_ms FROM device_status
WHERE latitude IS NOT NULL AND longitude IS NOT NULL AND position_source IS NOT NULL AND position_at_ms IS NOT NULL;

-- Battery and signal, see domain/battery_history.py.
CREATE TABLE device_day (
    day       INTEGER NOT NULL,
    device_id BLOB NOT NULL REFERENCES device (device_id),
    hours     BLOB NOT NULL,
    PRIMARY KEY (day, device_id)
) WITHOUT ROWID;

-- A batch from which check-ins were taken: what is left of it, and by which removal.
ALTER TABLE batch ADD COLUMN kept_events INTEGER;
ALTER TABLE batch ADD COLUMN kept_digest BLOB;
ALTER TABLE batch ADD COLUMN removal INTEGER;
INSERT INTO meta (name, value) VALUES ('checkins.after', '0'), ('checkins.removals', '0');

ALTER TABLE device_status ADD COLUMN checkins BLOB; -- see domain/checkin_window.py
ALTER TABLE device_status ADD COLUMN day INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_status ADD COLUMN hours BLOB;
-- The old columns stay: a gateway of the version before may go on working until it is restarted, and its presses must be
-- stored. What it writes there is taken over (service/registry/retention.py).
CREATE INDEX device_status_placed ON device_status (device_id) WHERE latitude IS NOT NULL;
UPDATE device_status SET latitude = NULL, longitude = NULL, accuracy_m = NULL, fix_age_s = NULL, position_source = NULL,
    position_at_ms = NULL WHERE latitude IS NOT NULL OR longitude IS NOT NULL;
