-- +goose Up
-- What reservations hold of each product. A product's rows add up to its reserved stock, and
-- change only in transactions that have locked the product.
CREATE TABLE IF NOT EXISTS {prefix}holds (
    id             BINARY(16) NOT NULL,
    reservation_id BINARY(32) NOT NULL,
    product_id     BINARY(16) NOT NULL,
    quantity       BIGINT     NOT NULL,
    expires_at     BIGINT     NOT NULL,
    PRIMARY KEY (id),
    KEY by_reservation (reservation_id),
    KEY by_product (product_id, expires_at, quantity),
    KEY by_expiry (expires_at, product_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
