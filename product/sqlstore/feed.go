package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/productkit-go/productkit/product"
)

// The change feed numbers records when they are read and not when they are written.
//
// A number that a writer took would be handed out before its commit, so a reader might meet 12
// before 11 is there, and skip it; and a counter that writers lock would let one long transaction
// stop all others. So Apply leaves the position open. A reader locks the one row of the feed,
// looks without a lock for records that are committed by now, and gives them the next positions
// in the order of their arrival. Readers take turns, a position exists only once its record
// is committed, and so nothing ever appears behind what has been delivered.
//
// One product's changes are in order. They arrive under the lock of its row: whoever sees the
// later one sees the earlier one too, which has the smaller arrival.

// feedState is what the feed's row says.
type feedState struct {
	newest, pruned product.Seq
	pending        bool // there are committed records without a position
}

// Changes returns a page of the feed; see [product.Store]. It takes a lock, in a short transaction
// of its own, only when it is about to come to the end of what is numbered and there are
// new records.
//
// On a replica that may not be written to it returns what readers of the primary have
// numbered: somebody must read there.
func (s *Store) Changes(ctx context.Context, after product.Seq, limit int) ([]product.Change, error) {
	f, err := s.feed(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.check(after); err != nil {
		return nil, err
	}
	if f.pending && f.newest < after+product.Seq(limit) {
		err := s.turn(ctx, s.number)
		if err != nil && f.newest == after && !readOnly(err) {
			return nil, err // otherwise there is something to return, and the next page tries again
		}
	} else if f.newest == after {
		return nil, nil
	}
	return s.numbered(ctx, after, limit)
}

// check refuses positions that are no place in the feed.
func (f feedState) check(after product.Seq) error {
	switch {
	case after < f.pruned:
		return &product.ChangesExpiredError{After: after, Oldest: f.pruned, Newest: f.newest}
	case after > f.newest:
		return &product.InvalidError{Faults: []product.Fault{{Field: "after", Code: "range", Message: fmt.Sprintf(
			"is %d, but the feed ends at %d: the position belongs to another database, or this one has lost changes; read the catalogue anew and follow from there", after, f.newest)}}}
	}
	return nil
}

func (s *Store) feed(ctx context.Context) (f feedState, err error) {
	query, args, err := s.tables.feed()
	if err != nil {
		return f, err
	}
	var newest, pruned sql.NullInt64 // before anybody has read there is no row
	err = s.reads.QueryRowContext(ctx, query, args...).Scan(&newest, &pruned, &f.pending)
	f.newest, f.pruned = product.Seq(newest.Int64), product.Seq(pruned.Int64)
	return f, classify(err)
}

// maxPageBytes bounds the memory of one page, whose records have up to 400 KiB each.
const maxPageBytes = 4 << 20

// numbered returns records that have positions.
func (s *Store) numbered(ctx context.Context, after product.Seq, limit int) ([]product.Change, error) {
	query, args, err := s.tables.numbered(after, limit)
	if err != nil {
		return nil, err
	}
	changes, err := readChanges(ctx, s.reads, query, args, maxPageBytes)
	if err != nil {
		return nil, err
	}
	if n := len(changes); n == 0 || changes[n-1].Seq == after+product.Seq(n) {
		return changes, nil
	}
	// Positions are missing. They may have been pruned while this was under way.
	f, err := s.feed(ctx)
	if err == nil {
		err = f.check(after)
	}
	if err != nil {
		return nil, err
	}
	return changes, nil
}

// number gives the oldest records without a position the next ones.
func (s *Store) number(ctx context.Context, t *session, f feedState) error {
	query, args, err := s.tables.unnumbered()
	if err != nil {
		return err
	}
	rows, err := t.QueryContext(ctx, query, args...)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = rows.Close() }()
	arrivals := make([]int64, 0, feedStep)
	for rows.Next() {
		var arrival int64
		if err := scan(rows, "arrival", &arrival); err != nil {
			return err
		}
		arrivals = append(arrivals, arrival)
	}
	if err := rows.Err(); err != nil || len(arrivals) == 0 {
		return classify(err)
	}
	return firstError(
		func() error { return t.run(ctx)(s.tables.number(f.newest, arrivals)) },
		func() error { return t.run(ctx)(s.tables.advanceFeed(f.newest + product.Seq(len(arrivals)))) },
	)
}

// PruneChanges lets a bounded number of positions expire; see [product.Store].
func (s *Store) PruneChanges(ctx context.Context, before time.Time) (more bool, err error) {
	err = s.turn(ctx, func(ctx context.Context, t *session, f feedState) error {
		query, args, err := s.tables.ages(f.pruned)
		if err != nil {
			return err
		}
		rows, err := t.QueryContext(ctx, query, args...)
		if err != nil {
			return classify(err)
		}
		defer func() { _ = rows.Close() }()
		expired, last := 0, f.pruned
		for rows.Next() {
			var seq product.Seq
			var at int64
			if err := scan(rows, "change", &seq, &at); err != nil {
				return err
			}
			if at >= before.UnixMicro() {
				break
			}
			expired, last = expired+1, seq
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || expired == 0 {
			return classify(err)
		}
		more = expired == feedStep
		return firstError(
			func() error { return t.run(ctx)(s.tables.pruneStock(f.pruned, last)) },
			func() error { return t.run(ctx)(s.tables.advancePruned(last)) },
		)
	})
	return more && err == nil, err
}

// turn runs a step of the feed in a transaction that holds the lock of the feed's row. Steps may
// be repeated, so it does not matter what became of a COMMIT without an answer.
func (s *Store) turn(ctx context.Context, step func(context.Context, *session, feedState) error) error {
	for races, stale := 0, 0; ; {
		err := s.takeTurn(ctx, step)
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case duplicate(err) && races < maxRaces: // two made the feed's row
			races++
		case errors.Is(err, driver.ErrBadConn) && stale < maxStale:
			stale++
		default:
			return err
		}
	}
}

func (s *Store) takeTurn(ctx context.Context, step func(context.Context, *session, feedState) error) error {
	t, err := s.pin(ctx)
	if err != nil {
		return err
	}
	defer t.end(ctx)
	if err := t.begin(ctx, false); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	var f feedState
	query, args, err := s.tables.lockFeed()
	if err != nil {
		return err
	}
	err = t.QueryRowContext(ctx, query, args...).Scan(&f.newest, &f.pruned)
	if errors.Is(err, sql.ErrNoRows) {
		err = t.run(ctx)(s.tables.insertFeed())
	}
	if err != nil {
		return classify(err)
	}
	if err := step(ctx, t, f); err != nil {
		return err
	}
	_, err = t.commit(ctx)
	return classify(err)
}

// run executes a statement that has just been built.
func (t *session) run(ctx context.Context) func(query string, args []any, err error) error {
	return func(query string, args []any, err error) error {
		if err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, query, args...)
		return classify(err)
	}
}
