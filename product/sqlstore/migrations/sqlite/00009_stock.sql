-- +goose Up
-- A narrow row per product, apart from it: selling touches neither the product's row nor its
-- indexes.
CREATE TABLE IF NOT EXISTS {prefix}stock (
    product_id BLOB    NOT NULL PRIMARY KEY,
    on_hand    INTEGER NOT NULL,
    reserved   INTEGER NOT NULL,
    version    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
