-- The SIM card of a button, which is told of before it lapses.

ALTER TABLE device ADD COLUMN sim_number TEXT; -- sealed
ALTER TABLE device ADD COLUMN sim_operator TEXT;
ALTER TABLE device ADD COLUMN sim_active_until_ms INTEGER;
ALTER TABLE device ADD COLUMN sim_quota_mb INTEGER;
ALTER TABLE device ADD COLUMN sim_quota_until_ms INTEGER;
ALTER TABLE device ADD COLUMN sim_until_ms INTEGER; -- the earlier of both: what supervision asks for
CREATE INDEX device_sim ON device (sim_until_ms) WHERE sim_until_ms IS NOT NULL;
