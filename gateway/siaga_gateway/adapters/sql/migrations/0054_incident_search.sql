-- Search over past incidents: each condition has its index. The station that answered for an incident outlives its
-- record for the figures, and tests have one too.

CREATE TABLE incident_station (
    incident_id INTEGER PRIMARY KEY NOT NULL REFERENCES incident (id),
    station     TEXT NOT NULL -- a station_key, as it was when the call was made
);
CREATE INDEX incident_station_found ON incident_station (station, incident_id);
CREATE INDEX incident_figures_station ON incident_figures (station, incident_id) WHERE station IS NOT NULL;
CREATE INDEX incident_opened ON incident (opened_at_ms, id);
CREATE INDEX incident_disposition ON incident (disposition, id) WHERE disposition IS NOT NULL;
CREATE INDEX incident_exercise ON incident (id) WHERE mode = 'exercise';
CREATE INDEX incident_device ON incident (device_id, id);
CREATE INDEX incident_label ON incident (device_label, id);
