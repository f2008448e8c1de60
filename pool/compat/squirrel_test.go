package compat_test

import (
	"testing"

	"github.com/Masterminds/squirrel"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
)

func TestSquirrelRunsItsStatements(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *pool.Pool) {
		db := p.DB()
		together(t, func(n int) error {
			_, err := squirrel.Insert("item").Columns("sku", "stock", "made").Values(sku(n), n, noon).
				RunWith(db).ExecContext(t.Context())
			return err
		})
		together(t, func(n int) error {
			var got int
			return squirrel.Select("stock").From("item").Where(squirrel.Eq{"sku": []string{sku(n), "none"}}).
				RunWith(db).QueryRowContext(t.Context()).Scan(&got)
		})
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		res, err := squirrel.Update("item").Set("stock", squirrel.Expr("stock + ?", 1)).Where(squirrel.Lt{"stock": 4}).
			RunWith(tx).ExecContext(t.Context())
		require.NoError(t, err)
		changed, err := res.RowsAffected()
		require.NoError(t, err)
		require.EqualValues(t, 4, changed)
		require.NoError(t, tx.Rollback())
		rows, sum := stock(t, db)
		require.Equal(t, []int{8, 28}, []int{rows, sum}, "rolled back")
	})
}

func TestSquirrelsStatementCacheWorks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *pool.Pool) {
		cache := squirrel.NewStmtCache(p.DB())
		defer func() { require.NoError(t, cache.Clear()) }()
		insert := squirrel.StatementBuilder.RunWith(cache)
		together(t, func(n int) error {
			_, err := insert.Insert("item").Columns("sku", "stock", "made").Values(sku(n), n, noon).ExecContext(t.Context())
			return err
		})
		rows, sum := stock(t, p.DB())
		require.Equal(t, []int{8, 28}, []int{rows, sum})
	})
}
