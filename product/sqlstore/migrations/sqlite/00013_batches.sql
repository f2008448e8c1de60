-- +goose Up
-- One row per transaction of the last hour. Whoever lost the answer to a COMMIT finds out here
-- whether it happened. The IDs are UUIDv7 and so hold their time.
CREATE TABLE IF NOT EXISTS {prefix}batches (
    id BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
