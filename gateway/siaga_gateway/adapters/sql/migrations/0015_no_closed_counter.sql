-- A press that was not seen belongs to no closed incident, whatever had come when that was closed.

ALTER TABLE incident DROP COLUMN closed_counter;
