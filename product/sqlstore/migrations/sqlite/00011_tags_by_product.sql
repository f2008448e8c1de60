-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}tags_by_product ON {prefix}tags (product_id);
