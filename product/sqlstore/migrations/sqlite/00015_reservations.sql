-- +goose Up
-- Reservations, until some time after their end, which ends_at says: the expiry of one that is
-- held, and of another when it was committed or released. id is a digest of the actor and the key.
CREATE TABLE IF NOT EXISTS {prefix}reservations (
    id              BLOB    NOT NULL PRIMARY KEY,
    reservation_key TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    items           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    ends_at         INTEGER NOT NULL
) STRICT;
