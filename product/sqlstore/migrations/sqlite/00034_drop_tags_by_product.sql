-- +goose Up
-- No release names it; the tags that a product loses are removed by the primary key.
DROP INDEX IF EXISTS {prefix}tags_by_product;
