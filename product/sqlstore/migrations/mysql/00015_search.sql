-- +goose Up
-- What products are found by: tokens that Go makes, because the servers' parsers differ in what
-- they cut and leave out. A table of its own, because a FULLTEXT key makes every change of its
-- table rebuild it.
CREATE TABLE IF NOT EXISTS {prefix}search (
    product_id BINARY(16) NOT NULL,
    tokens     MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (product_id),
    FULLTEXT KEY tokens (tokens)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
