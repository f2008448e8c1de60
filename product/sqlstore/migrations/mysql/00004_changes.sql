-- +goose Up
-- arrival is the order of insertion. One product's changes are inserted under its row's lock, so
-- theirs is the order of their versions, whatever the writers' clocks say.
-- subject is 0 for changes of the product and 1 for those of its stock, which count versions of
-- their own. seq is numbered later, by the reader of the change feed; its index begins with the
-- records that are not, in the order of arrival, which MariaDB only sees if it stands there.
CREATE TABLE IF NOT EXISTS {prefix}changes (
    arrival    BIGINT       NOT NULL AUTO_INCREMENT,
    seq        BIGINT       NULL,
    id         BINARY(16)   NOT NULL,
    product_id BINARY(16)   NOT NULL,
    subject    TINYINT      NOT NULL,
    version    BIGINT       NOT NULL,
    sku        VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind       VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    changed_at BIGINT       NOT NULL,
    actor      VARCHAR(255) NOT NULL,
    reason     VARCHAR(255) NOT NULL,
    fields     LONGTEXT     NOT NULL,
    PRIMARY KEY (arrival),
    KEY seq (seq, arrival),
    UNIQUE KEY by_product (product_id, subject, version)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
