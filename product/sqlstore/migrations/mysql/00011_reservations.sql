-- +goose Up
-- Reservations, until some time after their end, which ends_at says: the expiry of one that is
-- held, and of another when it was committed or released. id is a digest of the actor and the key.
CREATE TABLE IF NOT EXISTS {prefix}reservations (
    id              BINARY(32)   NOT NULL,
    reservation_key VARCHAR(200) NOT NULL,
    state           VARCHAR(16)  NOT NULL,
    items           TEXT         NOT NULL,
    created_at      BIGINT       NOT NULL,
    expires_at      BIGINT       NOT NULL,
    ends_at         BIGINT       NOT NULL,
    PRIMARY KEY (id),
    KEY by_end (ends_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
