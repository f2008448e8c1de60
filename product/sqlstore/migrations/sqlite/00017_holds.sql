-- +goose Up
-- What reservations hold of each product. A product's rows add up to its reserved stock. The
-- constraints are for their indexes: with the ID in it anything is unique.
CREATE TABLE IF NOT EXISTS {prefix}holds (
    id             BLOB    NOT NULL PRIMARY KEY,
    reservation_id BLOB    NOT NULL,
    product_id     BLOB    NOT NULL,
    quantity       INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    UNIQUE (reservation_id, id),
    UNIQUE (product_id, expires_at, id)
) STRICT;
