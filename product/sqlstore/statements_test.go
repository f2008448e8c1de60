package sqlstore_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/productkit-go/productkit/product"
)

// SQLite asks for permission whenever it prepares a statement, also when it does so by itself because
// an argument might make for another plan.
func TestStatementsArePreparedOnceOnSQLite(t *testing.T) {
	t.Parallel()
	db := open(t, "sqlite", sqliteDSN(t))
	db.SetMaxOpenConns(1)
	store := migrated(t, db, nil)
	var products []product.Product
	for _, sku := range []string{"A", "B", "C", "D"} {
		w := create(t, sku)
		w.Draft.Category = "a/b"
		products = append(products, apply(t, store, w)...)
	}
	var prepared atomic.Int64
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	require.NoError(t, conn.Raw(func(raw any) error {
		return raw.(sqlite.AuthorizerRegisterer).RegisterAuthorizer(func(sqlite.AuthorizerActionCode, string, string, string, string) sqlite.AuthorizerReturnCode {
			prepared.Add(1)
			return sqlite.AuthorizerOK
		})
	}))
	require.NoError(t, conn.Close())
	read := func(i, limit int) {
		for _, q := range []product.Query{{}, {Category: "a/b"}, {Category: "a"}, {Vendor: "Acme", Sort: product.SortName}} {
			q.Limit, q.Now = limit, time.Now()
			if q.Sort == "" {
				q.After = position(product.SortCreated, &products[i])
			}
			_, err := store.List(t.Context(), q)
			require.NoError(t, err)
		}
		findOne(t, store, product.ByID(products[i].ID))
		_, err := store.Stock(t.Context(), []uuid.UUID{products[i].ID}, time.Now())
		require.NoError(t, err)
	}
	read(0, 2)
	require.NotZero(t, prepared.Load())
	prepared.Store(0)
	for i := range products[1:] { // behind the last one the list has another text
		read(i, 1+i)
	}
	require.Zero(t, prepared.Load())
}

// More texts than are kept, of many callers at once, in any order.
func TestStatementsGiveWay(t *testing.T) {
	t.Parallel()
	db := open(t, "sqlite", sqliteDSN(t))
	db.SetMaxOpenConns(4)
	store := migrated(t, db, nil)
	apply(t, store, create(t, "A"), create(t, "B"))
	var queries []product.Query
	for _, sort := range product.Sorts() {
		for bits := range 16 {
			q := product.Query{Sort: sort, Limit: 5, Now: time.Now(), Currency: "EUR"}
			for bit, add := range []func(){
				func() { q.Status = product.StatusActive },
				func() { q.SKUPrefix = "A" },
				func() { q.PriceMin = new(int64) },
				func() { q.Published = pointer(true) },
			} {
				if bits>>bit&1 == 1 {
					add()
				}
			}
			queries = append(queries, q)
		}
	}
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for _, n := range rand.Perm(len(queries)) {
				q := queries[n]
				page, err := store.List(t.Context(), q)
				want := 2
				if q.SKUPrefix != "" {
					want = 1
				}
				if err != nil || len(page) != want {
					t.Errorf("%+v: %d products, %v", q, len(page), err)
				}
			}
		})
	}
	callers.Wait()
	kept, most := store.Statements()
	require.Equal(t, most, kept)
}
