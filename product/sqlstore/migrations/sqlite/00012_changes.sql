-- +goose Up
-- arrival is the order of insertion, and with one writer at a time that of commits.
-- subject is 0 for changes of the product and 1 for those of its stock, which count versions of
-- their own. seq is numbered later, by the reader of the change feed.
CREATE TABLE IF NOT EXISTS {prefix}changes (
    arrival    INTEGER NOT NULL PRIMARY KEY,
    seq        INTEGER UNIQUE,
    id         BLOB    NOT NULL,
    product_id BLOB    NOT NULL,
    subject    INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    sku        TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    changed_at INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    fields     TEXT    NOT NULL,
    UNIQUE (product_id, subject, version)
) STRICT;
