-- When the page behind a responder's link was first opened in a browser.

ALTER TABLE responder_link ADD COLUMN opened_ms INTEGER;
