-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}products_by_updated ON {prefix}products (deleted, updated_at, id);
