package sqlstore

import "github.com/productkit-go/productkit/product"

// ListSQL is the statement of a list, to be explained.
func (s *Store) ListSQL(q product.Query) (string, []any, error) { return s.tables.list(q) }

// FindSQL is the statement that finds products by "id" or "live_sku".
func (s *Store) FindSQL(column string, keys []any) (string, []any, error) {
	return s.tables.find(column, keys)
}

// LockSQL is the statement that locks products by "id", "live_sku" or "variant_key".
func (s *Store) LockSQL(column, index string, keys []any) (string, []any, error) {
	return s.tables.lock(column, index, keys, false)
}
