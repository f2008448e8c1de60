package sqlstore_test

import (
	"context"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// storeFaults are the ways in which the store of a process may err, and none.
var storeFaults = map[string]func(product.Store) product.Store{
	"": func(s product.Store) product.Store { return s },
	"stale read": func(s product.Store) product.Store {
		return &staleReader{Store: s, old: map[uuid.UUID]product.Product{}}
	},
	"lost update":     func(s product.Store) product.Store { return lostUpdater{s} },
	"forgotten write": func(s product.Store) product.Store { return forgetter{s} },
}

// staleReader answers some reads with the product as it was when it was first read.
type staleReader struct {
	product.Store
	mu  sync.Mutex
	old map[uuid.UUID]product.Product
}

func (s *staleReader) Find(ctx context.Context, keys []product.Key) ([]product.Product, error) {
	found, err := s.Store.Find(ctx, keys)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range found {
		if first, ok := s.old[p.ID]; !ok {
			s.old[p.ID] = p
		} else if rand.IntN(5) == 0 {
			found[i] = first
		}
	}
	return found, err
}

// lostUpdater overwrites what a caller has not seen: it does not look at the expected version.
type lostUpdater struct{ product.Store }

func (s lostUpdater) Apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	careless := b
	careless.Writes = nil
	for _, w := range b.Writes {
		w.Expect = product.Expect{}
		careless.Writes = append(careless.Writes, w)
	}
	return s.Store.Apply(ctx, careless)
}

// forgetter acknowledges some writes and does not keep them.
type forgetter struct{ product.Store }

func (s forgetter) Apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	if rand.IntN(5) == 0 {
		return s.Preview(ctx, b)
	}
	return s.Store.Apply(ctx, b)
}
