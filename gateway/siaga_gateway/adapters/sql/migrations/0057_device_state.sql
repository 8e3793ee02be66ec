-- A large fleet is counted by registration on each look at its page, and listed by it.

CREATE INDEX device_state ON device (state, label, device_id);
