package compat_test

import (
	"context"
	"database/sql/driver"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/productkit-go/productkit/pool"
)

// sqliteFile is a driver.Connector for a SQLite database: any driver serves the pool that way.
type sqliteFile struct {
	driver sqlite.Driver
	dsn    string
}

func (f *sqliteFile) Connect(context.Context) (driver.Conn, error) { return f.driver.Open(f.dsn) }
func (f *sqliteFile) Driver() driver.Driver                        { return &f.driver }

func TestSQLiteServesTheSameLibraries(t *testing.T) {
	t.Parallel()
	p := open(t, pool.Config{Connector: &sqliteFile{
		dsn: "file:" + filepath.Join(t.TempDir(), "shop.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_txlock=immediate",
	}})
	provider, err := goose.NewProvider(goose.DialectSQLite3, p.DB(), fstest.MapFS{
		"1_item.sql": {Data: []byte("-- +goose Up\nCREATE TABLE item (sku TEXT PRIMARY KEY, stock INTEGER NOT NULL);\n")},
	})
	require.NoError(t, err)
	_, err = provider.Up(t.Context())
	require.NoError(t, err)

	db := sqlx.NewDb(p.DB(), "sqlite")
	together(t, func(n int) error {
		tx, err := db.BeginTxx(t.Context(), nil)
		if err != nil {
			return err
		}
		if _, err := tx.NamedExecContext(t.Context(), "INSERT INTO item VALUES (:sku, :stock)", map[string]any{"sku": sku(n), "stock": n}); err != nil {
			return err
		}
		return tx.Commit()
	})
	rows, sum := stock(t, p.DB())
	require.Equal(t, []int{8, 28}, []int{rows, sum})

	c, err := p.DB().Conn(t.Context())
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Raw(func(raw any) error {
		backuper, ok := pool.DriverConn(raw).(interface {
			NewBackup(string) (*sqlite.Backup, error)
		})
		require.True(t, ok, "a feature that only the driver knows")
		copied := filepath.Join(t.TempDir(), "copy.db")
		backup, err := backuper.NewBackup(copied)
		require.NoError(t, err)
		more, err := backup.Step(-1)
		require.NoError(t, err)
		require.False(t, more)
		require.NoError(t, backup.Finish())
		require.FileExists(t, copied)
		return nil
	}))
}
