//lint:file-ignore SA1019 old drivers have only the deprecated interfaces, and go-sql-driver documents them for sql.Conn.Raw

package pool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

func openOn(t *testing.T, c driver.Connector, cfg pool.Config) *pool.Pool {
	t.Helper()
	cfg.Connector = c
	p, err := pool.Open(t.Context(), cfg)
	require.NoError(t, err)
	pooltest.NoLeaks(t, p)
	return p
}

func TestTheLentConnectionHasEveryInterfaceOfTheDrivers(t *testing.T) {
	t.Parallel()
	p := fake(t, new(pooltest.Server), pool.Config{})
	c := hold(t, p)
	defer c.Close()
	require.NoError(t, c.Raw(func(raw any) error {
		// What go-sql-driver's connection exports, Execer and Queryer included:
		// its README shows them on what Raw passes.
		_, ok := raw.(interface {
			driver.Pinger
			driver.SessionResetter
			driver.Validator
			driver.ExecerContext
			driver.QueryerContext
			driver.ConnBeginTx
			driver.ConnPrepareContext
			driver.NamedValueChecker
			driver.Execer
			driver.Queryer
		})
		require.True(t, ok)
		require.IsType(t, new(pooltest.Conn), pool.DriverConn(raw))
		return nil
	}))
	require.Equal(t, 5, pool.DriverConn(5), "anything else is left alone")
}

func TestAHandleAtRestReachesNoConnection(t *testing.T) {
	t.Parallel()
	p := fake(t, new(pooltest.Server), pool.Config{MaxConns: 1, MaxOverflow: -1})
	var kept driver.Conn
	c := hold(t, p)
	require.NoError(t, c.Raw(func(raw any) error { kept = raw.(driver.Conn); return nil }))
	c.Close()
	require.Zero(t, p.Stats().Busy)
	require.Same(t, kept, pool.DriverConn(kept))
	_, err := kept.(driver.ExecerContext).ExecContext(t.Context(), "w", nil)
	require.ErrorContains(t, err, "given back")
	require.ErrorIs(t, kept.(driver.NamedValueChecker).CheckNamedValue(nil), driver.ErrSkip)
	require.False(t, kept.(driver.Validator).IsValid())
	require.NoError(t, kept.Close())
	require.NoError(t, kept.Close())
	require.Zero(t, p.Stats().Busy)
}

func TestHandlesThatDatabaseSQLKeepsHoldNothing(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 2, MaxOverflow: -1})
		db := p.DB()
		s.SetStatementTime(time.Millisecond)
		for range 3 {
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					_, err := db.ExecContext(t.Context(), "w")
					require.NoError(t, err)
				})
			}
			wg.Wait()
			require.Equal(t, 20, db.Stats().Idle, "made once, and used again")
			require.Zero(t, p.Stats().Busy)
			require.LessOrEqual(t, p.Stats().Open, 2)
		}
		// What frameworks set by habit changes nothing.
		db.SetMaxIdleConns(1)
		db.SetConnMaxLifetime(time.Nanosecond)
		for range 3 {
			_, err := db.ExecContext(t.Context(), "w")
			require.NoError(t, err)
		}
		require.Equal(t, 2, p.Stats().Open)
		require.Equal(t, 2, s.Counts().Dials-1, "and the health lane's")
	})
}

// database/sql takes no refusal where it takes a handle from its shelf, so the first call has it.
func TestARefusalComesFromTheFirstCall(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 1, MaxOverflow: -1, AcquireTimeout: time.Second})
		db := p.DB()
		one, two := hold(t, p), make(chan struct{})
		go func() { // a second handle
			_, _ = db.ExecContext(t.Context(), "w")
			close(two)
		}()
		synctest.Wait()
		one.Close()
		<-two
		require.Equal(t, 2, db.Stats().Idle)
		one = hold(t, p)

		calls := map[string]func(c *sql.Conn) error{
			"query":   func(c *sql.Conn) error { _, err := c.QueryContext(t.Context(), "r"); return err },
			"exec":    func(c *sql.Conn) error { _, err := c.ExecContext(t.Context(), "w", 1); return err },
			"prepare": func(c *sql.Conn) error { _, err := c.PrepareContext(t.Context(), "r"); return err },
			"begin":   func(c *sql.Conn) error { _, err := c.BeginTx(t.Context(), nil); return err },
			"ping":    func(c *sql.Conn) error { return c.PingContext(t.Context()) },
			"raw exec": func(c *sql.Conn) error {
				return c.Raw(func(raw any) error { _, err := raw.(driver.Execer).Exec("w", nil); return err })
			},
		}
		for name, call := range calls {
			start := time.Now()
			c, err := db.Conn(t.Context())
			require.NoError(t, err)
			for range 2 {
				require.ErrorIs(t, call(c), pool.ErrAcquireTimeout, name)
			}
			require.NoError(t, c.Close())
			require.Equal(t, time.Second, time.Since(start), "one wait")
		}
		_, err := db.ExecContext(t.Context(), "w")
		var refusal *pool.AcquireError
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, 1, refusal.State.Busy)
		require.Equal(t, 2, db.Stats().OpenConnections, "a refused handle is used again")

		one.Close()
		_, err = db.ExecContext(t.Context(), "w")
		require.NoError(t, err)
	})
}

func TestAHandleWithAnOpenStatementIsNotKept(t *testing.T) {
	bubble(t, func(t *testing.T, s *pooltest.Server) {
		p := fake(t, s, pool.Config{MaxConns: 2, MaxOverflow: -1, StatementCache: -1})
		stmt, err := p.DB().PrepareContext(t.Context(), "w")
		require.NoError(t, err)
		for range 5 {
			_, err := stmt.ExecContext(t.Context())
			require.NoError(t, err)
			require.Zero(t, p.DB().Stats().Idle)
			require.Zero(t, p.Stats().Busy)
		}
		require.NoError(t, stmt.Close())
		require.Zero(t, s.Counts().Prepared, "and its statements end with it")
		_, err = p.DB().ExecContext(t.Context(), "w")
		require.NoError(t, err)
		require.Equal(t, 1, p.DB().Stats().Idle)
	})
}

// bare is a driver from before Go 1.8: nothing but the required interfaces.
type bare struct{ execs, begins, rollbacks int }

func (b *bare) Connect(context.Context) (driver.Conn, error) { return &bareConn{b}, nil }
func (b *bare) Driver() driver.Driver                        { return nil }

type bareConn struct{ b *bare }

func (c *bareConn) Prepare(string) (driver.Stmt, error) { return &bareStmt{c.b}, nil }
func (c *bareConn) Close() error                        { return nil }
func (c *bareConn) Begin() (driver.Tx, error)           { c.b.begins++; return &bareTx{c.b}, nil }

type bareTx struct{ b *bare }

func (x *bareTx) Commit() error   { return nil }
func (x *bareTx) Rollback() error { x.b.rollbacks++; return nil }

type bareStmt struct{ b *bare }

func (s *bareStmt) Close() error                               { return nil }
func (s *bareStmt) NumInput() int                              { return -1 }
func (s *bareStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, io.EOF }
func (s *bareStmt) Exec([]driver.Value) (driver.Result, error) { s.b.execs++; return nil, nil }

func TestADriverWithoutOptionalInterfacesWorksAsUnderDatabaseSQL(t *testing.T) {
	t.Parallel()
	b := new(bare)
	p := openOn(t, b, pool.Config{MaxConns: 1, MaxOverflow: -1})
	db := p.DB()
	require.NoError(t, db.Ping())
	_, err := db.Exec("w", 1, "two", 3*time.Second)
	require.NoError(t, err)
	require.Equal(t, 1, b.execs)
	_, err = db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	require.ErrorContains(t, err, "read-only")
	_, err = db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
	require.ErrorContains(t, err, "isolation")
	tx, err := db.Begin()
	require.NoError(t, err)
	require.NoError(t, tx.Commit())

	ctx, cancel := context.WithCancel(t.Context())
	_, err = db.BeginTx(ctx, nil)
	require.NoError(t, err)
	cancel()
	require.Eventually(t, func() bool { return p.Stats().Closes[pool.CloseBroken] == 1 }, 5*time.Second, time.Millisecond,
		"a connection that cannot be reset is thrown away after a cancelled transaction")
	require.Equal(t, 1, b.rollbacks)
}

// older has Execer and Queryer, as drivers before Go 1.8 did.
type older struct{ bareConn }

func (*older) Exec(_ string, args []driver.Value) (driver.Result, error) {
	return driver.RowsAffected(len(args)), nil
}
func (*older) Query(string, []driver.Value) (driver.Rows, error) { return nil, errors.New("queried") }

type olderConnector struct{ bare }

func (o *olderConnector) Connect(context.Context) (driver.Conn, error) {
	return &older{bareConn{&o.bare}}, nil
}

func TestLegacyExecerAndQueryerAreUsed(t *testing.T) {
	t.Parallel()
	o := new(olderConnector)
	p := openOn(t, o, pool.Config{})
	res, err := p.DB().Exec("w", 1, 2)
	require.NoError(t, err)
	n, _ := res.RowsAffected()
	require.EqualValues(t, 2, n)
	require.Zero(t, o.execs, "not by way of Prepare")
	_, err = p.DB().Query("r")
	require.ErrorContains(t, err, "queried")
	_, err = p.DB().Exec("w", sql.Named("a", 1))
	require.ErrorContains(t, err, "named parameters")
}
