-- +goose Up
-- The tags of products.tags once more, for filters.
CREATE TABLE IF NOT EXISTS {prefix}tags (
    tag        TEXT NOT NULL,
    product_id BLOB NOT NULL,
    PRIMARY KEY (tag, product_id)
) STRICT, WITHOUT ROWID;
