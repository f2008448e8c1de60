-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}products_by_group ON {prefix}products (group_name);
