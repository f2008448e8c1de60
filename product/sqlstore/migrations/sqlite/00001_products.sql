-- +goose Up
-- Times are microseconds since 1970 UTC, which every driver reads alike. live_sku and
-- variant_key are the claims of a product that is not deleted, and NULL otherwise: NULLs do not
-- collide under a unique key.
CREATE TABLE IF NOT EXISTS {prefix}products (
    id           BLOB    NOT NULL PRIMARY KEY,
    sku          TEXT    NOT NULL,
    live_sku     TEXT    UNIQUE,
    variant_key  BLOB    UNIQUE,
    deleted      INTEGER NOT NULL,
    name         TEXT    NOT NULL COLLATE NOCASE,
    description  TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    publish_at   INTEGER,
    unpublish_at INTEGER,
    price        INTEGER NOT NULL,
    currency     TEXT    NOT NULL,
    compare_at   INTEGER,
    backorder    INTEGER NOT NULL,
    group_name   TEXT    NOT NULL,
    options      TEXT    NOT NULL,
    category     TEXT    NOT NULL,
    tags         TEXT    NOT NULL,
    vendor       TEXT    NOT NULL,
    barcode      TEXT    NOT NULL,
    weight_grams INTEGER NOT NULL,
    images       TEXT    NOT NULL,
    attributes   TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    deleted_at   INTEGER NOT NULL
) STRICT;
