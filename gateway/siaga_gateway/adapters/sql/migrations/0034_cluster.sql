-- Major incidents: to which one an incident belongs, by the id of its first, and whether a person took it out of one
-- (domain/cluster.py).

ALTER TABLE incident ADD COLUMN cluster INTEGER;
ALTER TABLE incident ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;
CREATE INDEX incident_cluster ON incident (cluster) WHERE cluster IS NOT NULL;
