-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}products_by_vendor ON {prefix}products (vendor);
