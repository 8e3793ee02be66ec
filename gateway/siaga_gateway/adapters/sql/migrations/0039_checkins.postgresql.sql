-- Check-ins are no evidence any more: what they tell is a device's state, and a history that ends. Their old rows are
-- taken away later, while the gateway works (service/journal/checkin_removal.py).

CREATE TABLE last_position (
    device_id       BYTEA PRIMARY KEY NOT NULL REFERENCES device (device_id),
    latitude        BIGINT NOT NULL,
    longitude       BIGINT NOT NULL,
    accuracy_m      BIGINT,
    fix_age_s       BIGINT,
    position_source TEXT NOT NULL,
    position_at_ms  BIGINT NOT NULL
);
INSERT INTO last_position (device_id, latitude, longitude, accuracy_m, fix_age_s, position_source, position_at_ms)
SELECT device_id, latitude, longitude, accuracy_m, fix_age_s, position_source, position_at_ms FROM device_status
WHERE latitude IS NOT NULL AND longitude IS NOT NULL AND position_source IS NOT NULL AND position_at_ms IS NOT NULL;

-- Battery and signal, see domain/battery_history.py.
CREATE TABLE device_day (
    day       BIGINT NOT NULL,
    device_id BYTEA NOT NULL REFERENCES device (device_id),
    hours     BYTEA NOT NULL,
    PRIMARY KEY (day, device_id)
);

-- A batch from which check-ins were taken: what is left of it, and by which removal.
ALTER TABLE batch ADD COLUMN kept_events BIGINT;
ALTER TABLE batch ADD COLUMN kept_digest BYTEA;
ALTER TABLE batch ADD COLUMN removal BIGINT;
INSERT INTO meta (name, value) VALUES ('checkins.after', '0'), ('checkins.removals', '0');

ALTER TABLE device_status ADD COLUMN checkins BYTEA; -- see domain/checkin_window.py
ALTER TABLE device_status ADD COLUMN day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE device_status ADD COLUMN hours BYTEA;
-- The old columns stay: a gateway of the version before may go on working until it is restarted, and its presses must be
-- stored. What it writes there is taken over (service/registry/retention.py).
CREATE INDEX device_status_placed ON device_status (device_id) WHERE latitude IS NOT NULL;
UPDATE device_status SET latitude = NULL, longitude = NULL, accuracy_m = NULL, fix_age_s = NULL, position_source = NULL,
    position_at_ms = NULL WHERE latitude IS NOT NULL OR longitude IS NOT NULL;
