-- +goose Up
ALTER TABLE {prefix}stock
    ALTER COLUMN on_hand SET DEFAULT 0,
    ALTER COLUMN reserved SET DEFAULT 0,
    ALTER COLUMN version SET DEFAULT 1;
