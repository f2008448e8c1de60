-- +goose Up
-- The tags of products.tags once more, for filters.
CREATE TABLE IF NOT EXISTS {prefix}tags (
    tag        VARCHAR(64) NOT NULL,
    product_id BINARY(16)  NOT NULL,
    PRIMARY KEY (tag, product_id),
    KEY by_product (product_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
