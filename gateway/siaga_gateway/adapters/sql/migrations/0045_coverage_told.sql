-- What may be told of the signal, in a table of its own: to the one before an older gateway beside this one releases what it
-- counted for all classes of owners together, in which none is bounded. See domain/coverage.py. What versions with
-- migration 44 have put there cannot be told from that, and goes.

CREATE TABLE coverage_told (
    month   INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    cell    INTEGER NOT NULL,
    bearer  INTEGER NOT NULL,
    classes INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    weak    INTEGER NOT NULL,
    dbm     INTEGER NOT NULL,
    PRIMARY KEY (month, size, cell, bearer)
) WITHOUT ROWID;
