-- When a text message reached its phone, as far as the modem's daemon reports it.

ALTER TABLE notification ADD COLUMN delivered_ms INTEGER;
CREATE INDEX notification_text ON notification (recipient, attempted_ms) WHERE way = 'sms' AND state = 'handed_over';
