-- +goose Up
-- Nothing writes here any more: whether a COMMIT happened whose answer was lost stands in the history.
-- The release after next drops it.
CREATE TABLE IF NOT EXISTS {prefix}batches (
    id BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
