package product

import (
	"context"
	"sync/atomic"
	"time"
)

// exportPause bounds the time from one row of an export to the next, in the store. A filter that
// few products meet makes it read many rows for one.
const exportPause = time.Minute

// Export calls each with every live product of q and its stock, ordered by SKU, all as of one
// moment. It ignores q's order, page and Deleted. The snapshot lasts, and holds a connection,
// until the last call of each has returned: each should not wait for a slow client. It does not
// search: q.Text must be empty.
//
// Errors: [InvalidError], [ErrUnavailable], [ErrClosed], the context's, and the first one of each,
// which ends the export.
func (s *Service) Export(ctx context.Context, q Query, each func(Row) error) error {
	q.Sort, q.Limit, q.Cursor, q.Deleted = SortSKU, 0, "", false
	if err := s.prepare(&q); err != nil {
		return err
	}
	if q.Text != "" {
		var f faults
		f.add("q", "mismatch", "searches, which finds the best %d; an export is of everything, so leave it out and filter", MaxHits)
		return f.err()
	}
	if s.closed.Load() {
		return ErrClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.alive, func() { cancel(ErrClosed) })()
	var steps atomic.Int64 // odd while a row is with each
	defer watchRows(&steps, func() { cancel(context.DeadlineExceeded) })()
	err := s.store.Export(ctx, q, func(r Row) error {
		steps.Add(1)
		err := each(r)
		steps.Add(1)
		return err
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// watchRows calls stalled when the store has not brought the next row for exportPause. A timer that every
// row would set anew costs as much as its text.
func watchRows(steps *atomic.Int64, stalled func()) (stop func()) {
	const looks = 60
	var quiet int
	var before int64
	ticks, ended := time.NewTicker(exportPause/looks), make(chan struct{})
	go func() {
		for {
			select {
			case <-ended:
				return
			case <-ticks.C:
			}
			now := steps.Load()
			if quiet++; now != before || now%2 == 1 {
				quiet = 0
			}
			if before = now; quiet == looks {
				stalled()
				return
			}
		}
	}()
	return func() {
		ticks.Stop()
		close(ended)
	}
}
