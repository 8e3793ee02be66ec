-- A counter that somebody else has used keeps no call out: an event is its device, counter and digest.

ALTER TABLE event ALTER COLUMN digest SET NOT NULL;
ALTER TABLE event DROP CONSTRAINT event_device_id_counter_key;
ALTER TABLE event ADD UNIQUE (device_id, counter, digest);
