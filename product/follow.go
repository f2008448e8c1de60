package product

import (
	"context"
	"fmt"
	"iter"
	"runtime/debug"
)

// Seq is a position in the change feed: that of a [Change], or, as "after", the place behind it.
// Zero is the beginning. Positions are given once, grow by one from record to record, and mean
// something on their own database only.
type Seq int64

// Limits of a page of changes.
const (
	DefaultChanges = 100
	MaxChanges     = 1000
)

// Changes returns the changes of all products that follow a position in the feed: those committed
// before the call, in an order in which no change ever appears behind one that has been returned,
// and one product's changes, those of its stock included, stand as they happened. Limit is how
// many at most: 0 means [DefaultChanges], and above [MaxChanges] is clamped. Where they are big
// there may be fewer, and none only at the end.
//
// A consumer stores the Seq of the last change that it has dealt with, and goes on from there.
//
// Errors: [InvalidError], also for a position that the feed has not reached, which is another
// database's; [ChangesExpiredError]; [ErrBusy], [ErrUnavailable], [ErrClosed], the context's.
func (s *Service) Changes(ctx context.Context, after Seq, limit int) ([]Change, error) {
	limit, err := checkPage(after, limit)
	if err != nil {
		return nil, err
	}
	ctx, cancel, err := s.direct(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	return s.store.Changes(ctx, after, limit)
}

// AwaitChanges is [Service.Changes] that waits until there is at least one change, for as long as
// its context allows. Any number of callers wait at the cost of one: they share one query, made at
// once when this Service has written something and otherwise every [Options].FollowInterval.
//
// Errors: as [Service.Changes], but for [ErrBusy], which is waited out. [Service.Close] ends the waiting with [ErrClosed].
func (s *Service) AwaitChanges(ctx context.Context, after Seq, limit int) ([]Change, error) {
	limit, err := checkPage(after, limit)
	if err != nil {
		return nil, err
	}
	return s.tail.await(ctx, after, limit)
}

// Follow returns an iterator over all changes after a position and over those still to come, as
// [Service.Changes] returns them. It ends with an error, always, and each change before that has
// come exactly once; whoever wants to go on calls Follow again with the last change's Seq. How
// slowly they are taken does not matter to anybody else.
//
// Errors: as [Service.AwaitChanges].
func (s *Service) Follow(ctx context.Context, after Seq) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		for {
			page, err := s.AwaitChanges(ctx, after, MaxChanges)
			if err != nil {
				yield(Change{}, err)
				return
			}
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
			}
			after = page[len(page)-1].Seq
		}
	}
}

// Prune tidies up, in short transactions, until nothing is left to do or the context ends. Nothing
// calls it by itself: its place is in what the host runs once a minute or so, on one instance or
// on several.
//
// It removes expired reservations from the stock of products that nobody has touched since, so
// that the feed tells of it: they count for nothing before that. And it lets the change feed
// forget what is older than [Options].KeepChanges.
//
// The records of stock go from the history too, for they grow with sales and without end. Those
// of the product itself stay: its history is complete.
//
// Errors: [ErrBusy], [ErrUnavailable], [ErrClosed], the context's.
func (s *Service) Prune(ctx context.Context) error {
	if err := s.sweep(ctx); err != nil || s.opts.KeepChanges < 0 {
		return err
	}
	return s.pruneChanges(ctx)
}

func (s *Service) pruneChanges(ctx context.Context) error {
	before := s.now().Add(-s.opts.KeepChanges)
	for more := true; more; {
		err := func() (err error) {
			ctx, cancel, err := s.direct(ctx)
			if err != nil {
				return err
			}
			defer cancel()
			more, err = s.store.PruneChanges(ctx, before)
			return err
		}()
		if err != nil {
			return err
		}
	}
	return nil
}

func checkPage(after Seq, limit int) (int, error) {
	def(&limit, DefaultChanges)
	var f faults
	if after < 0 {
		f.add("after", "range", "is %d; it must be 0, for the beginning, or the seq of a change", after)
	}
	if limit < 0 {
		f.add("limit", "range", "is %d; it must be 1 to %d", limit, MaxChanges)
	}
	return min(limit, MaxChanges), f.err()
}

// look reads the feed on behalf of all who wait. A panic in a Store must not end the host's
// process.
func (s *Service) look(after Seq) (page []Change, err error) {
	ctx, cancel := context.WithTimeout(s.alive, s.opts.BatchTimeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			page, err = nil, fmt.Errorf("product: the store panicked: %v\n%s", r, debug.Stack())
		}
	}()
	return s.store.Changes(ctx, after, MaxChanges)
}
