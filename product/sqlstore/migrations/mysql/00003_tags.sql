-- +goose Up
-- The tags of products.tags once more, for filters. Tables that were made before the first release have an
-- index by_product, too, which nobody needs any more.
CREATE TABLE IF NOT EXISTS {prefix}tags (
    tag        VARCHAR(64) NOT NULL,
    product_id BINARY(16)  NOT NULL,
    PRIMARY KEY (tag, product_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
