-- What a store of version 1 holds. Times are Unix milliseconds UTC, positions degrees x 10^7.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

CREATE TABLE owner (
    id            INTEGER PRIMARY KEY,
    name          TEXT NOT NULL,
    nik           TEXT NOT NULL UNIQUE,
    phone         TEXT NOT NULL,
    address       TEXT NOT NULL,
    language      TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
);

CREATE TABLE device (
    device_id           BLOB PRIMARY KEY NOT NULL CHECK (length(device_id) = 8),
    public_xy           BLOB NOT NULL UNIQUE CHECK (length(public_xy) = 64),
    owner_id            INTEGER NOT NULL REFERENCES owner (id),
    state               TEXT NOT NULL CHECK (state IN ('pending', 'active', 'suspended', 'expired', 'stolen')),
    label               TEXT NOT NULL,
    enrolled_at_ms      INTEGER NOT NULL,
    valid_until_ms      INTEGER,
    installed_latitude  INTEGER,
    installed_longitude INTEGER,
    changed             INTEGER NOT NULL -- the registry's version at its last change
);
CREATE INDEX device_changed ON device (changed);
CREATE INDEX device_owner ON device (owner_id);

-- The latest word of each device.
CREATE TABLE device_status (
    device_id        BLOB PRIMARY KEY NOT NULL REFERENCES device (device_id),
    first_counter    INTEGER NOT NULL,
    highest_counter  INTEGER NOT NULL,
    events           INTEGER NOT NULL,
    last_seen_ms     INTEGER NOT NULL,
    battery          INTEGER,
    battery_counter  INTEGER NOT NULL,
    low_battery      INTEGER NOT NULL,
    tamper_open      INTEGER NOT NULL,
    external_power   INTEGER NOT NULL,
    latitude         INTEGER,
    longitude        INTEGER,
    accuracy_m       INTEGER,
    fix_age_s        INTEGER,
    position_source  TEXT,
    position_at_ms   INTEGER,
    health           BLOB -- the 8 status bytes of the latest CHECKIN that carried them
) WITHOUT ROWID;

CREATE TABLE incident (
    id                  INTEGER PRIMARY KEY,
    identifier          TEXT NOT NULL UNIQUE,
    mode                TEXT NOT NULL CHECK (mode IN ('actual', 'exercise', 'test')),
    state               TEXT NOT NULL CHECK (state IN ('open', 'seen', 'assigned', 'on_scene', 'closed')),
    device_id           BLOB NOT NULL REFERENCES device (device_id),
    device_label        TEXT NOT NULL,
    registration        TEXT NOT NULL,
    owner_id            INTEGER REFERENCES owner (id),
    opening_counter     INTEGER NOT NULL,
    opened_at_ms        INTEGER NOT NULL,
    pressed_at_ms       INTEGER,
    delayed_s           INTEGER,
    latitude            INTEGER,
    longitude           INTEGER,
    accuracy_m          INTEGER,
    fix_age_s           INTEGER,
    position_source     TEXT,
    position_at_ms      INTEGER,
    presses             INTEGER NOT NULL,
    silent              INTEGER NOT NULL,
    duress              INTEGER NOT NULL,
    cancelled_by_holder INTEGER NOT NULL,
    held                INTEGER NOT NULL,
    battery             INTEGER,
    seen_by             TEXT,
    seen_at_ms          INTEGER,
    unit                TEXT,
    eta_minutes         INTEGER,
    closed_by           TEXT,
    closed_at_ms        INTEGER,
    disposition         TEXT,
    note                TEXT,
    sequence            INTEGER NOT NULL,
    last_press          INTEGER NOT NULL,
    last_cancel         INTEGER,
    told_latitude       INTEGER, -- what the outputs were last told of its place
    told_longitude      INTEGER,
    told_accuracy_m     INTEGER
);
CREATE INDEX incident_open ON incident (device_id) WHERE state <> 'closed';
CREATE INDEX incident_closed ON incident (closed_at_ms) WHERE state = 'closed' AND mode <> 'test';
CREATE INDEX incident_test ON incident (id) WHERE mode = 'test';

-- Every genuine frame, for ever: the evidence.
CREATE TABLE event (
    id          INTEGER PRIMARY KEY,
    device_id   BLOB NOT NULL REFERENCES device (device_id),
    counter     INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    suite       INTEGER NOT NULL,
    frame       BLOB NOT NULL,
    signature   BLOB CHECK (signature IS NULL OR length(signature) = 64),
    received_ms INTEGER NOT NULL,
    bearer      TEXT NOT NULL,
    incident_id INTEGER REFERENCES incident (id),
    UNIQUE (device_id, counter)
);
CREATE INDEX event_incident ON event (incident_id) WHERE incident_id IS NOT NULL;

-- Which incident a PRESS's counter stands for. A new incident may take a counter over from a closed one.
CREATE TABLE press (
    device_id   BLOB NOT NULL REFERENCES device (device_id),
    counter     INTEGER NOT NULL,
    test        INTEGER NOT NULL,
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    opening     INTEGER NOT NULL, -- 1: stages 2 to 5 are told under this counter
    arrived     INTEGER NOT NULL, -- 0: known only from frames that name it
    PRIMARY KEY (device_id, counter, test)
) WITHOUT ROWID;
CREATE INDEX press_incident ON press (incident_id);

CREATE TABLE journal (
    id          INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    incident_id INTEGER REFERENCES incident (id),
    device_id   BLOB,
    actor       TEXT,
    facts       TEXT NOT NULL,
    frame       BLOB
);
CREATE INDEX journal_incident ON journal (incident_id) WHERE incident_id IS NOT NULL;

-- What the outputs are to hear of an incident: as it was then, without its owner's data.
CREATE TABLE notice (
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    sequence    INTEGER NOT NULL,
    change      TEXT NOT NULL,
    made_at_ms  INTEGER NOT NULL,
    incident    TEXT NOT NULL,
    PRIMARY KEY (incident_id, sequence)
) WITHOUT ROWID;

-- The idempotency key is not kept but made of what it names: <incident's identifier>.<sequence>.<output>.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY,
    output          TEXT NOT NULL,
    incident_id     INTEGER NOT NULL,
    sequence        INTEGER NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'abandoned')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    asked           INTEGER NOT NULL DEFAULT 0,
    last_attempt_ms INTEGER,
    detail          TEXT,
    UNIQUE (incident_id, output, sequence),
    FOREIGN KEY (incident_id, sequence) REFERENCES notice (incident_id, sequence)
);
CREATE INDEX outbox_pending ON outbox (output, id) WHERE state = 'pending';
CREATE INDEX outbox_abandoned ON outbox (id) WHERE state = 'abandoned';

CREATE TABLE attempt (
    id        INTEGER PRIMARY KEY,
    outbox_id INTEGER NOT NULL REFERENCES outbox (id),
    at_ms     INTEGER NOT NULL,
    state     TEXT NOT NULL,
    detail    TEXT NOT NULL
);
CREATE INDEX attempt_outbox ON attempt (outbox_id);

-- Devices that are not enrolled, for the registrar.
CREATE TABLE quarantine (
    device_id     BLOB PRIMARY KEY NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms  INTEGER NOT NULL,
    frames        INTEGER NOT NULL,
    frame         BLOB NOT NULL,
    enrol_frame   BLOB
);
CREATE INDEX quarantine_age ON quarantine (last_seen_ms);

INSERT INTO meta (name, value) VALUES ('registry', '0'), ('outbox', '0');
