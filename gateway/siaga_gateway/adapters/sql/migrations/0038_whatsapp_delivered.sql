-- A receipt of WhatsApp names its message by the service's own number.

CREATE INDEX notification_reference ON notification (reference) WHERE way = 'whatsapp';
