-- +goose Up
-- A category's products in the order of their creation, and all that the counts of the tree of
-- categories look at, so that they read nothing else.
CREATE INDEX IF NOT EXISTS {prefix}products_by_category_created ON {prefix}products (deleted, category, created_at, id, status, publish_at, unpublish_at);
