package pool

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
	"time"
)

// conn is one connection of the driver, with what it can do resolved once.
type conn struct {
	ci       driver.Conn
	pinger   driver.Pinger
	resetter driver.SessionResetter
	checker  driver.Validator
	execer   driver.ExecerContext
	queryer  driver.QueryerContext
	beginner driver.ConnBeginTx
	preparer driver.ConnPrepareContext
	values   driver.NamedValueChecker

	session    Session   // nil if unknown
	cut        func()    // closes the socket, whoever is using it; nil if unknown
	looksOnly  bool      // ResetSession does nothing but look whether the socket is open
	generation uint64    // the engine's, when the dial began
	expires    time.Time // drawn once; zero means never

	// Guarded by the engine's mutex.
	index    int       // in engine.conns
	busy     bool      // in a caller's hands, or on its way there
	needPing bool      // before it is handed out
	proven   bool      // it worked a moment ago
	since    time.Time // when it became busy or idle
	cached   int       // statements, as of the last release
	kept     bool      // busy with the keeper's ping
	pinged   time.Time // by the keeper
	sampled  bool      // the borrower is to be noted
	borrower borrower

	calls atomic.Uint64 // begun and ended; odd while one is in flight

	// Owned by the holder, handed on under the engine's mutex.
	uses       int
	statements statements
}

func newConn(ci driver.Conn) *conn {
	c := &conn{ci: ci}
	c.pinger, _ = ci.(driver.Pinger)
	c.resetter, _ = ci.(driver.SessionResetter)
	c.checker, _ = ci.(driver.Validator)
	c.execer, _ = ci.(driver.ExecerContext)
	c.queryer, _ = ci.(driver.QueryerContext)
	c.beginner, _ = ci.(driver.ConnBeginTx)
	c.preparer, _ = ci.(driver.ConnPrepareContext)
	c.values, _ = ci.(driver.NamedValueChecker)
	return c
}

// valid asks the driver, without I/O.
func (c *conn) valid() bool { return c.checker == nil || c.checker.IsValid() }

// reset makes the session ready for its next user. The engine does it, since
// database/sql has only handles.
func (c *conn) reset(ctx context.Context) error {
	if c.resetter != nil {
		return c.resetter.ResetSession(ctx)
	}
	if !c.valid() {
		return driver.ErrBadConn
	}
	return nil
}

func (c *conn) ping(ctx context.Context, timeout time.Duration) error {
	if c.pinger == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return c.pinger.Ping(ctx)
}

func (c *conn) sessionName() string {
	if c.session == nil {
		return ""
	}
	return c.session.String()
}
