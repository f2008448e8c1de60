-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}idempotency_by_age ON {prefix}idempotency (recorded_at);
