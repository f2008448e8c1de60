package product

import (
	"context"
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
	watchdog := time.AfterFunc(exportPause, func() { cancel(context.DeadlineExceeded) })
	defer watchdog.Stop()
	err := s.store.Export(ctx, q, func(r Row) error {
		watchdog.Stop()
		defer watchdog.Reset(exportPause)
		return each(r)
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}
