-- +goose Up
-- subject is 0 for changes of the product and 1 for those of its stock, which count versions of
-- their own. seq is numbered later, by the reader of the change feed.
CREATE TABLE IF NOT EXISTS {prefix}changes (
    id         BINARY(16)   NOT NULL,
    seq        BIGINT       NULL,
    product_id BINARY(16)   NOT NULL,
    subject    TINYINT      NOT NULL,
    version    BIGINT       NOT NULL,
    kind       VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    changed_at BIGINT       NOT NULL,
    actor      VARCHAR(255) NOT NULL,
    reason     VARCHAR(255) NOT NULL,
    fields     LONGTEXT     NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY seq (seq),
    UNIQUE KEY by_product (product_id, subject, version)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
