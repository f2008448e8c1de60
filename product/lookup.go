package product

import (
	"context"
	"iter"
	"slices"

	"github.com/google/uuid"
)

// MaxLookup is how many products one [Service.Lookup] names at most.
const MaxLookup = 200

// Lookup returns the live products with these keys, in the order of the keys, and the keys
// that name none. A key that is given twice is answered once.
//
// Errors: [InvalidError] for more than [MaxLookup] keys, [ErrUnavailable], [ErrClosed], the
// context's.
func (s *Service) Lookup(ctx context.Context, keys []Key) (found []Product, missing []Key, err error) {
	if len(keys) > MaxLookup {
		var f faults
		f.add("", "too_many", "%d products are asked for; ask for at most %d at once", len(keys), MaxLookup)
		return nil, nil, f.err()
	}
	ctx, cancel, err := s.direct(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer cancel()
	products, err := s.store.Find(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	byKey := make(map[Key]*Product, 2*len(products))
	for i := range products {
		byKey[ByID(products[i].ID)] = &products[i]
		byKey[BySKU(products[i].SKU)] = &products[i]
	}
	seen := make(map[Key]bool, len(keys))
	for _, key := range keys {
		switch p := byKey[key]; {
		case seen[key]:
		case p == nil:
			missing = append(missing, key)
		default:
			found = append(found, *p)
		}
		seen[key] = true
	}
	return found, missing, nil
}

// GetDeleted returns the deleted product with this ID, which only [Service.List], [Service.History]
// and [Service.Restore] know otherwise.
//
// Errors: [ErrNotFound], for a live product too; and as [Service.Lookup].
func (s *Service) GetDeleted(ctx context.Context, id uuid.UUID) (Product, error) {
	ctx, cancel, err := s.direct(ctx)
	if err != nil {
		return Product{}, err
	}
	defer cancel()
	found, err := s.store.FindDeleted(ctx, []uuid.UUID{id})
	switch {
	case err != nil:
		return Product{}, err
	case len(found) == 0:
		return Product{}, ErrNotFound
	}
	return found[0], nil
}

// Stocks returns the stock of those of the products that are live, by ID. Errors: as
// [Service.Lookup].
func (s *Service) Stocks(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Stock, error) {
	ctx, cancel, err := s.direct(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	stocks, err := s.store.Stock(ctx, ids, s.now())
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]Stock, len(stocks))
	for _, stock := range stocks {
		byID[stock.ProductID] = stock
	}
	return byID, nil
}

// List returns one page of products.
//
// Following the cursors, all of them forward or all of them back, sees each product that existed throughout and whose sort key did not
// change exactly once, whatever else is written meanwhile. With q.Text this is not promised: each
// page searches anew and begins behind the last product of the page before.
//
// Errors: [InvalidError], [ErrBadCursor], [ErrSearchOff], [ErrOverloaded], and as [Service.Lookup].
func (s *Service) List(ctx context.Context, q Query) (Page, error) {
	if err := s.prepare(&q); err != nil {
		return Page{}, err
	}
	cursors := q.cursors()
	at, backward, err := cursors.parseCursor()
	if err != nil {
		return Page{}, err
	}
	q.After = at
	asked := q
	asked.Limit++ // one more tells whether another page follows
	if backward {
		asked.Sort = q.Sort.reversed()
	}
	items, err := s.list(ctx, asked)
	if err != nil {
		return Page{}, err
	}
	more := len(items) > q.Limit
	page := Page{Items: items[:min(len(items), q.Limit)]}
	if len(page.Items) == 0 {
		return page, nil
	}
	if backward {
		slices.Reverse(page.Items)
	}
	if more || backward {
		page.Next = cursors.next(&page.Items[len(page.Items)-1])
	}
	if more && backward || at != nil && !backward {
		page.Prev = cursors.previous(&page.Items[0])
	}
	return page, nil
}

// All returns an iterator over every product of a query, page after page, beginning at
// q.Cursor. It yields an error at most once, as the last thing.
func (s *Service) All(ctx context.Context, q Query) iter.Seq2[Product, error] {
	return func(yield func(Product, error) bool) {
		if q.Limit == 0 {
			q.Limit = MaxLimit
		}
		for {
			page, err := s.List(ctx, q)
			if err != nil {
				yield(Product{}, err)
				return
			}
			for _, p := range page.Items {
				if !yield(p, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.Cursor = page.Next
		}
	}
}

// MaxCount is where [Service.Count] stops counting.
const MaxCount = 10_000

// Count is how many products there are.
type Count struct {
	Value int  // at most [MaxCount], of a search [MaxHits]
	Exact bool // false: there are Value or more
}

// Count returns how many products a query selects on all its pages together. It stops at
// [MaxCount], with q.Text at [MaxHits], so that it costs little however big the catalogue is.
//
// Errors: as [Service.List].
func (s *Service) Count(ctx context.Context, q Query) (Count, error) {
	if err := s.prepare(&q); err != nil {
		return Count{}, err
	}
	ctx, cancel, err := s.direct(ctx)
	if err != nil {
		return Count{}, err
	}
	defer cancel()
	most := MaxCount
	if q.Text != "" {
		most = MaxHits
	}
	n, err := s.store.Count(ctx, q, most+1)
	if err != nil {
		return Count{}, err
	}
	return Count{Value: min(n, most), Exact: n <= most}, nil
}

// prepare checks a query and gives it its time.
func (s *Service) prepare(q *Query) error {
	q.Now = s.now()
	return q.normalize()
}

// direct bounds a query that is not folded with others.
func (s *Service) direct(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if s.closed.Load() {
		return nil, nil, ErrClosed
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.BatchTimeout)
	return ctx, cancel, ctx.Err()
}
