-- +goose Up
-- Nothing writes here any more: whether a COMMIT happened whose answer was lost stands in the history.
-- The release after next drops it.
CREATE TABLE IF NOT EXISTS {prefix}batches (
    id BINARY(16) NOT NULL,
    PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
