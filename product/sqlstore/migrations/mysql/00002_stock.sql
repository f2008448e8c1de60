-- +goose Up
-- A narrow row per product, apart from it: selling touches neither the product's row nor its
-- indexes.
CREATE TABLE IF NOT EXISTS {prefix}stock (
    product_id BINARY(16) NOT NULL,
    on_hand    BIGINT     NOT NULL,
    reserved   BIGINT     NOT NULL,
    version    BIGINT     NOT NULL,
    PRIMARY KEY (product_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
