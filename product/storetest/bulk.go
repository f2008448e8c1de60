package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

func matches(err error, sentinels ...error) bool {
	return slices.ContainsFunc(sentinels, func(s error) bool { return errors.Is(err, s) })
}

func (s *suite) mergeTwice() {
	entries := make([]product.Entry, product.MaxMerge)
	for i := range entries {
		d := draft(fmt.Sprintf("M-%04d", i))
		d.Stock, d.Tags = ptr(int64(i)), []string{"new", fmt.Sprint(i)}
		entries[i] = product.Entry{Draft: d, Patch: product.Patch{Name: &d.Name}}
	}
	entries[7].Draft.Price.Amount = -1
	entries[8].Draft.SKU = "M-0000" // twice in one file: the later one finds the former

	count := func(want map[product.Result]int) {
		s.Helper()
		outcomes, err := s.Merge(s.ctx(), entries)
		s.ok(err, "merge")
		got := map[product.Result]int{}
		for i, o := range outcomes {
			if i == 7 {
				s.fails(o.Err, product.ErrInvalid, "entry 7")
				continue
			}
			s.ok(o.Err, "entry %d", i)
			got[o.Result]++
		}
		s.equal(got, want, "results")
	}
	entries[8].Patch, entries[8].Draft.Stock = product.Patch{}, nil
	count(map[product.Result]int{product.Created: len(entries) - 2, product.Unchanged: 1})
	count(map[product.Result]int{product.Unchanged: len(entries) - 1})

	entries[1].Patch.Name, entries[2].Draft.Stock = ptr("new name"), ptr(int64(77))
	count(map[product.Result]int{product.Unchanged: len(entries) - 3, product.Updated: 2})
	p, err := s.GetBySKU(s.ctx(), "M-0002")
	s.ok(err, "get")
	s.equal(p.Version, int64(1), "version of a product whose stock alone changed")
	s.equal(s.stockOf(p.ID).OnHand, int64(77), "stock")
}

// write returns a create as the Service would make it.
func write(sku string) product.Write {
	d := draft(sku)
	d.Status = product.StatusDraft
	id, err := uuid.NewV7()
	if err != nil {
		panic(err)
	}
	return product.Write{Op: product.OpCreate, ID: id, Draft: &d, At: time.Now().UTC().Truncate(time.Microsecond)}
}

func (s *suite) apply(writes ...product.Write) []product.Outcome {
	s.Helper()
	outcomes, err := s.store.Apply(s.ctx(), product.Batch{Writes: writes})
	s.ok(err, "apply")
	s.equal(len(outcomes), len(writes), "outcomes")
	return outcomes
}

func (s *suite) batch() {
	a, b := write("A"), write("B")
	rename := product.Write{Op: product.OpUpdate, ID: b.ID, Patch: &product.Patch{SKU: ptr("C")}, At: a.At}
	remove := product.Write{Op: product.OpDelete, ID: a.ID, At: a.At}
	missing := product.Write{Op: product.OpDelete, ID: uuid.New(), At: a.At}
	again := write("A")
	take := product.Write{Op: product.OpAdjustStock, ID: b.ID, Delta: -1, At: a.At}
	outcomes := s.apply(a, write("A"), b, rename, write("B"), missing, remove, again, take)

	for i, sentinel := range map[int]error{1: product.ErrTaken, 5: product.ErrNotFound, 8: product.ErrInsufficientStock} {
		s.fails(outcomes[i].Err, sentinel, "write %d", i)
	}
	for _, i := range []int{0, 2, 3, 4, 6, 7} {
		s.ok(outcomes[i].Err, "write %d", i)
	}
	s.equal(outcomes[3].Product.Version, int64(2), "version of one created and renamed in a batch")
	for sku, id := range map[string]uuid.UUID{"A": again.ID, "C": b.ID} {
		p, err := s.GetBySKU(s.ctx(), sku)
		s.ok(err, "get %s", sku)
		s.equal(p.ID, id, "ID of %s", sku)
	}
	s.equal(len(s.changes(a.ID)), 2, "records of one created and deleted in a batch")

	outcomes = s.apply()
	s.equal(len(outcomes), 0, "outcomes of nothing")
	_, err := s.store.Apply(s.ctx(), product.Batch{Writes: []product.Write{write("D")}, NoWait: true})
	s.ok(err, "without waiting")
}

func (s *suite) swapSKUs() {
	one, two := s.create(draft("1")), s.create(draft("2"))
	to := func(id uuid.UUID, sku string) product.Write {
		return product.Write{Op: product.OpUpdate, ID: id, Patch: &product.Patch{SKU: &sku}, At: one.CreatedAt}
	}
	for i, o := range s.apply(to(one.ID, "3"), to(two.ID, "1"), to(one.ID, "2")) {
		s.ok(o.Err, "write %d", i)
	}
	s.equal([]string{s.get(one.ID).SKU, s.get(two.ID).SKU}, []string{"2", "1"}, "SKUs")
}

func (s *suite) cancelled() {
	ctx, cancel := context.WithCancel(s.ctx())
	cancel()
	if _, err := s.store.Apply(ctx, product.Batch{Writes: []product.Write{write("X")}}); err == nil {
		s.Fatal("a cancelled batch was applied")
	}
	_, err := s.GetBySKU(s.ctx(), "X")
	s.fails(err, product.ErrNotFound, "get")
}

// services has several Services, as on several instances, work on one store.
func (s *suite) services() {
	const instances = 3
	trial := InvariantsTrial{Writes: 20}
	s.crowd(instances, func(i int) {
		if err := trial.Write(s.ctx(), s.store, i); err != nil {
			s.Errorf("instance %d: %v", i, err)
		}
	})
	s.ok(trial.Check(s.ctx(), s.store), "check")
}
