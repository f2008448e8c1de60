-- +goose Up
-- What products are found by: tokens that Go makes, the same as on the servers.
CREATE TABLE IF NOT EXISTS {prefix}search (
    id         INTEGER PRIMARY KEY,
    product_id BLOB NOT NULL UNIQUE,
    tokens     TEXT NOT NULL
) STRICT;
