package product

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

const (
	// readCrowd is how many lookups are worth a query beside the one in flight: what the service does for one
	// while the database is at the other gains more than the further query costs. Fewer cost the database a
	// quarter of its work for nothing.
	readCrowd = 4

	// readPatience is how long a batch of reads has the coalescer to itself where fewer wait: as long as one
	// of a few dozen takes where the database is near. Where it is far this is little beside the way there,
	// and two batches are on it.
	readPatience = time.Millisecond
)

// newReader returns the coalescer of one kind of lookup, whose answers are what find has found, and not
// copies. Callers with the same key share one answer; a key that finds nothing is answered with [ErrNotFound].
// keysOf appends the keys by which something may have been asked for.
func newReader[K comparable, V any](s *Service, find func(context.Context, []K) ([]V, error), keysOf func([]K, *V) []K) *coalescer[K, *V] {
	return &coalescer[K, *V]{
		lanes:      s.opts.ReadBatches,
		crowd:      readCrowd,
		patience:   readPatience,
		gathers:    true, // a query costs a server more than a dozen of its rows
		maxCalls:   s.opts.ReadBatchSize,
		maxBytes:   s.opts.ReadBatchSize,
		maxWaiting: s.opts.MaxWaiting,
		size:       func(K) int { return 1 },
		run: func(batch []*call[K, *V], _ func()) {
			ctx, cancel := context.WithTimeout(s.alive, s.opts.BatchTimeout)
			defer cancel()
			if len(batch) == 1 { // nobody shares anything
				batch[0].settle(findOne(ctx, find, keysOf, batch[0].question))
				return
			}
			keys := make([]K, 0, len(batch))
			asked := make(map[K]*call[K, *V], len(batch)) // the last one; the others follow it
			for _, c := range batch {
				before, again := asked[c.question]
				if !again {
					keys = append(keys, c.question)
				}
				c.before, asked[c.question] = before, c
			}
			found, err := findSafely(ctx, find, keys)
			var names []K
			for i := range found {
				names = keysOf(names[:0], &found[i])
				for _, name := range names {
					settleEqual(asked[name], &found[i], nil)
					delete(asked, name)
				}
			}
			if err == nil {
				err = ErrNotFound
			}
			for _, c := range asked {
				settleEqual(c, nil, err)
			}
		},
	}
}

func findOne[K comparable, V any](ctx context.Context, find func(context.Context, []K) ([]V, error), keysOf func([]K, *V) []K, key K) (*V, error) {
	found, err := findSafely(ctx, find, []K{key})
	for i := range found {
		if slices.Contains(keysOf(nil, &found[i]), key) {
			return &found[i], nil
		}
	}
	if err == nil {
		err = ErrNotFound
	}
	return nil, err
}

// settleEqual answers a call and those before it that ask the same.
func settleEqual[K, V any](c *call[K, V], answer V, err error) {
	for c != nil {
		before := c.before // once settled, a call is its caller's
		c.settle(answer, err)
		c = before
	}
}

// read asks a reader.
func read[K comparable, V any](ctx context.Context, from *coalescer[K, *V], key K) (V, error) {
	found, err := from.do(ctx, key, context.Context.Err)
	if err != nil {
		var none V
		return none, err
	}
	return *found, nil
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
