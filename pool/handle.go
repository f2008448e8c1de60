//lint:file-ignore SA1019 old drivers have only the deprecated interfaces, and go-sql-driver documents them for sql.Conn.Raw

package pool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// handle is what database/sql takes for a connection, and keeps: it is at rest
// until ResetSession lends it a conn, and IsValid gives that back. So an
// operation costs database/sql what it costs on connections of its own, and
// however many handles it keeps, none of them holds anything. It forwards every
// optional interface of the driver's connection and does for those that the
// driver lacks what database/sql would have done. Rows and results are the
// driver's own.
//
// database/sql takes no refusal from ResetSession. It comes from the first call
// instead, which for everything but [sql.DB.Conn] follows at once.
//
// A handle with prepared statements that are still open is not kept, since they
// belong to the conn that it gives back. database/sql serialises the calls.
type handle struct {
	e        *engine
	c        *conn // nil at rest and when refused
	refused  error // why there is no conn
	stmts    int   // prepared statements that are open
	checked  bool  // IsValid was asked since the last call
	valid    bool  // and this was the answer
	readOnly bool  // the caller asked for a read-only transaction
	tx       context.Context
}

var (
	_ driver.Conn               = (*handle)(nil)
	_ driver.Pinger             = (*handle)(nil)
	_ driver.SessionResetter    = (*handle)(nil)
	_ driver.Validator          = (*handle)(nil)
	_ driver.ExecerContext      = (*handle)(nil)
	_ driver.QueryerContext     = (*handle)(nil)
	_ driver.ConnBeginTx        = (*handle)(nil)
	_ driver.ConnPrepareContext = (*handle)(nil)
	_ driver.NamedValueChecker  = (*handle)(nil)
	_ driver.Execer             = (*handle)(nil)
	_ driver.Queryer            = (*handle)(nil)
)

// DriverConn returns the driver's own connection behind what [sql.Conn.Raw]
// passes to its function, for features that database/sql does not know:
//
//	conn.Raw(func(raw any) error {
//		backuper, ok := pool.DriverConn(raw).(interface{ NewBackup(string) (*sqlite.Backup, error) })
//		…
//	})
//
// The standard driver interfaces, among them Exec and Query as go-sql-driver
// documents them for mysql.Result, work on raw itself. With Config.Wrap it goes
// through every wrapper that has a method Raw() driver.Conn, as otelsql's has.
// Anything else is returned as it is. The connection must not be used after the
// function has returned.
func DriverConn(raw any) any {
	for {
		u, ok := raw.(interface{ Raw() driver.Conn })
		if !ok {
			return raw
		}
		inner := u.Raw()
		if inner == nil {
			return raw
		}
		raw = inner
	}
}

// Raw returns the connection beneath: Wrap's or the driver's. Most users want
// [DriverConn].
func (h *handle) Raw() driver.Conn {
	if h.c == nil {
		return nil
	}
	return h.c.ci
}

// lend binds h to a connection, or to the reason why there is none.
func (h *handle) lend(ctx context.Context) error {
	h.c, h.refused = h.e.acquire(ctx)
	if h.refused == nil && h.c.sampled {
		h.e.noteBorrower(h.c)
	}
	return h.refused
}

// giveBack ends a lending.
func (h *handle) giveBack(broken, inFlight bool) {
	c := h.c
	h.c, h.refused = nil, nil
	h.checked, h.readOnly, h.tx = false, false, nil
	h.e.release(c, broken, inFlight)
}

// Close gives the connection back, if IsValid has not. It does not touch the network.
func (h *handle) Close() error {
	if h.c == nil {
		h.refused = nil
		return nil
	}
	// Before it gives a connection back database/sql asks IsValid, unless it got
	// driver.ErrBadConn from somewhere (a statement, sql.Conn.Raw): without the
	// question the connection is to be thrown away.
	usable := h.checked && h.valid
	h.giveBack(!usable, !usable && !h.c.valid())
	return nil
}

// use begins a call. The flag makes a Close without a later IsValid a discard.
func (h *handle) use() error {
	switch {
	case h.refused != nil:
		return h.refused
	case h.c == nil:
		return errReleased
	}
	h.checked = false
	h.c.calls.Add(1)
	return nil
}

// observe ends a call: it looks at its error and hands it on.
func (h *handle) observe(err error) error {
	h.c.calls.Add(1)
	if err == nil || err == driver.ErrSkip {
		return err
	}
	if errors.Is(err, driver.ErrBadConn) {
		h.e.distrust()
		return err
	}
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok && !h.readOnly {
		switch my.Number {
		case 1290, 1792, 1836: // the server has become read-only: a failover
			h.e.bump("the server is read-only", err)
		}
	}
	return err
}

// ran counts a statement.
func (h *handle) ran(err error) {
	if err != driver.ErrSkip {
		h.c.uses++
	}
}

// IsValid is asked by database/sql when a caller is done. A connection that works goes back to
// the engine at once, and database/sql keeps the empty handle.
func (h *handle) IsValid() bool {
	if h.c == nil {
		return h.refused != nil // of no conn nothing is left behind
	}
	h.checked, h.valid = true, h.c.valid()
	// A driver that can neither reset nor validate is not trusted after a
	// transaction whose context ended, as database/sql itself would not.
	if h.tx != nil && h.tx.Err() != nil && (h.c.resetter == nil || h.c.checker == nil) {
		h.valid = false
	}
	if h.valid && h.stmts == 0 {
		h.giveBack(false, false)
		return true
	}
	return false
}

// ResetSession is called by database/sql before it uses a handle again.
func (h *handle) ResetSession(ctx context.Context) error {
	_ = h.lend(ctx) // see handle
	return nil
}

func (h *handle) Ping(ctx context.Context) error {
	if err := h.use(); err != nil {
		return err
	}
	if h.c.pinger == nil {
		return h.observe(nil)
	}
	return h.observe(h.c.pinger.Ping(ctx))
}

func (h *handle) CheckNamedValue(nv *driver.NamedValue) error {
	if h.c == nil || h.c.values == nil {
		return driver.ErrSkip
	}
	return h.c.values.CheckNamedValue(nv)
}

func (h *handle) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := h.use(); err != nil {
		return nil, err
	}
	st, err := h.statement(ctx, query, args)
	if err != nil {
		h.ran(err)
		return nil, h.observe(err)
	}
	var res driver.Result
	if st != nil {
		res, err = st.exec.ExecContext(ctx, args)
		if !h.c.statements.turnedAway(st, err) {
			h.ran(err)
			return res, h.observe(err)
		}
	}
	if h.c.execer != nil {
		res, err = h.c.execer.ExecContext(ctx, query, args)
	} else {
		res, err = execWithout(ctx, h.c.ci, query, args)
	}
	h.ran(err)
	return res, h.observe(err)
}

func (h *handle) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := h.use(); err != nil {
		return nil, err
	}
	st, err := h.statement(ctx, query, args)
	if err != nil {
		h.ran(err)
		return nil, h.observe(err)
	}
	var rows driver.Rows
	if st != nil {
		rows, err = st.query.QueryContext(ctx, args)
		if !h.c.statements.turnedAway(st, err) {
			h.ran(err)
			return rows, h.observe(err)
		}
	}
	if h.c.queryer != nil {
		rows, err = h.c.queryer.QueryContext(ctx, query, args)
	} else {
		rows, err = queryWithout(ctx, h.c.ci, query, args)
	}
	h.ran(err)
	return rows, h.observe(err)
}

// Exec is driver.Execer, for code that got the connection from sql.Conn.Raw.
func (h *handle) Exec(query string, args []driver.Value) (driver.Result, error) {
	return h.ExecContext(context.Background(), query, named(args))
}

// Query is driver.Queryer, for code that got the connection from sql.Conn.Raw.
func (h *handle) Query(query string, args []driver.Value) (driver.Rows, error) {
	return h.QueryContext(context.Background(), query, named(args))
}

func (h *handle) Prepare(query string) (driver.Stmt, error) {
	return h.PrepareContext(context.Background(), query)
}

func (h *handle) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := h.use(); err != nil {
		return nil, err
	}
	st, err := h.borrow(ctx, query)
	if err != nil || st != nil {
		h.ran(err)
		if err != nil {
			return nil, h.observe(err)
		}
		h.stmts++
		return &lentStmt{Stmt: st.stmt, h: h, borrowed: st}, h.observe(nil)
	}
	var stmt driver.Stmt
	if h.c.preparer != nil {
		stmt, err = h.c.preparer.PrepareContext(ctx, query)
	} else {
		stmt, err = h.c.ci.Prepare(query)
		if err == nil && ctx.Err() != nil {
			stmt.Close()
			stmt, err = nil, ctx.Err()
		}
	}
	h.ran(err)
	if err != nil {
		return nil, h.observe(err)
	}
	h.stmts++
	return &lentStmt{Stmt: stmt, h: h}, h.observe(nil)
}

func (h *handle) Begin() (driver.Tx, error) {
	return h.BeginTx(context.Background(), driver.TxOptions{})
}

func (h *handle) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := h.use(); err != nil {
		return nil, err
	}
	h.tx, h.readOnly = ctx, opts.ReadOnly
	if !h.c.sampled && h.e.cfg.HoldWarning > 0 {
		h.e.noteBorrower(h.c)
	}
	var (
		tx  driver.Tx
		err error
	)
	if h.c.beginner != nil {
		tx, err = h.c.beginner.BeginTx(ctx, opts)
	} else {
		tx, err = beginWithout(ctx, h.c.ci, opts)
	}
	if err != nil {
		return nil, h.observe(err)
	}
	if h.c.cut != nil {
		tx = &boundTx{Tx: tx, ctx: ctx, cut: h.c.cut}
	}
	return &lentTx{tx, h}, h.observe(nil)
}

// The functions below are database/sql's own fallbacks (its ctxutil.go), for
// drivers without the context-aware interfaces.

func execWithout(ctx context.Context, ci driver.Conn, query string, args []driver.NamedValue) (driver.Result, error) {
	execer, ok := ci.(driver.Execer)
	if !ok {
		return nil, driver.ErrSkip
	}
	values, err := unnamed(args)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return execer.Exec(query, values)
}

func queryWithout(ctx context.Context, ci driver.Conn, query string, args []driver.NamedValue) (driver.Rows, error) {
	queryer, ok := ci.(driver.Queryer)
	if !ok {
		return nil, driver.ErrSkip
	}
	values, err := unnamed(args)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return queryer.Query(query, values)
}

func beginWithout(ctx context.Context, ci driver.Conn, opts driver.TxOptions) (driver.Tx, error) {
	if sql.IsolationLevel(opts.Isolation) != sql.LevelDefault {
		return nil, errors.New("pool: the driver does not support a non-default isolation level")
	}
	if opts.ReadOnly {
		return nil, errors.New("pool: the driver does not support read-only transactions")
	}
	tx, err := ci.Begin()
	if err == nil && ctx.Err() != nil {
		tx.Rollback()
		return nil, ctx.Err()
	}
	return tx, err
}

func named(args []driver.Value) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, v := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}

func unnamed(args []driver.NamedValue) ([]driver.Value, error) {
	out := make([]driver.Value, len(args))
	for i, a := range args {
		if a.Name != "" {
			return nil, errors.New("pool: the driver does not support named parameters")
		}
		out[i] = a.Value
	}
	return out, nil
}
