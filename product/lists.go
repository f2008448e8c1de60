package product

import "context"

// Lister is a [Store] that reads several pages by one query, which costs less than a query for each.
type Lister interface {
	Store

	// Joins reports whether q's page is found so soon, whatever products there are, that others may
	// wait for it.
	Joins(q Query) bool

	// Lists returns the page of each query, as List does, or an error for all. Each has joined.
	Lists(ctx context.Context, queries []Query) ([][]Product, error)
}

const (
	// listBatches is how many queries for pages are in flight at once. A page is work for a server, unlike a
	// product, so that more of its processors help: with two queries there were a tenth fewer lists.
	listBatches = 4

	// listBatchSize is how many pages one of them reads at most.
	listBatchSize = 8
)

// newLists returns the coalescer of the pages that a Lister reads together. None has many more products
// than a page may have.
func newLists(s *Service) *coalescer[Query, []Product] {
	lister, _ := s.store.(Lister)
	return &coalescer[Query, []Product]{
		lanes:      listBatches,
		maxCalls:   listBatchSize,
		maxBytes:   MaxLimit + 1,
		maxWaiting: s.opts.MaxWaiting,
		size:       func(q Query) int { return q.Limit },
		run: func(batch []*call[Query, []Product], _ func()) {
			ctx, cancel := context.WithTimeout(s.alive, s.opts.BatchTimeout)
			defer cancel()
			queries := make([]Query, len(batch))
			for i, c := range batch {
				queries[i] = c.question
			}
			pages, err := findSafely(ctx, lister.Lists, queries)
			for i, c := range batch {
				if err != nil {
					c.settle(nil, err)
					continue
				}
				c.settle(pages[i], nil)
			}
		},
	}
}

// list reads a page, together with others where it joins them.
func (s *Service) list(ctx context.Context, q Query) ([]Product, error) {
	if lister, ok := s.store.(Lister); ok && lister.Joins(q) {
		return s.lists.do(ctx, q, context.Context.Err)
	}
	ctx, cancel, err := s.direct(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	return s.store.List(ctx, q)
}
