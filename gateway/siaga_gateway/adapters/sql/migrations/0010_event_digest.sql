-- What an event is known by beside device and counter: SHA-256 of kind, counter and body. The step that follows fills it.

ALTER TABLE event ADD COLUMN digest BLOB;

-- The incident's button and another message under the same counter do not agree: its key may have been copied.
ALTER TABLE incident ADD COLUMN key_copied INTEGER NOT NULL DEFAULT 0;
