package sqlstore_test

import (
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

func TestAServiceInTheHostsTransaction(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		if e.driver == "sqlite" {
			e.dsn += "&_txlock=immediate"
		}
		db := e.open(t)
		store := migrated(t, db, nil)
		_, err := db.ExecContext(t.Context(), "CREATE TABLE orders (id INTEGER PRIMARY KEY)")
		require.NoError(t, err)
		made := apply(t, store, create(t, "A"))

		for _, commit := range []bool{false, true} {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(t.Context(), "INSERT INTO orders (id) VALUES (1)")
			require.NoError(t, err)
			inside := store.InTx(tx)
			outcomes, err := inside.Apply(t.Context(), product.Batch{Writes: []product.Write{
				{Op: product.OpAdjustStock, ID: made[0].ID, Delta: -4, At: time.Now().UTC()},
				create(t, "A"),
			}})
			require.NoError(t, err)
			require.EqualValues(t, 6, outcomes[0].Stock.OnHand)
			require.ErrorIs(t, outcomes[1].Err, product.ErrTaken)
			outcomes, err = inside.Apply(t.Context(), product.Batch{Atomic: true, Writes: []product.Write{
				{Op: product.OpAdjustStock, ID: made[0].ID, Delta: -1, At: time.Now().UTC()},
				create(t, "A"),
			}})
			require.NoError(t, err)
			require.ErrorIs(t, outcomes[0].Err, product.ErrNotApplied)
			require.ErrorIs(t, outcomes[1].Err, product.ErrTaken)
			stock, err := inside.Stock(t.Context(), []uuid.UUID{made[0].ID}, time.Now())
			require.NoError(t, err)
			require.EqualValues(t, 6, stock[0].OnHand)
			if commit {
				require.NoError(t, tx.Commit())
			} else {
				require.NoError(t, tx.Rollback())
			}
		}
		var orders int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM orders").Scan(&orders))
		require.Equal(t, 1, orders)
		stock, err := store.Stock(t.Context(), []uuid.UUID{made[0].ID}, time.Now())
		require.NoError(t, err)
		require.EqualValues(t, 6, stock[0].OnHand)
	})
}

func TestAFailedBatchLeavesTheHostsTransactionUsable(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		db := e.with(t, func(c *mysql.Config) { c.Params = map[string]string{"innodb_lock_wait_timeout": "1"} }).open(t)
		store := migrated(t, db, nil)
		made := apply(t, store, create(t, "A"), create(t, "B"))
		blocker, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = blocker.Rollback() }()
		_, err = blocker.ExecContext(t.Context(), "UPDATE productkit_products SET name = name WHERE id = ?", made[1].ID[:])
		require.NoError(t, err)

		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		inside := store.InTx(tx)
		apply(t, inside, rename(made[0], "C"))
		_, err = inside.Apply(t.Context(), product.Batch{Writes: []product.Write{create(t, "D"), rename(made[1], "E")}, NoWait: true})
		require.ErrorIs(t, err, product.ErrBusy)
		require.NotErrorIs(t, err, sqlstore.ErrTransactionLost)
		require.NoError(t, tx.Commit())
		findOne(t, store, product.BySKU("C"))
		found, err := store.Find(t.Context(), []product.Key{product.BySKU("D")})
		require.NoError(t, err)
		require.Empty(t, found)
	})
}

func TestADeadlockSaysThatTheHostsTransactionIsGone(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		made := apply(t, store, create(t, "A"), create(t, "B"))
		_, err := db.ExecContext(t.Context(), "CREATE TABLE heavy (id INT PRIMARY KEY)")
		require.NoError(t, err)

		// The server sacrifices the transaction that changed less, so the other one gets weight.
		heavy, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = heavy.Rollback() }()
		for i := range 50 {
			_, err = heavy.ExecContext(t.Context(), "INSERT INTO heavy (id) VALUES (?)", i)
			require.NoError(t, err)
		}
		_, err = heavy.ExecContext(t.Context(), "SELECT id FROM productkit_products WHERE id = ? FOR UPDATE", made[1].ID[:])
		require.NoError(t, err)

		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		inside := store.InTx(tx)
		apply(t, inside, product.Write{Op: product.OpAdjustStock, ID: made[0].ID, Delta: 1, At: time.Now().UTC()})
		blocked := make(chan error, 1)
		go func() {
			_, err := heavy.ExecContext(t.Context(), "SELECT id FROM productkit_products WHERE id = ? FOR UPDATE", made[0].ID[:])
			blocked <- err
		}()
		_, err = inside.Apply(t.Context(), product.Batch{Writes: []product.Write{rename(made[1], "C")}})
		require.ErrorIs(t, err, sqlstore.ErrTransactionLost)
		require.ErrorIs(t, err, product.ErrBusy)
		require.NoError(t, <-blocked)

		require.NoError(t, heavy.Commit())
		svc := storetest.NewService(t, inside, nil) // which tries again
		_, err = svc.AtomicBatch(t.Context(), []product.Operation{product.AdjustStock{Key: product.ByID(made[0].ID), Delta: 1}})
		require.ErrorIs(t, err, sqlstore.ErrTransactionLost)
		stock, err := store.Stock(t.Context(), []uuid.UUID{made[0].ID}, time.Now())
		require.NoError(t, err)
		require.EqualValues(t, 10, stock[0].OnHand, "nothing is written behind a transaction that is gone")
	})
}
