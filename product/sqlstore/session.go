package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/productkit-go/productkit/internal/txretry"
	"github.com/productkit-go/productkit/product"
)

// cleanupTimeout bounds ROLLBACK and the restoring of settings, which must be tried although
// the caller's context may have ended.
const cleanupTimeout = 2 * time.Second

// session is one pinned connection for one transaction. The statements of transactions are its
// own and not [sql.Tx]'s, because the answer to COMMIT has to be told from a COMMIT that was
// never sent.
type session struct {
	*sql.Conn
	s       *Store
	open    bool // a transaction is under way
	changed bool // a server's settings are ours
	spoiled bool // must not go back to the host's pool

	script   *script // what waits to be sent
	answered bool    // a statement has reached the server
}

// pin takes a connection. Whoever has it calls end.
func (s *Store) pin(ctx context.Context) (*session, error) {
	if s.queue != nil {
		select {
		case s.queue <- struct{}{}:
		case <-ctx.Done():
			return nil, classify(ctx.Err())
		}
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		if s.queue != nil {
			<-s.queue
		}
		return nil, unavailable(err)
	}
	return &session{Conn: conn, s: s, script: scripts.Get().(*script)}, nil
}

// begin begins the transaction, maybe not before the first statement with a result.
func (t *session) begin(ctx context.Context, noWait bool) error {
	if t.s.engine.Dialect == SQLite {
		return t.beginSQLite(ctx, noWait)
	}
	return t.beginServer(ctx)
}

// beginServer begins with one round trip, and commitServer ends with one: setting autocommit begins
// and commits the transaction, and travels together with what else is set. Where the connections take
// several statements at once, both travel with those in between. It is on before and
// after, as [New] makes sure.
func (t *session) beginServer(ctx context.Context) error {
	statement := "SET "
	if wait := t.s.opts.LockWait; wait > 0 {
		seconds := (wait + time.Second - 1) / time.Second
		statement += fmt.Sprintf("@productkit_lock_wait = @@SESSION.innodb_lock_wait_timeout, SESSION innodb_lock_wait_timeout = %d, ", seconds)
	}
	isolation := "transaction_isolation"
	if t.s.engine.Dialect == MariaDB {
		isolation = "tx_isolation"
	}
	// Without SESSION it holds for the next transaction only.
	statement += "@@" + isolation + " = 'READ-COMMITTED', SESSION autocommit = 0"
	t.open, t.changed = true, true
	err := t.later(ctx, statement, nil)
	t.spoiled = err != nil // whatever has been set by then
	return err
}

const restoreLockWait = "SESSION innodb_lock_wait_timeout = @productkit_lock_wait, @productkit_lock_wait = NULL"

// commitServer is the statement that commits and gives a server's session the host's settings back.
// Committing comes first: whatever goes wrong afterwards, the transaction is there.
func (t *session) commitServer() string {
	if t.s.opts.LockWait > 0 {
		return "SET SESSION autocommit = 1, " + restoreLockWait
	}
	return "SET SESSION autocommit = 1"
}

// restore is the statement that gives the settings back after ROLLBACK. In a log it can be told from
// the one that commits.
func (t *session) restore() string {
	if t.s.opts.LockWait > 0 {
		return "SET " + restoreLockWait + ", SESSION autocommit = 1"
	}
	return "SET SESSION autocommit = 1"
}

// atLeast is the stage that an attempt has come to, unless none of its statements has reached the server.
func (t *session) atLeast(s stage) stage {
	if !t.answered && t.s.engine.Dialect != SQLite {
		return beginning
	}
	return s
}

// beginSQLite takes the write lock at once: a transaction that began by reading could not wait
// for it any more (sqlite.org/lang_transaction.html).
func (t *session) beginSQLite(ctx context.Context, noWait bool) error {
	wait, cancel := ctx, context.CancelFunc(func() {})
	if t.s.opts.LockWait > 0 {
		wait, cancel = context.WithTimeout(ctx, t.s.opts.LockWait)
	}
	defer cancel()
	backoff := txretry.Backoff{First: time.Millisecond, Max: 25 * time.Millisecond}
	for {
		err := t.exec(wait, "BEGIN IMMEDIATE")
		switch {
		case err == nil:
			t.open = true
			return nil
		case wait.Err() != nil && ctx.Err() == nil:
			t.open = true // the lock may have come at the last moment
			return fmt.Errorf("%w: the SQLite file stayed locked for %v: %w", product.ErrBusy, t.s.opts.LockWait, err)
		case noWait || !errors.Is(err, product.ErrBusy) || t.s.opts.LockWait < 0 || backoff.Wait(wait) != nil:
			return err
		}
	}
}

// commit ends the transaction, and sends what waits with it. Before says that the error is that of a
// statement before COMMIT, which then never ran. After any other error the outcome is unknown, so the
// error is the driver's own: the sentinels say that nothing was applied.
func (t *session) commit(ctx context.Context) (before bool, err error) {
	if t.s.engine.Dialect == SQLite {
		// No network: what interrupts it can only blur the result.
		_, err := t.ExecContext(context.WithoutCancel(ctx), "COMMIT")
		t.open = err != nil
		return false, err
	}
	statement, together := t.commitServer(), len(t.script.b) > 0
	if together {
		statement = "SET " + markCommit + strings.TrimPrefix(statement, "SET") + ", @productkit_commit = NULL"
	}
	if err := t.script.add(statement, nil); err != nil {
		return false, err
	}
	_, err = t.ExecContext(ctx, t.script.take())
	t.answered = true
	t.open, t.changed = err != nil, err != nil
	before = together && mysqlNumber(err) != 0 && !t.cameToCommit(ctx)
	t.spoiled = err != nil && !before
	return before, err
}

// markCommit tells the COMMIT that failed from one that was not reached: a server runs statements that
// it got together one after the other, and none behind one that fails.
const markCommit = "@productkit_commit = 1,"

// cameToCommit reports whether the server has run the statement that commits, or cannot say.
func (t *session) cameToCommit(ctx context.Context) bool {
	var mark sql.NullInt64
	err := t.QueryRowContext(ctx, "SELECT @productkit_commit").Scan(&mark)
	return err != nil || mark.Valid
}

// end rolls back what was not committed, restores the host's settings and returns the
// connection, or throws it away if either failed.
func (t *session) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if len(t.script.b) > 0 && !t.answered {
		t.open, t.changed = false, false // nothing has been sent
	}
	if t.open && !t.spoiled {
		t.cleanUp(ctx, "ROLLBACK")
	}
	if t.changed && !t.spoiled {
		t.cleanUp(ctx, t.restore())
	}
	if t.spoiled {
		_ = t.Raw(func(any) error { return driver.ErrBadConn })
	}
	_ = t.Close()
	t.script.giveBack()
	if t.s.queue != nil {
		<-t.s.queue
	}
}

func (t *session) cleanUp(ctx context.Context, statement string) {
	err := t.exec(ctx, statement)
	if err == nil || t.s.engine.Dialect == SQLite && !errors.Is(err, product.ErrUnavailable) {
		return // SQLite rolls back by itself after some errors, and then there is nothing left to do
	}
	t.spoiled = true
	if !lost(err) {
		t.s.opts.Logger.Warn("sqlstore: throwing a connection away", "statement", statement, "error", err)
	}
}

func (t *session) exec(ctx context.Context, statement string) error {
	_, err := t.ExecContext(ctx, statement)
	return classify(err)
}

// unavailable is for what [sql.DB.Conn] returns: without a connection there is no database,
// whatever error a connector or a pool of its own words it in.
func unavailable(err error) error {
	if err = classify(err); errors.Is(err, product.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", product.ErrUnavailable, err)
}
