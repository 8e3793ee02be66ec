-- Who may log in at a broker that asks this database. A removal holds from the commit that says so.
CREATE TABLE broker_login (
    username      TEXT PRIMARY KEY, -- the device_id, 16 hexadecimal digits
    device_id     BYTEA NOT NULL UNIQUE REFERENCES device (device_id) ON DELETE CASCADE,
    password_hash TEXT NOT NULL,    -- SHA-256 of password and salt, hexadecimal
    salt          TEXT NOT NULL
);
-- What a broker's own database user is to see, and no more.
CREATE VIEW broker_user AS
    SELECT broker_login.username, broker_login.password_hash, broker_login.salt
    FROM broker_login JOIN device ON device.device_id = broker_login.device_id
    WHERE device.state <> 'removed';
