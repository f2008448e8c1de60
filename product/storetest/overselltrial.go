package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/productkit-go/productkit/product"
)

// OversellTrial tries that nothing is sold twice, whatever happens to those who sell: buyers take
// pieces of few hot products, and reserve them and then commit, release or forget it, while there
// are always too few. On a database of your own, which is empty:
//
//	err := storetest.OversellTrial{}.Run(ctx, store)
//
// With several processes that may be killed at any time, one calls Prepare, and each prints what
// its buyers are told:
//
//	trial := storetest.OversellTrial{Orders: -1}
//	err := trial.Buy(ctx, svc, os.Args[1], func(r storetest.Receipt) { json.NewEncoder(os.Stdout).Encode(r) })
//
// Who has collected that calls Check with it, as often as he likes, and Finish in the end.
type OversellTrial struct {
	Products int           // default 10
	Pieces   int           // of each at first; more are delivered when they are gone; default 20
	Buyers   int           // of each Buy; default 64
	Orders   int           // of each buyer; default 10; negative: until the context ends
	Expiry   time.Duration // of what is reserved in order to be paid for; default 1 s
}

// Receipt is what a buyer was told: that something was done with these items.
type Receipt struct {
	Of    string // the reason that the history must give
	Items []product.ReservationItem
}

func (t OversellTrial) withDefaults() OversellTrial {
	def(&t.Products, 10)
	def(&t.Pieces, 20)
	def(&t.Buyers, 64)
	def(&t.Orders, 10)
	if t.Expiry == 0 {
		t.Expiry = time.Second
	}
	return t
}

func hotSKU(i int) string { return fmt.Sprint("HOT-", i) }

// Run is the whole trial in one process. Two Services have buyers of the same name, so that each
// order is placed twice at once. It returns the first rule that was broken.
func (t OversellTrial) Run(ctx context.Context, store product.Store) error {
	return withService(ctx, store, func(one *product.Service) error {
		return withService(ctx, store, func(other *product.Service) error {
			if err := t.Prepare(ctx, one); err != nil {
				return err
			}
			var told [2][]Receipt
			var failures [2]error
			var both sync.WaitGroup
			for i, svc := range []*product.Service{one, other} {
				both.Go(func() {
					failures[i] = t.Buy(ctx, svc, "run", func(r Receipt) { told[i] = append(told[i], r) })
				})
			}
			both.Wait()
			if err := errors.Join(failures[:]...); err != nil {
				return err
			}
			return t.Finish(ctx, one, append(told[0], told[1]...))
		})
	})
}

// Prepare creates the products.
func (t OversellTrial) Prepare(ctx context.Context, svc *product.Service) error {
	t = t.withDefaults()
	for i := range t.Products {
		d := draft(hotSKU(i))
		d.Stock = ptr(int64(t.Pieces))
		if _, err := svc.Create(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// Buy has the buyers of one process buy. What they order follows from its name alone, so that a
// process that bears the name of one which was killed asks for all of that one's orders again. Each
// receipt is handed to told, one at a time, before its buyer goes on. Buy returns the first rule
// that it sees broken, and nil when the context ends.
func (t OversellTrial) Buy(ctx context.Context, svc *product.Service, name string, told func(Receipt)) error {
	t = t.withDefaults()
	hot := make([]product.ReservationItem, t.Products)
	for i := range hot {
		p, err := svc.GetBySKU(ctx, hotSKU(i))
		if err != nil {
			return err
		}
		hot[i] = product.ReservationItem{SKU: p.SKU, ProductID: p.ID}
	}
	shop, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var telling sync.Mutex
	var all sync.WaitGroup
	for i := range t.Buyers {
		b := buyer{svc: svc, hot: hot, expiry: t.Expiry, told: func(of string, items ...product.ReservationItem) {
			telling.Lock()
			defer telling.Unlock()
			told(Receipt{of, items})
		}}
		all.Go(func() {
			for n := 0; n != t.Orders && shop.Err() == nil; n++ {
				key := fmt.Sprintf("%s-%d-%d", name, i, n)
				if err := b.order(shop, key); err != nil && shop.Err() == nil {
					stop(fmt.Errorf("order %s: %w", key, err))
				}
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil || shop.Err() == nil {
		return nil
	}
	return context.Cause(shop)
}

// Check returns the first rule that is broken by now, also while others buy. Of each product, and
// after each of its changes, what was put in is what was sold and what is on hand, of which no more
// is reserved than there is; every order is in the feed at most once, as a whole, and if it was
// told of, is there.
func (t OversellTrial) Check(ctx context.Context, svc *product.Service, told []Receipt) error {
	_, err := audit(ctx, svc, told)
	return err
}

// Finish checks the same when nobody buys any more. It waits until what is still reserved has
// expired; then the stock must be what the feed ends with.
func (t OversellTrial) Finish(ctx context.Context, svc *product.Service, told []Receipt) error {
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		l, err := audit(ctx, svc, told)
		if err != nil {
			return err
		}
		if len(l.held) == 0 {
			return l.compare(ctx, svc, t.withDefaults().Products)
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return fmt.Errorf("%d items are still reserved: %w", len(l.held), ctx.Err())
		}
	}
}
