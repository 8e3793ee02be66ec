-- A button can be removed from service: the broker knows it no more.
--
-- SQLite cannot alter a CHECK. Only its text changes, not what is stored: this connection reads it anew by RESET, the
-- others because of the table that comes and goes (sqlite.org/lang_altertable.html, 8).
PRAGMA writable_schema = ON;
UPDATE sqlite_master SET sql = replace(sql, '''expired'', ''stolen'')', '''expired'', ''stolen'', ''removed'')')
WHERE type = 'table' AND name = 'device';
PRAGMA writable_schema = RESET;
CREATE TABLE anew (number INTEGER);
DROP TABLE anew;
