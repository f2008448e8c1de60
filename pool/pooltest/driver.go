package pooltest

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/productkit-go/productkit/pool"
)

// Connector opens connections to a Server. Every query returns one row with one
// integer column, the ID of the session that ran it.
func (s *Server) Connector() driver.Connector { return &connector{s} }

type connector struct{ s *Server }

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	x, err := c.s.connect(ctx)
	if err != nil {
		return nil, err
	}
	c.s.mu.Lock()
	hidden := c.s.noSessions
	c.s.mu.Unlock()
	if !hidden {
		pool.NoteSession(ctx, x)
	}
	return &Conn{session: x}, nil
}

func (c *connector) Driver() driver.Driver { return fakeDriver{} }

type fakeDriver struct{}

func (fakeDriver) Open(string) (driver.Conn, error) {
	return nil, errors.New("pooltest: use Server.Connector")
}

// String and End make session a pool.Session.
func (x *session) String() string { return strconv.FormatUint(x.id, 10) }

func (x *session) End(_ context.Context, via driver.Conn) (bool, error) {
	if c, ok := via.(*Conn); !ok || !c.session.alive() {
		return false, driver.ErrBadConn
	}
	x.server.mu.Lock()
	defer x.server.mu.Unlock()
	_, there := x.server.sessions[x.id]
	if there {
		x.server.killLocked(x)
	}
	return !there, nil
}

// Conn is the fake driver's connection, as pool.DriverConn returns it.
type Conn struct {
	session *session
}

// ID returns the session's ID on the server.
func (c *Conn) ID() uint64 { return c.session.id }

// Ping is a round trip.
func (c *Conn) Ping(ctx context.Context) error {
	s := c.session.server
	s.mu.Lock()
	s.pings++
	d, err := s.pingDelay, s.pingErr
	s.mu.Unlock()
	if !c.session.alive() {
		return driver.ErrBadConn
	}
	if ctxErr := sleep(ctx, d); ctxErr != nil {
		c.session.hangUp()
		return ctxErr
	}
	return err
}

// ResetSession finds a broken connection without a round trip, as the MySQL
// driver's liveness check does.
func (c *Conn) ResetSession(context.Context) error {
	s := c.session.server
	s.mu.Lock()
	s.resets++
	s.mu.Unlock()
	if !c.session.alive() {
		return driver.ErrBadConn
	}
	return nil
}

// IsValid reports whether the client's end is open.
func (c *Conn) IsValid() bool { return c.session.valid() }

// Close hangs up.
func (c *Conn) Close() error {
	c.session.hangUp()
	return nil
}

// ExecContext runs a statement that writes.
func (c *Conn) ExecContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	if err := c.session.run(ctx, query, true); err != nil {
		return nil, err
	}
	return driver.RowsAffected(1), nil
}

// QueryContext runs a statement that reads.
func (c *Conn) QueryContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	if err := c.session.run(ctx, query, false); err != nil {
		return nil, err
	}
	return &rows{id: int64(c.session.id)}, nil
}

// PrepareContext prepares a statement. Its placeholders are question marks.
func (c *Conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if !c.session.alive() {
		return nil, driver.ErrBadConn
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.session.prepare(); err != nil {
		return nil, err
	}
	return &stmt{c: c, query: query}, nil
}

// Prepare prepares a statement.
func (c *Conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// BeginTx starts a transaction, which does nothing.
func (c *Conn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	if !c.session.alive() {
		return nil, driver.ErrBadConn
	}
	return tx{c}, ctx.Err()
}

// Begin starts a transaction, which does nothing.
func (c *Conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

type tx struct{ c *Conn }

func (t tx) Commit() error   { return t.c.session.run(context.Background(), "COMMIT", false) }
func (t tx) Rollback() error { return t.c.session.run(context.Background(), "ROLLBACK", false) }

type stmt struct {
	c      *Conn
	query  string
	closed bool
}

func (s *stmt) Close() error {
	if !s.closed {
		s.closed = true
		s.c.session.unprepare()
	}
	return nil
}

func (s *stmt) NumInput() int { return strings.Count(s.query, "?") }

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.query, args)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.c.QueryContext(ctx, s.query, args)
}

func (s *stmt) Exec([]driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), nil)
}

func (s *stmt) Query([]driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), nil)
}

type rows struct {
	id   int64
	done bool
}

func (r *rows) Columns() []string { return []string{"session"} }
func (r *rows) Close() error      { return nil }

func (r *rows) Next(dest []driver.Value) error {
	if r.done {
		return io.EOF
	}
	r.done = true
	dest[0] = r.id
	return nil
}
