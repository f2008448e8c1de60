-- +goose Up
-- The first success of each write with an idempotency key, for as long as
-- Options.KeepIdempotency says. id is a digest of the actor and the key.
CREATE TABLE IF NOT EXISTS {prefix}idempotency (
    id          BINARY(32) NOT NULL,
    fingerprint BINARY(32) NOT NULL,
    recorded_at BIGINT     NOT NULL,
    outcome     MEDIUMTEXT NOT NULL,
    PRIMARY KEY (id),
    KEY by_age (recorded_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
