-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}products_by_created ON {prefix}products (deleted, created_at, id);
