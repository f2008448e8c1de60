-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}products_by_category ON {prefix}products (category);
