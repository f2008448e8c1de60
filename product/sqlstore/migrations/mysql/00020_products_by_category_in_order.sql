-- +goose Up
-- A category's products, and a vendor's, in the order of their creation. by_category goes on having
-- all that counts of the tree of categories look at.
ALTER TABLE {prefix}products
    DROP KEY by_category, ADD KEY by_category (deleted, category, created_at, id, status, publish_at, unpublish_at),
    DROP KEY by_vendor, ADD KEY by_vendor (vendor, deleted, created_at, id);
