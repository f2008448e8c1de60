-- +goose Up
CREATE INDEX IF NOT EXISTS {prefix}reservations_by_end ON {prefix}reservations (ends_at);
