-- +goose Up
-- All that the counts of the tree of categories look at, so that they read nothing else.
CREATE INDEX IF NOT EXISTS {prefix}products_by_category ON {prefix}products (deleted, category, status, publish_at, unpublish_at);
