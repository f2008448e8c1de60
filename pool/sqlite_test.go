package pool_test

import (
	"context"
	"database/sql/driver"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/productkit-go/productkit/pool"
)

// sqliteFile is a driver.Connector for a SQLite database.
type sqliteFile struct {
	driver sqlite.Driver
	dsn    string
}

func (f *sqliteFile) Connect(context.Context) (driver.Conn, error) { return f.driver.Open(f.dsn) }
func (f *sqliteFile) Driver() driver.Driver                        { return &f.driver }

func TestSQLiteWorksThroughThePool(t *testing.T) {
	t.Parallel()
	file := &sqliteFile{dsn: "file:" + filepath.Join(t.TempDir(), "shop.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate"}
	p := openOn(t, file, pool.Config{MaxConns: 3, MaxOverflow: -1, AcquireTimeout: -1})
	db := p.DB()
	_, err := db.ExecContext(t.Context(), "CREATE TABLE item (n INTEGER NOT NULL, name TEXT)")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO item VALUES (?, ?)", i, "name"); err != nil {
				t.Error(err)
			}
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var n, sum int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*), SUM(n) FROM item").Scan(&n, &sum))
	require.Equal(t, []int{20, 190}, []int{n, sum})
	require.NoError(t, p.Ping(t.Context()))

	c := hold(t, p)
	defer c.Close()
	require.NoError(t, c.Raw(func(raw any) error {
		copier, ok := pool.DriverConn(raw).(interface{ Serialize() ([]byte, error) })
		require.True(t, ok, "a feature that only the driver knows")
		image, err := copier.Serialize()
		require.NotEmpty(t, image)
		return err
	}))
}
