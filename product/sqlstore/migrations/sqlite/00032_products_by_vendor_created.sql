-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}products_by_vendor_created ON {prefix}products (vendor, deleted, created_at, id);
