-- +goose Up
-- No release names it; products_by_category_created begins as it did.
DROP INDEX IF EXISTS {prefix}products_by_category;
