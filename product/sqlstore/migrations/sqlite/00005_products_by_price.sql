-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}products_by_price ON {prefix}products (deleted, currency, price, id);
