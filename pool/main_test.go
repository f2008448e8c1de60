package pool_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqltest.Main(m)) }

// fake opens a pool on a fake server and has everything given back at the end.
func fake(t testing.TB, s *pooltest.Server, cfg pool.Config) *pool.Pool {
	t.Helper()
	cfg.Connector = s.Connector()
	p, err := pool.Open(context.Background(), cfg)
	require.NoError(t, err)
	pooltest.NoLeaks(t, p)
	return p
}

// acquire takes a connection out of the pool; a refusal, which would meet the
// first call, it returns at once.
func acquire(ctx context.Context, p *pool.Pool) (*sql.Conn, error) {
	c, err := p.DB().Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.Raw(pool.Refusal); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// hold takes a connection out of the pool.
func hold(t testing.TB, p *pool.Pool) *sql.Conn {
	t.Helper()
	c, err := acquire(context.Background(), p)
	require.NoError(t, err)
	return c
}

// session returns the fake server's ID of c's connection.
func session(t testing.TB, c *sql.Conn) uint64 {
	t.Helper()
	var id uint64
	require.NoError(t, c.Raw(func(raw any) error {
		id = pool.DriverConn(raw).(*pooltest.Conn).ID()
		return nil
	}))
	return id
}

func within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	_ = cancel // ends by itself
	return ctx
}
