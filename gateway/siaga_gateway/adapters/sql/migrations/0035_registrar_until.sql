-- When a suspension ends that a registrar gave: what a supervisor lifts is the owner's case, not this one. NULL: none, or
-- it has no end.

ALTER TABLE device ADD COLUMN registrar_until_ms INTEGER;
