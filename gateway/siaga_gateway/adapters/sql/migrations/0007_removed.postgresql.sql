-- A button can be removed from service: the broker knows it no more.

ALTER TABLE device DROP CONSTRAINT device_state_check;
ALTER TABLE device ADD CONSTRAINT device_state_check
    CHECK (state IN ('pending', 'active', 'suspended', 'expired', 'stolen', 'removed'));
