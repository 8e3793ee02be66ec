-- What is gathered of the signal counts for each class of owners by itself, so that none makes up most of what is told: see
-- domain/coverage.py. What was counted for all of them together cannot be bounded any more, and goes.

CREATE TABLE coverage_reported (
    month   INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    cell    INTEGER NOT NULL,
    bearer  INTEGER NOT NULL,
    classes INTEGER NOT NULL, -- one bit
    samples INTEGER NOT NULL,
    weak    INTEGER NOT NULL,
    dbm     INTEGER NOT NULL,
    PRIMARY KEY (month, size, cell, bearer, classes)
) WITHOUT ROWID;
DELETE FROM coverage_gathered;
DELETE FROM coverage;
