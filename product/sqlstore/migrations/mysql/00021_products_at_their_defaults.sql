-- +goose Up
-- What most products have: a statement that makes some is shorter by the columns that all of them
-- leave at these. Package sqlstore knows them by the same values.
ALTER TABLE {prefix}products
    MODIFY description MEDIUMTEXT NOT NULL DEFAULT (''),
    MODIFY options MEDIUMTEXT NOT NULL DEFAULT (''),
    MODIFY tags MEDIUMTEXT NOT NULL DEFAULT (''),
    MODIFY images MEDIUMTEXT NOT NULL DEFAULT (''),
    MODIFY attributes MEDIUMTEXT NOT NULL DEFAULT (''),
    ALTER COLUMN backorder SET DEFAULT 0,
    ALTER COLUMN group_name SET DEFAULT '',
    ALTER COLUMN category SET DEFAULT '',
    ALTER COLUMN vendor SET DEFAULT '',
    ALTER COLUMN barcode SET DEFAULT '',
    ALTER COLUMN weight_grams SET DEFAULT 0,
    ALTER COLUMN version SET DEFAULT 1,
    ALTER COLUMN deleted SET DEFAULT 0,
    ALTER COLUMN deleted_at SET DEFAULT 0;
