package product

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// readPatience is how long a batch of reads has the coalescer to itself: as long as one of a few dozen
// takes where the database is near, which saves it a quarter of its work. Where it is far this is little
// beside the way there, and two batches are on it.
const readPatience = time.Millisecond

// newReader returns the coalescer of one kind of lookup. Callers with the same key share one
// answer; a key that finds nothing is answered with [ErrNotFound].
func newReader[K comparable, V any](s *Service, find func(context.Context, []K) ([]V, error), keysOf func(*V) []K) *coalescer[K, V] {
	return &coalescer[K, V]{
		lanes:      s.opts.ReadBatches,
		patience:   readPatience,
		gathers:    true, // a query costs a server more than a dozen of its rows
		maxCalls:   s.opts.ReadBatchSize,
		maxBytes:   s.opts.ReadBatchSize,
		maxWaiting: s.opts.MaxWaiting,
		size:       func(K) int { return 1 },
		run: func(batch []*call[K, V]) {
			ctx, cancel := context.WithTimeout(s.alive, s.opts.BatchTimeout)
			defer cancel()
			if len(batch) == 1 { // nobody shares anything
				batch[0].settle(findOne(ctx, find, keysOf, batch[0].question))
				return
			}
			asked := make(map[K][]*call[K, V], len(batch))
			keys := make([]K, 0, len(batch))
			for _, c := range batch {
				if asked[c.question] == nil {
					keys = append(keys, c.question)
				}
				asked[c.question] = append(asked[c.question], c)
			}
			found, err := findSafely(ctx, find, keys)
			for i := range found {
				for _, key := range keysOf(&found[i]) {
					for _, c := range asked[key] {
						c.settle(found[i], nil)
					}
					delete(asked, key)
				}
			}
			if err == nil {
				err = ErrNotFound
			}
			var none V
			for _, calls := range asked {
				for _, c := range calls {
					c.settle(none, err)
				}
			}
		},
	}
}

func findOne[K comparable, V any](ctx context.Context, find func(context.Context, []K) ([]V, error), keysOf func(*V) []K, key K) (V, error) {
	found, err := findSafely(ctx, find, []K{key})
	for i := range found {
		if slices.Contains(keysOf(&found[i]), key) {
			return found[i], nil
		}
	}
	var none V
	if err == nil {
		err = ErrNotFound
	}
	return none, err
}

// findSafely keeps a panic in a Store from ending the host's process.
func findSafely[K, V any](ctx context.Context, find func(context.Context, []K) ([]V, error), keys []K) (found []V, err error) {
	defer func() {
		if r := recover(); r != nil {
			found, err = nil, fmt.Errorf("product: the store panicked: %v\n%s", r, debug.Stack())
		}
	}()
	return find(ctx, keys)
}
