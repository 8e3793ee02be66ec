-- What the figures need of each call when its person, place and messages are long gone: times, a station and its end. No
-- person, no button, no position.

CREATE TABLE incident_figures (
    incident_id     INTEGER PRIMARY KEY NOT NULL REFERENCES incident (id),
    opened_at_ms    INTEGER NOT NULL,
    mode            TEXT NOT NULL,
    station         TEXT,    -- a station_key, as it was when the call was made
    pressed_at_ms   INTEGER, -- NULL: nobody has checked the button's clock
    acknowledged_ms INTEGER,
    assigned_ms     INTEGER,
    on_scene_ms     INTEGER,
    closed_at_ms    INTEGER,
    disposition     TEXT,
    presses         INTEGER NOT NULL,
    held            INTEGER NOT NULL
);
CREATE INDEX incident_figures_opened ON incident_figures (opened_at_ms, incident_id);

-- When a maintenance case's cause was gone, also of a case that a person closed before.
ALTER TABLE maintenance ADD COLUMN gone_ms INTEGER;
CREATE INDEX maintenance_silent ON maintenance (opened_ms) WHERE cause = 'silent' AND device_id IS NOT NULL;
