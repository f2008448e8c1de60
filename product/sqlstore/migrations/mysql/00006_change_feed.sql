-- +goose Up
-- One row with id 1, which the first reader of the change feed makes: the last position that was
-- given to a record, and the last one that has been pruned. Whoever gives or prunes positions
-- locks it.
CREATE TABLE IF NOT EXISTS {prefix}change_feed (
    id     TINYINT NOT NULL,
    newest BIGINT  NOT NULL,
    pruned BIGINT  NOT NULL,
    PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {binary_collation};
