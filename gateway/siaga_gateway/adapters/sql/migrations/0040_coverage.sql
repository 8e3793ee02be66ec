-- Where the signal is weak, by cells, months and bearers, without a device: see domain/coverage.py. What is being
-- gathered is in no backup; what enough devices have reported of is told.

CREATE TABLE coverage_gathered (
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
CREATE TABLE coverage (
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
