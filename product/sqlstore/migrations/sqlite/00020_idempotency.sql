-- +goose Up
-- The first success of each write with an idempotency key, for as long as
-- Options.KeepIdempotency says. id is a digest of the actor and the key.
CREATE TABLE IF NOT EXISTS {prefix}idempotency (
    id          BLOB    NOT NULL PRIMARY KEY,
    fingerprint BLOB    NOT NULL,
    recorded_at INTEGER NOT NULL,
    outcome     TEXT    NOT NULL
) STRICT;
