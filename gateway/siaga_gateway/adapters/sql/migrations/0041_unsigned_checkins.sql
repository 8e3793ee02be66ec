-- The first and the last check-in by MAC since the button's key last signed, where its signature would have fitted.
ALTER TABLE device_status ADD COLUMN mac_since_ms BIGINT;
ALTER TABLE device_status ADD COLUMN mac_until_ms BIGINT;
