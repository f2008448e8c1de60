package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// ErrTransactionLost: the database has rolled back the whole transaction that the host began,
// not just what was done in it here. The host must roll back and begin again.
var ErrTransactionLost = errors.New("sqlstore: the database has rolled back the whole transaction")

// InTx returns a Store inside a transaction that the host began and ends, so that products
// change together with the host's own rows. What it writes is there when the host commits, and
// is gone when the host rolls back. It is safe for concurrent use, one statement at a time, and
// of no use after the transaction.
//
// Apply works inside a SAVEPOINT: after an error nothing of the batch is left, and the host may
// go on, unless the error matches [ErrTransactionLost] (a deadlock, a lost connection). The
// isolation level and the waiting for locks are the host's; READ COMMITTED avoids gap locks. What
// the transaction changes enters the change feed after its commit; its own Changes only shows what
// has been read outside of it, and on servers a search does not find what it has changed. On
// SQLite the transaction should have begun with BEGIN IMMEDIATE (_txlock=immediate), or its
// first write may fail with [product.ErrBusy]. An Export is as consistent as that level: of one
// moment under REPEATABLE READ. Its callback, and that of
// Categories, must not call this Store.
func (s *Store) InTx(tx *sql.Tx) product.Store {
	inner := &Store{db: s.db, reads: tx, opts: s.opts, engine: s.engine, abilities: s.abilities, subtrees: s.subtrees, lookups: s.lookups, exportPage: s.exportPage, tables: s.tables}
	return &txStore{inner: inner, tx: tx}
}

// txStore takes turns on the transaction's one connection.
type txStore struct {
	mu    sync.Mutex
	inner *Store
	tx    *sql.Tx
	lost  error // what ended the transaction: a later statement would be committed by itself
}

func (t *txStore) Find(ctx context.Context, keys []product.Key) ([]product.Product, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inner.Find(ctx, keys)
}

func (t *txStore) FindDeleted(ctx context.Context, ids []uuid.UUID) ([]product.Product, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inner.FindDeleted(ctx, ids)
}

func (t *txStore) Stock(ctx context.Context, ids []uuid.UUID, now time.Time) ([]product.Stock, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inner.Stock(ctx, ids, now)
}

func (t *txStore) Reservations(ctx context.Context, ids []product.ReservationID) ([]product.Reservation, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inner.Reservations(ctx, ids)
}

func (t *txStore) Expired(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inner.Expired(ctx, now, limit)
}

func (t *txStore) List(ctx context.Context, q product.Query) ([]product.Product, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inner.List(ctx, q)
}

func (t *txStore) Export(ctx context.Context, q product.Query, each func(product.Row) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inner.exportPages(ctx, t.tx, q, each)
}

func (t *txStore) Preview(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inner.Preview(ctx, b)
}

func (t *txStore) Count(ctx context.Context, q product.Query, most int) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inner.Count(ctx, q, most)
}

func (t *txStore) Categories(ctx context.Context, q product.Query, each func(path string, products int) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inner.Categories(ctx, q, each)
}

func (t *txStore) Limits() product.StoreLimits { return t.inner.Limits() }

func (t *txStore) History(ctx context.Context, id uuid.UUID, after *product.HistoryPosition, limit int) ([]product.Change, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inner.History(ctx, id, after, limit)
}

// Changes returns what readers outside have numbered. It numbers nothing itself: all other readers
// would wait for the host's commit, and a rollback would take back what had been delivered.
func (t *txStore) Changes(ctx context.Context, after product.Seq, limit int) ([]product.Change, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, err := t.inner.feed(ctx)
	if err == nil {
		err = f.check(after)
	}
	if err != nil {
		return nil, err
	}
	return t.inner.numbered(ctx, after, limit)
}

// PruneChanges is refused, for the reason that keeps Changes from numbering.
func (t *txStore) PruneChanges(context.Context, time.Time) (more bool, err error) {
	return false, fmt.Errorf("sqlstore: the change feed is pruned in transactions of its own, not in the host's: %w", errors.ErrUnsupported)
}

func (t *txStore) Apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for races := 0; ; races++ {
		if t.lost != nil {
			return nil, t.lost
		}
		outcomes, err := t.attempt(ctx, b)
		if err == nil || !duplicate(err) || races == maxRaces {
			return outcomes, err
		}
	}
}

func (t *txStore) attempt(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	if err := t.exec(ctx, "SAVEPOINT productkit"); err != nil {
		return nil, err
	}
	outcomes, err := t.apply(ctx, b)
	if err == nil {
		err = t.exec(ctx, "RELEASE SAVEPOINT productkit")
	}
	if err == nil {
		return outcomes, nil
	}
	// After a deadlock there is no savepoint any more, and the server says so.
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	undoErr := t.exec(undo, "ROLLBACK TO SAVEPOINT productkit")
	if undoErr == nil {
		undoErr = t.exec(undo, "RELEASE SAVEPOINT productkit")
	}
	if undoErr != nil {
		t.lost = fmt.Errorf("%w: %w", ErrTransactionLost, err)
		return nil, t.lost
	}
	return nil, err
}

func (t *txStore) apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	w := t.inner.writer(t.tx)
	w.hosted = true
	d, err := w.decide(ctx, b)
	if err != nil {
		return nil, err
	}
	if err := w.write(ctx, d); err != nil {
		return nil, err
	}
	return d.Outcomes(), nil
}

func (t *txStore) exec(ctx context.Context, statement string) error {
	_, err := t.tx.ExecContext(ctx, statement)
	return classify(err)
}
