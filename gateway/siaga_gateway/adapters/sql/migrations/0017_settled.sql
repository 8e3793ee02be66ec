-- Abandoned deliveries that are no longer a person's business: superseded (skipped for a later message of their incident),
-- or passed_on (a person has told the receiver by other means). The banner at the console counts the others.

ALTER TABLE outbox ADD COLUMN settled TEXT;
