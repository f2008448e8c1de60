package pool

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// boundTx ends a transaction within its context. driver.Tx has none, so that a
// COMMIT or ROLLBACK to a server that fell silent between two statements would
// wait for the driver's readTimeout.
type boundTx struct {
	driver.Tx
	ctx context.Context
	cut func()
}

// Commit fails with the context's error and the driver's ErrInvalidConn if it
// ran out of time: it may have been done.
func (t *boundTx) Commit() error { return t.end(t.Tx.Commit) }

func (t *boundTx) Rollback() error { return t.end(t.Tx.Rollback) }

func (t *boundTx) end(do func() error) error {
	ctx := t.ctx
	if ctx.Err() != nil {
		// database/sql rolls back because the context has ended.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.Background(), endTimeout)
		defer cancel()
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		t.cut()
		close(done)
	})
	err := do()
	if stop() {
		return err
	}
	<-done // or it would cut the connection's next user off
	if err != nil {
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return err
}
