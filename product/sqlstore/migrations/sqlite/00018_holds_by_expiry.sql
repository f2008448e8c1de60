-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}holds_by_expiry ON {prefix}holds (expires_at, product_id);
