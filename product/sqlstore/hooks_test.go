package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"
)

// hooks sees every statement on its way to the driver and back. An error of before takes the
// statement's place, one of after its answer's.
type hooks struct {
	before func(query string) error
	after  func(query string, err error) error
}

// isCommit tells the statement with which the store commits, also where others stand before it.
func isCommit(query string) bool {
	return query == "COMMIT" || strings.HasPrefix(query, "SET SESSION autocommit = 1") || strings.Contains(query, "SET @productkit_commit = 1, SESSION autocommit = 1")
}

// openHooked opens a pool whose connections go through h.
func openHooked(t testing.TB, name, dsn string, h *hooks) *sql.DB {
	t.Helper()
	if name == "mysql" { // without it a statement with arguments is three calls
		config, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		config.InterpolateParams = true
		dsn = config.FormatDSN()
	}
	plain := open(t, name, dsn)
	db := sql.OpenDB(&hookConnector{driver: plain.Driver(), dsn: dsn, hooks: h})
	t.Cleanup(func() { _ = db.Close() })
	return db
}

type hookConnector struct {
	driver driver.Driver
	dsn    string
	hooks  *hooks
}

func (c *hookConnector) Driver() driver.Driver { return c.driver }

func (c *hookConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &hookConn{Conn: conn, hooks: c.hooks}, nil
}

type hookConn struct {
	driver.Conn
	hooks *hooks
}

func (c *hookConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.hooks.before != nil {
		if err := c.hooks.before(query); err != nil {
			return nil, err
		}
	}
	result, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	if c.hooks.after != nil {
		err = c.hooks.after(query, err)
	}
	return result, err
}

func (c *hookConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.hooks.before != nil {
		if err := c.hooks.before(query); err != nil {
			return nil, err
		}
	}
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
	if c.hooks.after != nil {
		err = c.hooks.after(query, err)
	}
	return rows, err
}

// PrepareContext prepares what the store has prepared on SQLite.
func (c *hookConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if _, is := c.Conn.(sqlite.AuthorizerRegisterer); !is || err != nil {
		return stmt, err
	}
	return &hookStmt{stmt, c.hooks, query}, nil
}

// hookStmt is a prepared statement.
type hookStmt struct {
	driver.Stmt
	hooks *hooks
	query string
}

func (s *hookStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if s.hooks.before != nil {
		if err := s.hooks.before(s.query); err != nil {
			return nil, err
		}
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if s.hooks.after != nil {
		err = s.hooks.after(s.query, err)
	}
	return rows, err
}

func (s *hookStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if s.hooks.before != nil {
		if err := s.hooks.before(s.query); err != nil {
			if errors.Is(err, driver.ErrBadConn) {
				_ = s.Close() // a lost connection has no statements any more
			}
			return nil, err
		}
	}
	result, err := s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	if s.hooks.after != nil {
		err = s.hooks.after(s.query, err)
	}
	return result, err
}

func (c *hookConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

func (c *hookConn) ResetSession(ctx context.Context) error {
	if resetter, ok := c.Conn.(driver.SessionResetter); ok {
		return resetter.ResetSession(ctx)
	}
	return nil
}

func (c *hookConn) IsValid() bool {
	if validator, ok := c.Conn.(driver.Validator); ok {
		return validator.IsValid()
	}
	return true
}

func (c *hookConn) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	return driver.ErrSkip
}
