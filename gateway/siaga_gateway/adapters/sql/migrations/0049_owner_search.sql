-- What owners are found by, though their data are sealed: parts of their names and of their buttons' labels as numbers
-- that only the key gives (domain/name_search.py, adapters/sql/owner_search.py), and telephone numbers like the NIK.

CREATE TABLE owner_search (
    number   INTEGER NOT NULL,
    owner_id INTEGER NOT NULL,
    PRIMARY KEY (number, owner_id)
) WITHOUT ROWID;

ALTER TABLE owner ADD COLUMN phone_index TEXT;
ALTER TABLE owner ADD COLUMN search_numbers BLOB; -- this owner's in owner_search, two bytes each, ascending
ALTER TABLE owner ADD COLUMN search_key TEXT;     -- the key that gave them; another than key_id: they are to be made anew
CREATE INDEX owner_phone ON owner (phone_index) WHERE phone_index IS NOT NULL;
CREATE INDEX owner_unsearchable ON owner (id) WHERE coalesce(search_key, '') <> key_id;

-- The labels of devices that changed later are taken up by the version of their change, whoever changed them.
INSERT INTO meta (name, value) SELECT 'search.devices', value FROM meta WHERE name = 'registry';
