-- Which worker does what only one may do at a time (an output's deliveries), and until when. Only where several share
-- the store; times are the database's own.

CREATE TABLE lease (
    name     TEXT PRIMARY KEY NOT NULL,
    holder   TEXT NOT NULL,
    until_ms INTEGER NOT NULL
);
