-- Progress is told under the newest PRESS, which the events know: a PRESS's counter only says which incident it stands for.

DROP INDEX press_incident;
ALTER TABLE press DROP COLUMN opening;
