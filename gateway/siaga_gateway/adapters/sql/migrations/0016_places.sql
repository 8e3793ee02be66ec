-- Stations, where each is responsible, and where buttons and owners belong.

CREATE TABLE station (
    station_key  TEXT PRIMARY KEY NOT NULL,
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    latitude     INTEGER NOT NULL,
    longitude    INTEGER NOT NULL,
    parent       TEXT,          -- a station_key; whether there is such a station is checked, not enforced
    contacts     TEXT NOT NULL, -- JSON: [[way, address], ...]
    hours        TEXT NOT NULL, -- as domain/opening_hours.py writes them
    address      TEXT NOT NULL,
    verified_by  TEXT,
    verified_day INTEGER        -- days of the common era, as Python counts them
);

CREATE TABLE jurisdiction (
    station_key TEXT PRIMARY KEY NOT NULL,
    shape       BLOB NOT NULL -- as domain/jurisdiction.py packs it
);

ALTER TABLE device ADD COLUMN address TEXT; -- where it is mounted; sealed like an incident's note
ALTER TABLE owner ADD COLUMN station_key TEXT; -- in whose area the owner lives

INSERT INTO meta (name, value) VALUES ('places', '0');
