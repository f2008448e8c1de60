package product_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newStore returns an empty SQLite store in a file of the test's own.
func newStore(t testing.TB) product.Store {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "catalogue.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, sqlstore.Migrate(context.Background(), db, nil))
	store, err := sqlstore.New(context.Background(), db, nil)
	require.NoError(t, err)
	return store
}

func newService(t testing.TB, opts *product.Options) *product.Service {
	t.Helper()
	return storetest.NewService(t, newStore(t), opts)
}

func draft(sku string) product.Draft {
	return product.Draft{Product: product.Product{
		SKU: sku, Name: "Name", Price: product.Money{Amount: 1999, Currency: "EUR"},
	}}
}

func ptr[T any](v T) *T { return &v }
