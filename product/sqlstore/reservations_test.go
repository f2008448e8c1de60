package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

// reserve is a write that reserves one piece.
func reserve(key, sku string, at time.Time, expiry time.Duration) product.Write {
	at = at.UTC().Truncate(time.Microsecond)
	r := product.Reservation{
		Key: key, State: product.Held, CreatedAt: at, ExpiresAt: at.Add(expiry),
		Items: []product.ReservationItem{{SKU: sku, Quantity: 1}},
	}
	copy(r.ID[:], key)
	return product.Write{Op: product.OpReserve, At: at, Reservation: &r}
}

func TestReservationsInTheHostsTransactionSeeWhatOthersCommittedMeanwhile(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		if e.driver == "sqlite" {
			e.dsn += "&_txlock=immediate"
		}
		db := e.open(t)
		store := migrated(t, db, nil)
		outside := storetest.NewService(t, store, nil)
		made := apply(t, store, create(t, "A"))
		cart := []product.ReservationItem{{SKU: "A", Quantity: 4}}
		_, _, err := outside.Reserve(t.Context(), "before", cart, 0)
		require.NoError(t, err)

		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		inside := storetest.NewService(t, store.InTx(tx), nil)
		_, err = inside.Reservation(t.Context(), "before") // a snapshot on the servers, whose default is REPEATABLE READ
		require.NoError(t, err)
		if e.driver != "sqlite" { // which lets nobody else write
			apply(t, store, reserve("short", "A", time.Now(), time.Millisecond))
			require.Eventually(t, func() bool {
				stock, err := outside.Stock(t.Context(), made[0].ID)
				return err == nil && stock.Reserved == 4
			}, 10*time.Second, time.Millisecond)
		}
		_, _, err = inside.Reserve(t.Context(), "inside", []product.ReservationItem{{SKU: "A", Quantity: 6}}, 0)
		require.NoError(t, err, "what has expired is free")
		_, err = inside.Commit(t.Context(), "before")
		require.NoError(t, err)
		_, err = inside.Release(t.Context(), "inside")
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		stock, err := outside.Stock(t.Context(), made[0].ID)
		require.NoError(t, err)
		require.Equal(t, [2]int64{6, 0}, [2]int64{stock.OnHand, stock.Reserved})
	})
}

func TestReservationsAreKeptForADayAfterTheirEndAndThenRemoved(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		forever, err := sqlstore.New(t.Context(), db, &sqlstore.Options{KeepReservations: -1})
		require.NoError(t, err)
		plenty := create(t, "A")
		*plenty.Draft.Stock = 10_000
		apply(t, forever, plenty)
		left := func() (n int) {
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM productkit_reservations").Scan(&n))
			return n
		}
		var writes []product.Write
		for i := range 300 { // more than are written between two removals
			now := time.Now()
			writes = append(writes,
				reserve(fmt.Sprint("old", i), "A", now.Add(-26*time.Hour), time.Hour),
				reserve(fmt.Sprint("expired", i), "A", now.Add(-26*time.Hour), 3*time.Hour),
				reserve(fmt.Sprint("held", i), "A", now.Add(-26*time.Hour), 100*time.Hour))
		}
		apply(t, forever, writes...)
		require.Equal(t, 900, left())
		writes = nil
		for i := range 300 {
			writes = append(writes, reserve(fmt.Sprint("now", i), "A", time.Now(), time.Hour))
		}
		apply(t, store, writes...)
		require.Equal(t, 900, left())
	})
}

func TestReservationsReadOnlyTheirKeys(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		var writes []product.Write
		for i := range 20 {
			sku := fmt.Sprint("P", i)
			writes = append(writes, create(t, sku), reserve(sku, sku, time.Now(), time.Hour))
		}
		made := apply(t, store, writes...)
		analyze := "ANALYZE TABLE productkit_reservations, productkit_holds, productkit_stock"
		if e.driver == "sqlite" {
			analyze = "ANALYZE"
		}
		ids := []uuid.UUID{made[0].ID, made[2].ID}
		keys := []product.ReservationID{writes[1].Reservation.ID, writes[3].Reservation.ID}
		for range 2 {
			for name, build := range store.ReservationSQL(ids, keys, time.Now()) {
				query, args, err := build()
				require.NoError(t, err)
				plan := explain(t, db, e, query, args)
				requireIndexOrder(t, query, plan)
				for _, word := range []string{"type=index ", "SCAN h", "SCAN productkit_holds\n", "SCAN s\n"} {
					require.NotContains(t, plan, word, name+": "+query)
				}
			}
			_, err := db.ExecContext(t.Context(), analyze)
			require.NoError(t, err)
		}
	})
}
