package pool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"github.com/productkit-go/productkit/internal/txretry"
)

// TxOptions are the settings of [InTx]; nil means the defaults.
type TxOptions struct {
	// Isolation and ReadOnly are those of sql.TxOptions.
	Isolation sql.IsolationLevel
	ReadOnly  bool

	// MaxTries bounds how often the transaction is run. Default 5, which with
	// the waits between adds at most 75 ms; negative means once.
	MaxTries int

	// Idempotent declares that the function may be run again although the first
	// run was perhaps committed: it writes final states, or it looks first. Then
	// a connection that breaks (mysql.ErrInvalidConn, driver.ErrBadConn) is a
	// reason to try again as well.
	Idempotent bool
}

// InTx runs fn in a transaction and commits it. If the server ends it for a
// deadlock (error 1213) or a lock wait that took too long (1205), the whole
// transaction is rolled back and run again, after a wait drawn at random that
// begins at 2.5 to 5 ms and doubles. Nothing else is tried again, but for
// TxOptions.Idempotent.
//
// So fn may run several times: it must do everything through tx, keep nothing
// from a run before, and return the error of a statement, wrapped or as it is,
// for InTx to see its number. fn must neither commit nor roll back. If it
// returns an error or panics, the transaction is rolled back; the panic goes on.
//
// A lock wait lasts as long as the server's innodb_lock_wait_timeout (50 s by
// default) each time: bound the whole with ctx. When ctx ends, no further try is
// made.
//
// The error is the last try's, wrapped: errors.Is and errors.As find what fn
// returned and, if ctx ended between tries, its error too. A connection that is
// lost during COMMIT leaves open whether it happened; the error says so.
func InTx(ctx context.Context, db *sql.DB, o *TxOptions, fn func(tx *sql.Tx) error) error {
	if o == nil {
		o = &TxOptions{}
	}
	tries := o.MaxTries
	switch {
	case tries == 0:
		tries = 5
	case tries < 0:
		tries = 1
	}
	var backoff txretry.Backoff
	for try := 1; ; try++ {
		err := inTxOnce(ctx, db, o, fn)
		if err == nil || tries == 1 || !o.again(err) || ctx.Err() != nil {
			return err
		}
		if try == tries {
			return fmt.Errorf("pool: transaction failed %d times: %w", try, err)
		}
		if ended := backoff.Wait(ctx); ended != nil {
			return fmt.Errorf("pool: transaction given up after %d tries: %w: %w", try, ended, err)
		}
	}
}

func inTxOnce(ctx context.Context, db *sql.DB, o *TxOptions, fn func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: o.Isolation, ReadOnly: o.ReadOnly})
	if err != nil {
		return fmt.Errorf("pool: begin: %w", err)
	}
	// Deferred and without recover, so that a panic, and runtime.Goexit, goes on
	// with its stack. After a commit it does nothing. Its own error says no more
	// than the one that led to it: the server rolls back when the connection
	// goes.
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		if connLost(err) {
			return fmt.Errorf("pool: commit, which may have happened: %w", err)
		}
		return fmt.Errorf("pool: commit: %w", err)
	}
	return nil
}

// again tells whether a transaction that failed with err is worth another try.
func (o *TxOptions) again(err error) bool {
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return txretry.Retryable(my.Number)
	}
	return o.Idempotent && connLost(err)
}

func connLost(err error) bool {
	return errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn)
}
