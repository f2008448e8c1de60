-- +goose Up
ALTER TABLE {prefix}changes
    MODIFY fields LONGTEXT NOT NULL DEFAULT (''),
    ALTER COLUMN subject SET DEFAULT 0,
    ALTER COLUMN version SET DEFAULT 1,
    ALTER COLUMN actor SET DEFAULT '',
    ALTER COLUMN reason SET DEFAULT '';
