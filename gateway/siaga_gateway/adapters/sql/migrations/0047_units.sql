-- The units that a desk has sent to an incident, as JSON: [[name, minutes, since_ms, progress], ...]; NULL: one at most,
-- which is in `unit`.

ALTER TABLE incident ADD COLUMN units TEXT;
