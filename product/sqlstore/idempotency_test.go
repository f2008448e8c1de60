package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func TestIdempotencyRecordsAreKeptForADayAndThenRemoved(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		forever, err := sqlstore.New(t.Context(), db, &sqlstore.Options{KeepIdempotency: -1})
		require.NoError(t, err)
		keyed := func(age time.Duration, name string) product.Write {
			w := create(t, name)
			w.At = w.At.Add(-age)
			w.Record = &product.RecordID{}
			copy(w.Record[:], name)
			return w
		}
		left := func() (n int) {
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM productkit_idempotency").Scan(&n))
			return n
		}
		var writes []product.Write
		for i := range 300 { // more than are written between two removals
			writes = append(writes, keyed(25*time.Hour, fmt.Sprint("old", i)), keyed(23*time.Hour, fmt.Sprint("new", i)))
		}
		apply(t, forever, writes...)
		require.Equal(t, 600, left())
		writes = nil
		for i := range 300 {
			writes = append(writes, keyed(0, fmt.Sprint("now", i)))
		}
		apply(t, store, writes...)
		require.Equal(t, 600, left())
	})
}
