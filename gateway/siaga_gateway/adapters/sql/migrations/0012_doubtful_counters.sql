-- What is known of a device's counters and clock beside the highest counter: somebody else may have its key, and its
-- clock may be slow.

ALTER TABLE device_status ADD COLUMN told_counter INTEGER NOT NULL DEFAULT -1; -- of the frame that its state is from
ALTER TABLE device_status ADD COLUMN told_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_status ADD COLUMN counter_faults INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_status ADD COLUMN counter_fault_ms INTEGER; -- the last, until a person has looked into it
ALTER TABLE device_status ADD COLUMN jumped_over INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_status ADD COLUMN lag_s INTEGER; -- see domain/button_clock.py
ALTER TABLE device_status ADD COLUMN lag_at_ms INTEGER;
ALTER TABLE device_status ADD COLUMN drift_ppm INTEGER;
UPDATE device_status SET told_counter = highest_counter, told_ms = last_seen_ms;

ALTER TABLE incident ADD COLUMN closed_counter INTEGER; -- the highest counter that had come when it was closed
