-- What people did on devices is read by person and by device, without what machines note of them.

CREATE INDEX journal_work_device ON journal (device_id, at_ms)
WHERE actor IS NOT NULL AND device_id IS NOT NULL AND incident_id IS NULL;
CREATE INDEX journal_work_actor ON journal (actor, at_ms)
WHERE actor IS NOT NULL AND device_id IS NOT NULL AND incident_id IS NULL;
