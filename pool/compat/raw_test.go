package compat_test

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
)

func TestRawReachesTheDriversConnection(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		connector, err := mysql.NewConnector(db.Config())
		require.NoError(t, err)
		bare, err := connector.Connect(t.Context())
		require.NoError(t, err)
		defer bare.Close()

		p := open(t, pool.Config{DSN: db.DSN()})
		c, err := p.DB().Conn(t.Context())
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.Raw(func(raw any) error {
			require.IsType(t, bare, pool.DriverConn(raw))
			return nil
		}))
		require.ErrorIs(t, c.Raw(func(any) error { return driver.ErrBadConn }), driver.ErrBadConn)
		require.Error(t, c.PingContext(t.Context()), "database/sql gave the connection up")
		require.NoError(t, p.DB().PingContext(context.Background()), "and the pool replaces it")
	})
}
