package compat_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
)

func TestSqlxScansAndBindsByName(t *testing.T) {
	t.Parallel()
	type item struct {
		ID    int64
		SKU   string `db:"sku"`
		Name  sql.NullString
		Stock int
		Made  time.Time
	}
	each(t, func(t *testing.T, p *pool.Pool) {
		db := sqlx.NewDb(p.DB(), "mysql")
		together(t, func(n int) error {
			_, err := db.NamedExecContext(t.Context(), "INSERT INTO item (sku, stock, made) VALUES (:sku, :stock, :made)",
				item{SKU: sku(n), Stock: n, Made: noon})
			return err
		})
		var one item
		require.NoError(t, db.GetContext(t.Context(), &one, "SELECT * FROM item WHERE sku = ?", sku(3)))
		require.Equal(t, item{ID: one.ID, SKU: "SKU-3", Stock: 3, Made: noon}, one)

		query, args, err := sqlx.In("SELECT * FROM item WHERE sku IN (?) ORDER BY stock", []string{sku(1), sku(2)})
		require.NoError(t, err)
		var some []item
		require.NoError(t, db.SelectContext(t.Context(), &some, db.Rebind(query), args...))
		require.Len(t, some, 2)

		named, err := db.PrepareNamedContext(t.Context(), "SELECT stock FROM item WHERE sku = :sku")
		require.NoError(t, err)
		defer named.Close()
		together(t, func(n int) error {
			var got int
			return named.GetContext(t.Context(), &got, map[string]any{"sku": sku(n)})
		})

		tx, err := db.BeginTxx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		require.NoError(t, err)
		_, err = tx.NamedExecContext(t.Context(), "DELETE FROM item WHERE stock < :stock", map[string]any{"stock": 4})
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		rows, sum := stock(t, p.DB())
		require.Equal(t, []int{4, 4 + 5 + 6 + 7}, []int{rows, sum})
	})
}
