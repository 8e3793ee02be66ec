-- Silences are found by when they ended: years of them do not slow down the report of a month.

UPDATE maintenance SET gone_ms = closed_ms WHERE stands = 0 AND gone_ms IS NULL;
DROP INDEX maintenance_silent;
CREATE INDEX maintenance_silence ON maintenance (gone_ms) WHERE cause = 'silent' AND device_id IS NOT NULL;
