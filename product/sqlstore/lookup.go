package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"sync"
)

// lookups keeps the texts of the statements that find products, of which there are few as keys are
// padded. To build one takes as long as MySQL takes to find a product by it.
type lookups struct{ texts sync.Map } // string by lookup

func (l *lookups) text(key lookup, build func(lookup) (string, error)) (string, error) {
	if text, ok := l.texts.Load(key); ok {
		return text.(string), nil
	}
	text, err := build(key)
	if err == nil {
		l.texts.Store(key, text)
	}
	return text, err
}

// lookUp reads the rows of any number of keys, in as few statements as placeholders allow.
func lookUp[T any](ctx context.Context, q querier, keys []any, build func([]any) (string, []any, error), scan func(*sql.Rows) (T, error)) (found []T, err error) {
	for chunk := range slices.Chunk(keys, maxKeys) {
		query, args, err := build(chunk)
		if err != nil {
			return nil, err
		}
		if found, err = readAll(ctx, q, found, query, args, scan); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// readAll appends the rows that a query selects.
func readAll[T any](ctx context.Context, q querier, into []T, query string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		into = append(into, v)
	}
	return into, classify(rows.Err())
}

// digests are keys of tables whose IDs are digests.
func digests[D ~[32]byte](ids []D) []any {
	keys := make([]any, len(ids))
	for i := range ids {
		keys[i] = ids[i][:]
	}
	return keys
}
