-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}products_by_name ON {prefix}products (deleted, name, id);
