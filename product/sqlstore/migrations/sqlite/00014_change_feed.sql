-- +goose Up
-- One row with id 1, which the first reader of the change feed makes: the last position that was
-- given to a record, and the last one that has been pruned.
CREATE TABLE IF NOT EXISTS {prefix}change_feed (
    id     INTEGER NOT NULL PRIMARY KEY,
    newest INTEGER NOT NULL,
    pruned INTEGER NOT NULL
) STRICT;
