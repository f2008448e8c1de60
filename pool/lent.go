//lint:file-ignore SA1019 old drivers have only the deprecated interfaces

package pool

import (
	"context"
	"database/sql/driver"
)

// lentTx and lentStmt are the driver's transaction and prepared statement, seen
// by the pool: a COMMIT that hangs and a slow statement are no leaks, they count
// for MaxUses, and they may be the first to meet a server that became read-only.

type lentTx struct {
	driver.Tx
	h *handle
}

func (t *lentTx) Commit() error {
	t.h.c.calls.Add(1)
	return t.h.observe(t.Tx.Commit())
}

func (t *lentTx) Rollback() error {
	t.h.c.calls.Add(1)
	return t.h.observe(t.Tx.Rollback())
}

type lentStmt struct {
	driver.Stmt
	h        *handle
	borrowed *statement // nil if the statement is the caller's alone
	closed   bool
}

func (s *lentStmt) Close() error {
	if s.closed || s.h.c == nil {
		return nil // the connection has a new holder, or is gone
	}
	s.closed = true
	s.h.stmts--
	if s.borrowed != nil {
		return s.borrowed.giveBack()
	}
	return s.Stmt.Close()
}

func (s *lentStmt) CheckNamedValue(nv *driver.NamedValue) error {
	if checker, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(nv)
	}
	return s.h.CheckNamedValue(nv)
}

func (s *lentStmt) ColumnConverter(i int) driver.ValueConverter {
	if cc, ok := s.Stmt.(driver.ColumnConverter); ok {
		return cc.ColumnConverter(i)
	}
	return driver.DefaultParameterConverter
}

func (s *lentStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (res driver.Result, err error) {
	if err := s.h.use(); err != nil {
		return nil, err
	}
	if execer, ok := s.Stmt.(driver.StmtExecContext); ok {
		res, err = execer.ExecContext(ctx, args)
	} else {
		var values []driver.Value
		if values, err = unnamed(args); err == nil {
			if err = ctx.Err(); err == nil {
				res, err = s.Stmt.Exec(values)
			}
		}
	}
	s.h.ran(err)
	return res, s.h.observe(err)
}

func (s *lentStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (rows driver.Rows, err error) {
	if err := s.h.use(); err != nil {
		return nil, err
	}
	if queryer, ok := s.Stmt.(driver.StmtQueryContext); ok {
		rows, err = queryer.QueryContext(ctx, args)
	} else {
		var values []driver.Value
		if values, err = unnamed(args); err == nil {
			if err = ctx.Err(); err == nil {
				rows, err = s.Stmt.Query(values)
			}
		}
	}
	s.h.ran(err)
	return rows, s.h.observe(err)
}
