package compat_test

import (
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

func TestMain(m *testing.M) {
	// GORM never ends the sweeper of its statement cache.
	goleak.VerifyTestMain(mysqltest.Main(m), goleak.IgnoreTopFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}

// schema is the table that every library works on.
const schema = `CREATE TABLE item (
	id    BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	sku   VARCHAR(40) NOT NULL UNIQUE,
	name  VARCHAR(100) NULL,
	stock INT NOT NULL,
	made  DATETIME(6) NOT NULL
)`

var noon = time.Date(2026, 2, 3, 12, 0, 0, 123456000, time.UTC)

// each runs test on both engines, on a pool of two connections: a library that forgets to give one
// back is found out.
func each(t *testing.T, test func(t *testing.T, p *pool.Pool)) {
	t.Helper()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		_, err := db.DB().ExecContext(t.Context(), schema)
		require.NoError(t, err)
		test(t, open(t, pool.Config{DSN: db.DSN()}))
	})
}

func open(t *testing.T, cfg pool.Config) *pool.Pool {
	t.Helper()
	cfg.MaxConns, cfg.MaxOverflow, cfg.AcquireTimeout = 2, -1, 20*time.Second
	p, err := pool.Open(t.Context(), cfg)
	require.NoError(t, err)
	pooltest.NoLeaks(t, p)
	return p
}

// together calls do from eight goroutines, 0 to 7, and returns when all are done.
func together(t *testing.T, do func(n int) error) {
	t.Helper()
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for n := range errs {
		wg.Go(func() { errs[n] = do(n) })
	}
	wg.Wait()
	for n, err := range errs {
		require.NoError(t, err, n)
	}
}

func sku(n int) string { return fmt.Sprintf("SKU-%d", n) }

// stock is what the table holds, read without the library under test.
func stock(t *testing.T, db *sql.DB) (rows, sum int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*), COALESCE(SUM(stock), 0) FROM item").Scan(&rows, &sum))
	return rows, sum
}
