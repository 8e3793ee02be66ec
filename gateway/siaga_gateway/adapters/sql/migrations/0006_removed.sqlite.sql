-- A button can be removed from service: the broker knows it no more.

-- SQLite cannot alter a CHECK. Only its text changes, not what is stored; the table that comes and goes has every
-- connection read it anew (sqlite.org/lang_altertable.html, 8).
PRAGMA writable_schema = ON;
UPDATE sqlite_master SET sql = replace(sql, '''expired'', ''stolen'')', '''expired'', ''stolen'', ''removed'')')
WHERE type = 'table' AND name = 'device';
PRAGMA writable_schema = OFF;
CREATE TABLE anew (number INTEGER);
DROP TABLE anew;
