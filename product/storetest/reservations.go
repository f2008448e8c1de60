package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/productkit-go/productkit/product"
)

// clock is a Service's time, which a test moves.
type clock struct{ time.Time }

func (s *suite) clocked(at *clock) *product.Service {
	return NewService(s.T, s.store, &product.Options{Now: func() time.Time { return at.Time }})
}

func items(quantities map[string]int64) []product.ReservationItem {
	var all []product.ReservationItem
	for sku, quantity := range quantities {
		all = append(all, product.ReservationItem{SKU: sku, Quantity: quantity})
	}
	return all
}

func item(sku string, quantity int64) product.ReservationItem {
	return product.ReservationItem{SKU: sku, Quantity: quantity}
}

// counts wants a stock, whatever its version.
func (s *suite) counts(svc *product.Service, p product.Product, onHand, reserved int64, what string) product.Stock {
	s.Helper()
	stock, err := svc.Stock(s.ctx(), p.ID)
	s.ok(err, "stock of %s", p.SKU)
	s.equal([2]int64{stock.OnHand, stock.Reserved}, [2]int64{onHand, reserved}, "on hand and reserved of %s: %s", p.SKU, what)
	return stock
}

func (s *suite) reservations() {
	at := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	svc := s.clocked(at)
	a, b := s.createWithStock("A", 10), s.createWithStock("B", 3)
	cart := []product.ReservationItem{item("A", 4), item("B", 3)}

	r, result, err := svc.Reserve(s.ctx(), "cart", cart, time.Hour)
	s.ok(err, "reserve")
	s.equal(result, product.Created, "result")
	want := product.Reservation{
		ID: r.ID, Key: "cart", State: product.Held, CreatedAt: at.Time, ExpiresAt: at.Add(time.Hour),
		Items: []product.ReservationItem{{SKU: "A", ProductID: a.ID, Quantity: 4}, {SKU: "B", ProductID: b.ID, Quantity: 3}},
	}
	s.equal(r, want, "the reservation")
	got, err := svc.Reservation(s.ctx(), "cart")
	s.ok(err, "read it")
	s.equal(got, want, "as it is kept")
	s.counts(svc, a, 10, 4, "reserved")
	s.counts(svc, b, 3, 3, "reserved")

	again, result, err := svc.Reserve(s.ctx(), "cart", []product.ReservationItem{item("B", 3), item("A", 4)}, time.Minute)
	s.ok(err, "reserve again")
	s.equal(result, product.Unchanged, "result of the same again")
	s.equal(again, want, "the same again")
	_, _, err = svc.Reserve(s.ctx(), "cart", cart[:1], time.Hour)
	s.fails(err, product.ErrKeyReused, "other items")
	_, _, err = svc.Reserve(product.WithActor(s.ctx(), "somebody"), "cart", []product.ReservationItem{item("A", 1)}, 0)
	s.ok(err, "another actor's key")
	s.counts(svc, a, 10, 5, "by two actors")
	_, err = svc.Release(product.WithActor(s.ctx(), "somebody"), "cart")
	s.ok(err, "release the other actor's")

	_, err = svc.AdjustStock(s.ctx(), b.ID, -1, "", product.Expect{})
	s.fails(err, product.ErrInsufficientStock, "take what is reserved")
	_, err = svc.SetStock(s.ctx(), b.ID, 2, product.Expect{})
	s.fails(err, product.ErrInsufficientStock, "count less than is reserved")

	committed, err := svc.Commit(s.ctx(), "cart")
	s.ok(err, "commit")
	want.State, want.SettledAt = product.Committed, at.Time
	s.equal(committed, want, "committed")
	s.counts(svc, a, 6, 0, "committed")
	s.counts(svc, b, 0, 0, "committed")
	at.Time = at.Add(2 * time.Hour)
	committed, err = svc.Commit(s.ctx(), "cart")
	s.ok(err, "commit again")
	s.equal(committed, want, "committed as before")
	again, _, err = svc.Reserve(s.ctx(), "cart", cart, time.Hour)
	s.ok(err, "reserve again what is committed")
	s.equal(again, want, "committed as before")
	_, err = svc.Release(s.ctx(), "cart")
	s.fails(err, product.ErrReservationCommitted, "release what is committed")
	s.counts(svc, a, 6, 0, "after all that")

	_, _, err = svc.Reserve(s.ctx(), "other", []product.ReservationItem{item("A", 6)}, 0)
	s.ok(err, "reserve the rest")
	for range 2 {
		released, err := svc.Release(s.ctx(), "other")
		s.ok(err, "release")
		s.equal(released.State, product.Released, "state")
		s.counts(svc, a, 6, 0, "released")
	}
	_, err = svc.Commit(s.ctx(), "other")
	s.fails(err, product.ErrReservationReleased, "commit what is released")
	_, _, err = svc.Reserve(s.ctx(), "other", []product.ReservationItem{item("A", 6)}, 0)
	s.fails(err, product.ErrReservationReleased, "reserve again what is released")

	for _, call := range []func(context.Context, string) (product.Reservation, error){svc.Commit, svc.Release, svc.Reservation} {
		_, err := call(s.ctx(), "none")
		s.fails(err, product.ErrReservationNotFound, "a key that nobody used")
	}
	s.tellsOfStock(a, "cart", "reserved: cart", "reserved: cart", "released: cart", "committed: cart", "reserved: other", "released: other")
}

// tellsOfStock wants the reasons of a stock's changes after the first, which is its creation's.
func (s *suite) tellsOfStock(p product.Product, what string, reasons ...string) {
	s.Helper()
	var got []string
	onHand, reserved, version := int64(0), int64(0), int64(0)
	for _, c := range s.changes(p.ID) {
		if c.Kind != product.ChangeStock {
			continue
		}
		version++
		s.equal(c.Version, version, "versions without a gap")
		for _, f := range c.Fields {
			count := map[string]*int64{"on_hand": &onHand, "reserved": &reserved}[f.Field]
			s.equal(string(f.Before), fmt.Sprint(*count), "%s before %+v", f.Field, c)
			_, err := fmt.Sscan(string(f.After), count)
			s.ok(err, "%s of %+v", f.Field, c)
		}
		got = append(got, c.Reason)
	}
	s.equal(got[1:], reasons, "history of %s: %s", p.SKU, what)
	stock := s.stockOf(p.ID)
	s.equal([3]int64{stock.OnHand, stock.Reserved, stock.Version}, [3]int64{onHand, reserved, version}, "the stock that the history comes to")
}

func (s *suite) shortReservations() {
	a, b, c := s.createWithStock("A", 10), s.createWithStock("B", 3), s.createWithStock("C", 1)
	_, _, err := s.Reserve(s.ctx(), "cart", items(map[string]int64{"A": 4, "B": 4, "C": 2}), 0)
	var short *product.ShortageError
	if !errors.As(err, &short) || !errors.Is(err, product.ErrInsufficientStock) {
		s.Fatalf("too little stock: %v", err)
	}
	left := map[string]int64{}
	for _, e := range short.Short {
		left[e.SKU] = e.Wanted - e.Available
	}
	s.equal(left, map[string]int64{"B": 1, "C": 1}, "each product short")
	for p, onHand := range map[*product.Product]int64{&a: 10, &b: 3, &c: 1} {
		s.equal(s.stockOf(p.ID), product.Stock{ProductID: p.ID, OnHand: onHand, Version: 1}, "nothing is reserved")
	}
	_, err = s.Reservation(s.ctx(), "cart")
	s.fails(err, product.ErrReservationNotFound, "nothing is kept")
	_, _, err = s.Reserve(s.ctx(), "cart", items(map[string]int64{"B": 3}), 0)
	s.ok(err, "the key is free")

	s.invalid(func() error {
		_, _, err := s.Reserve(s.ctx(), "mixed", []product.ReservationItem{item("A", 1), item("NONE", 1), item("C", 5)}, 0)
		return err
	}, "items[1].sku unknown")
	s.invalid(func() error {
		_, _, err := s.Reserve(s.ctx(), "", []product.ReservationItem{item("A", 0), item("A", 1), item("", 1)}, -1)
		return err
	}, "key format", "items[0].quantity range", "items[1].sku duplicate", "items[2].sku required", "expiry range")
	s.invalid(func() error {
		_, _, err := s.Reserve(s.ctx(), "empty", nil, 0)
		return err
	}, "items required")

	d := draft("LATER")
	d.Backorder = true
	later := s.create(d)
	_, _, err = s.Reserve(s.ctx(), "later", items(map[string]int64{"LATER": 5}), 0)
	s.ok(err, "reserve what is on backorder")
	s.equal(s.stockOf(later.ID).Available(), int64(-5), "available")
	s.ok(s.Delete(s.ctx(), later.ID, product.Expect{}), "delete what is reserved")
	_, err = s.Commit(s.ctx(), "later")
	s.ok(err, "commit what was deleted")
	_, err = s.Restore(s.ctx(), later.ID, product.Expect{})
	s.ok(err, "restore")
	s.counts(s.Service, later, -5, 0, "committed while it was deleted")
}

// invalid wants exactly these faults, each as its field and code.
func (s *suite) invalid(call func() error, faults ...string) {
	s.Helper()
	var invalid *product.InvalidError
	err := call()
	if !errors.As(err, &invalid) {
		s.Fatalf("got %v, want the faults %q", err, faults)
	}
	var got []string
	for _, f := range invalid.Faults {
		got = append(got, f.Field+" "+f.Code)
	}
	s.equal(got, faults, "faults")
}

func (s *suite) expiry() {
	at := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	svc := s.clocked(at)
	a, b := s.createWithStock("A", 10), s.createWithStock("B", 10)
	reserve := func(key string, quantity int64, expiry time.Duration) {
		s.Helper()
		_, _, err := svc.Reserve(s.ctx(), key, items(map[string]int64{"A": quantity, "B": quantity}), expiry)
		s.ok(err, "reserve %s", key)
	}
	reserve("first", 4, time.Minute)
	reserve("second", 6, time.Hour)
	before := s.counts(svc, a, 10, 10, "all is reserved")
	at.Time = at.Add(time.Minute - time.Microsecond)
	_, err := svc.AdjustStock(s.ctx(), a.ID, -1, "", product.Expect{})
	s.fails(err, product.ErrInsufficientStock, "a moment too early")
	s.equal(s.inStock(svc), 0, "products in stock")

	at.Time = at.Add(time.Microsecond)
	read := s.counts(svc, a, 10, 6, "from that instant, though nobody has written")
	s.equal(read.Version, before.Version+1, "the version changes with what is read")
	s.equal(s.inStock(svc), 2, "products in stock")
	s.ok(svc.Export(s.ctx(), product.Query{}, func(r product.Row) error {
		s.equal([2]int64{r.Stock.Reserved, r.Stock.Version}, [2]int64{6, read.Version}, "exported %s", r.Product.SKU)
		return nil
	}), "export")
	gone, err := svc.Reservation(s.ctx(), "first")
	s.ok(err, "read what has expired")
	s.equal(gone.State, product.Expired, "state")
	_, err = svc.Commit(s.ctx(), "first")
	s.fails(err, product.ErrReservationExpired, "commit what has expired")
	_, _, err = svc.Reserve(s.ctx(), "first", items(map[string]int64{"A": 4, "B": 4}), 0)
	s.fails(err, product.ErrReservationExpired, "reserve again what has expired")
	gone, err = svc.Release(s.ctx(), "first")
	s.ok(err, "release what has expired")
	s.equal(gone.State, product.Expired, "state")

	sold, err := svc.AdjustStock(s.ctx(), a.ID, -4, "", product.IfVersion(read.Version))
	s.ok(err, "sell what has expired, at the version that was read")
	s.equal(sold, product.Stock{ProductID: a.ID, OnHand: 6, Reserved: 6, Version: read.Version + 1}, "stock after the sale")
	s.counts(svc, b, 10, 6, "nobody has touched it")
	reserve2 := func(key string, want error) {
		s.Helper()
		_, _, err := svc.Reserve(s.ctx(), key, items(map[string]int64{"B": 4}), time.Minute)
		s.mustBe(err, want)
	}
	reserve2("third", nil)
	reserve2("fourth", product.ErrInsufficientStock)

	at.Time = at.Add(2 * time.Hour)
	s.ok(svc.Prune(s.ctx()), "sweep")
	s.equal(s.stockOf(a.ID), product.Stock{ProductID: a.ID, OnHand: 6, Version: sold.Version + 1}, "swept")
	s.counts(svc, b, 10, 0, "swept")
	left, err := s.store.Expired(s.ctx(), at.Time, 10)
	s.ok(err, "look for more")
	s.equal(len(left), 0, "what is left to sweep")
	s.tellsOfStock(a, "expiry", "reserved: first", "reserved: second", "expired: first", "", "expired: second")
}

// expiryInOutcomes wants writes to the product itself to tell the stock as whoever reads it sees it,
// and as of their own moment when they are repeated.
func (s *suite) expiryInOutcomes() {
	at := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	svc := s.clocked(at)
	p := s.createWithStock("A", 10)
	for i, write := range []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := svc.Update(ctx, p.ID, product.Patch{Name: ptr("new")}, product.Expect{})
			return err
		},
		func(ctx context.Context) error {
			_, err := svc.Update(ctx, p.ID, product.Patch{}, product.Expect{})
			return err
		},
		func(ctx context.Context) error {
			_, _, err := svc.Upsert(ctx, draft("A"), product.Expect{})
			return err
		},
		func(ctx context.Context) error { return svc.Delete(ctx, p.ID, product.Expect{}) },
		func(ctx context.Context) error {
			_, err := svc.Restore(ctx, p.ID, product.Expect{})
			return err
		},
	} {
		var want product.Stock
		if i < 4 { // what is deleted cannot be reserved
			_, _, err := svc.Reserve(s.ctx(), fmt.Sprint("cart", i), items(map[string]int64{"A": 4}), time.Minute)
			s.ok(err, "reserve")
			at.Time = at.Add(time.Minute)
			want = s.counts(svc, p, 10, 0, "expired")
		}
		var first, again product.Outcome
		ctx := product.WithIdempotencyKey(s.ctx(), fmt.Sprint("write", i))
		s.ok(write(product.WithOutcome(ctx, &first)), "write %d", i)
		if i == 4 {
			want = s.counts(svc, p, 10, 0, "restored")
		}
		s.equal(first.Stock, want, "the stock of write %d", i)
		s.ok(write(product.WithOutcome(ctx, &again)), "repeat %d", i)
		first.Replayed = true
		s.equal(again, first, "write %d repeated", i)
	}
}

// inStock counts the products that can be sold.
func (s *suite) inStock(svc *product.Service) int {
	s.Helper()
	page, err := svc.List(s.ctx(), product.Query{InStock: ptr(true)})
	s.ok(err, "list what is in stock")
	return len(page.Items)
}

// racingReservations reserves and settles through two services, as two processes would, so that
// the same keys and the same products meet in one batch and in two.
func (s *suite) racingReservations() {
	other := NewService(s.T, s.store, nil)
	a, b := s.createWithStock("A", 60), s.createWithStock("B", 60)
	const rounds, callers = 10, 8
	for round := range rounds {
		key := fmt.Sprint("cart", round)
		s.crowd(callers, func(i int) {
			svc := []*product.Service{s.Service, other}[i%2]
			_, _, err := svc.Reserve(s.ctx(), key, items(map[string]int64{"A": 1, "B": 2}), 0)
			if !errors.Is(err, product.ErrReservationReleased) { // by somebody who was faster
				s.mustBe(err, nil)
			}
			_, _, err = svc.Reserve(s.ctx(), fmt.Sprint(key, "-", i), items(map[string]int64{"A": 60}), 0)
			s.mustBe(err, product.ErrInsufficientStock)
			if round%2 == 0 {
				_, err = svc.Commit(s.ctx(), key)
			} else {
				_, err = svc.Release(s.ctx(), key)
			}
			s.mustBe(err, nil)
		})
	}
	s.counts(s.Service, a, 60-rounds/2, 0, "each settled once")
	s.counts(s.Service, b, 60-rounds, 0, "each settled once")
	s.equal(s.stockOf(a.ID).Version, int64(1+2*rounds), "each recorded once")
}

func (s *suite) sellTwice() {
	s.ok(OversellTrial{Products: 4, Buyers: 8, Orders: 6, Expiry: 300 * time.Millisecond}.Run(s.ctx(), s.store), "trial")
}

// previewedReservations asks the store itself what reservations would come to.
func (s *suite) previewedReservations() {
	p := s.createWithStock("A", 3)
	at := time.Now().UTC().Truncate(time.Microsecond)
	write := func(op product.Op, key byte, quantity int64) product.Write {
		return product.Write{Op: op, At: at, Reservation: &product.Reservation{
			ID: product.ReservationID{key}, Key: "k", State: product.Held, CreatedAt: at, ExpiresAt: at.Add(time.Hour),
			Items: []product.ReservationItem{{SKU: "A", Quantity: quantity}},
		}}
	}
	writes := []product.Write{
		write(product.OpReserve, 1, 2), write(product.OpReserve, 2, 2), write(product.OpCommit, 1, 2),
		write(product.OpReserve, 2, 1), write(product.OpRelease, 2, 1),
	}
	check := func(outcomes []product.Outcome, err error) {
		s.Helper()
		s.ok(err, "decide")
		s.ok(outcomes[0].Err, "reserve")
		s.fails(outcomes[1].Err, product.ErrInsufficientStock, "reserve too much")
		s.equal(outcomes[2].Reservation.State, product.Committed, "commit in the same batch")
		s.ok(outcomes[3].Err, "the key is free")
		s.equal(outcomes[4].Reservation.State, product.Released, "release in the same batch")
	}
	outcomes, err := s.store.Preview(s.ctx(), product.Batch{Writes: writes})
	check(outcomes, err)
	s.counts(s.Service, p, 3, 0, "a preview changes nothing")
	outcomes, err = s.store.Apply(s.ctx(), product.Batch{Writes: writes})
	check(outcomes, err)
	s.counts(s.Service, p, 1, 0, "one is committed and one released")
	outcomes, err = s.store.Preview(s.ctx(), product.Batch{Writes: writes[2:3]})
	s.ok(err, "preview what is there")
	s.equal(outcomes[0].Reservation.State, product.Committed, "committed before")
}
