-- +goose Up
-- Times are microseconds since 1970 UTC in a BIGINT: the connections may be the host's, and
-- nothing may depend on their parseTime, loc or session time_zone.
--
-- live_sku and variant_key are the claims of a product that is not deleted, and NULL otherwise:
-- NULLs do not collide under a unique key. JSON is kept as text, byte for byte, because the type
-- JSON sorts members anew.
CREATE TABLE IF NOT EXISTS {prefix}products (
    id           BINARY(16)    NOT NULL,
    sku          VARCHAR(64)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    live_sku     VARCHAR(64)   CHARACTER SET ascii COLLATE ascii_bin NULL,
    variant_key  BINARY(32)    NULL,
    deleted      TINYINT       NOT NULL,
    name         VARCHAR(255)  COLLATE {name_collation} NOT NULL,
    description  MEDIUMTEXT    NOT NULL,
    status       VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    publish_at   BIGINT        NULL,
    unpublish_at BIGINT        NULL,
    price        BIGINT        NOT NULL,
    currency     CHAR(3)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    compare_at   BIGINT        NULL,
    backorder    TINYINT       NOT NULL,
    group_name   VARCHAR(255)  NOT NULL,
    options      MEDIUMTEXT    NOT NULL,
    category     VARCHAR(255)  NOT NULL,
    tags         MEDIUMTEXT    NOT NULL,
    vendor       VARCHAR(255)  NOT NULL,
    barcode      VARCHAR(14)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    weight_grams BIGINT        NOT NULL,
    images       MEDIUMTEXT    NOT NULL,
    attributes   MEDIUMTEXT    NOT NULL,
    version      BIGINT        NOT NULL,
    created_at   BIGINT        NOT NULL,
    updated_at   BIGINT        NOT NULL,
    deleted_at   BIGINT        NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY live_sku (live_sku),
    UNIQUE KEY variant_key (variant_key),
    KEY by_created (deleted, created_at, id),
    KEY by_updated (deleted, updated_at, id),
    KEY by_name (deleted, name, id),
    KEY by_price (deleted, currency, price, id),
    KEY by_group (group_name),
    KEY by_category (deleted, category, status, publish_at, unpublish_at),
    KEY by_vendor (vendor)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
