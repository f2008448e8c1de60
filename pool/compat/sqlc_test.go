package compat_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
)

// What follows has the shape of what sqlc writes for MySQL with prepared queries switched on.

type dbtx interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	PrepareContext(context.Context, string) (*sql.Stmt, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

type queries struct {
	db             dbtx
	tx             *sql.Tx
	createItemStmt *sql.Stmt
}

func prepareQueries(ctx context.Context, db dbtx) (*queries, error) {
	q := queries{db: db}
	var err error
	if q.createItemStmt, err = db.PrepareContext(ctx, createItem); err != nil {
		return nil, err
	}
	return &q, nil
}

func (q *queries) Close() error { return q.createItemStmt.Close() }

func (q *queries) WithTx(tx *sql.Tx) *queries {
	return &queries{db: tx, tx: tx, createItemStmt: q.createItemStmt}
}

func (q *queries) exec(ctx context.Context, stmt *sql.Stmt, query string, args ...any) (sql.Result, error) {
	switch {
	case stmt != nil && q.tx != nil:
		return q.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	case stmt != nil:
		return stmt.ExecContext(ctx, args...)
	default:
		return q.db.ExecContext(ctx, query, args...)
	}
}

const createItem = `-- name: CreateItem :execlastid
INSERT INTO item (sku, stock, made) VALUES (?, ?, ?)`

type createItemParams struct {
	SKU   string
	Stock int32
	Made  time.Time
}

func (q *queries) CreateItem(ctx context.Context, arg createItemParams) (int64, error) {
	result, err := q.exec(ctx, q.createItemStmt, createItem, arg.SKU, arg.Stock, arg.Made)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

const listItems = `-- name: ListItems :many
SELECT id, sku, name, stock FROM item WHERE stock >= ? ORDER BY stock`

type listItemsRow struct {
	ID    int64
	SKU   string
	Name  sql.NullString
	Stock int32
}

func (q *queries) ListItems(ctx context.Context, stock int32) ([]listItemsRow, error) {
	rows, err := q.db.QueryContext(ctx, listItems, stock)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []listItemsRow
	for rows.Next() {
		var i listItemsRow
		if err := rows.Scan(&i.ID, &i.SKU, &i.Name, &i.Stock); err != nil {
			return nil, err
		}
		items = append(items, i)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	return items, rows.Err()
}

func TestCodeAsSqlcWritesItWorks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *pool.Pool) {
		ctx := t.Context()
		q, err := prepareQueries(ctx, p.DB())
		require.NoError(t, err)
		defer q.Close()
		together(t, func(n int) error {
			tx, err := p.DB().BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			_, err = q.WithTx(tx).CreateItem(ctx, createItemParams{sku(n), int32(n), noon})
			return errors.Join(err, tx.Commit())
		})
		_, err = q.CreateItem(ctx, createItemParams{"single", 100, noon})
		require.NoError(t, err)

		tx, err := p.DB().BeginTx(ctx, nil)
		require.NoError(t, err)
		id, err := q.WithTx(tx).CreateItem(ctx, createItemParams{"undone", 200, noon})
		require.NoError(t, err)
		require.Positive(t, id)
		require.NoError(t, tx.Rollback())

		items, err := q.ListItems(ctx, 6)
		require.NoError(t, err)
		require.Len(t, items, 3)
		require.Equal(t, "single", items[2].SKU)
	})
}
