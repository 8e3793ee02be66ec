-- Of many calls at once each has somebody who knows of it, before more hear of any; and neighbours of a call are found
-- without looking at every open one.

ALTER TABLE notification ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
CREATE INDEX incident_open_place ON incident (latitude, longitude) WHERE state <> 'closed';
