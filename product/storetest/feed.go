package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/productkit-go/productkit/product"
)

// all reads the feed after a position to its present end.
func (s *suite) all(after product.Seq, limit int) []product.Change {
	s.Helper()
	var all []product.Change
	for {
		page, err := s.Service.Changes(s.ctx(), after, limit)
		s.ok(err, "changes after %d", after)
		if len(page) == 0 {
			return all
		}
		if len(page) > limit {
			s.Fatalf("%d changes on a page of %d", len(page), limit)
		}
		all = append(all, page...)
		after = page[len(page)-1].Seq
	}
}

func (s *suite) feed() {
	s.equal(len(s.all(0, 10)), 0, "changes of an empty catalogue")
	a := s.createWithStock("A", 5)
	b := s.create(draft("B"))
	_, err := s.AdjustStock(s.ctx(), a.ID, -1, "order 1", product.Expect{})
	s.ok(err, "adjust")
	_, err = s.Update(s.ctx(), a.ID, product.Patch{SKU: ptr("A2")}, product.Expect{})
	s.ok(err, "update")
	s.equal(len(s.all(0, 10)), 5, "changes")
	s.ok(s.Delete(s.ctx(), b.ID, product.Expect{}), "delete")
	_, err = s.Restore(s.ctx(), b.ID, product.Expect{})
	s.ok(err, "restore")
	s.create(full("C"))

	type entry struct {
		seq     product.Seq
		sku     string
		kind    product.ChangeKind
		version int64
	}
	want := []entry{
		{1, "A", product.ChangeCreated, 1}, {2, "A", product.ChangeStock, 1}, {3, "B", product.ChangeCreated, 1},
		{4, "A", product.ChangeStock, 2}, {5, "A2", product.ChangeUpdated, 2}, {6, "B", product.ChangeDeleted, 2},
		{7, "B", product.ChangeRestored, 3}, {8, "C", product.ChangeCreated, 1},
	}
	for _, limit := range []int{1, 3, 8, product.MaxChanges} {
		for after := range want {
			var got []entry
			for _, c := range s.all(product.Seq(after), limit) {
				got = append(got, entry{c.Seq, c.SKU, c.Kind, c.Version})
			}
			s.equal(got, want[after:], "changes after %d, %d at a time", after, limit)
		}
	}
	byProduct := slices.DeleteFunc(s.all(0, 10), func(c product.Change) bool { return c.ProductID != a.ID })
	slices.SortStableFunc(byProduct, func(x, y product.Change) int { return len(x.Kind) - len(y.Kind) })
	history := s.changes(a.ID)
	slices.SortStableFunc(history, func(x, y product.Change) int { return len(x.Kind) - len(y.Kind) })
	s.equal(byProduct, history, "the feed and the history of one product")

	for _, after := range []product.Seq{9, -1} {
		_, err = s.Service.Changes(s.ctx(), after, 1)
		s.fails(err, product.ErrInvalid, "changes after %d", after)
	}
	_, err = s.Service.Changes(s.ctx(), 0, -1)
	s.fails(err, product.ErrInvalid, "a negative limit")
}

func (s *suite) feedUnderWrites() {
	trial := FeedTrial{Store: s.store, Writers: 4, Writes: 15, Followers: 2}
	s.ok(trial.Run(s.ctx()), "trial")
}

func (s *suite) pruning() {
	const old, steps = 3, 700
	now := time.Now()
	svc := NewService(s.T, s.store, &product.Options{Now: func() time.Time { return now }, KeepChanges: time.Hour})
	d := draft("P")
	d.Stock = ptr(int64(1))
	p, err := svc.Create(s.ctx(), d)
	s.ok(err, "create")
	adjust := make([]product.Write, steps)
	for i := range adjust {
		adjust[i] = product.Write{Op: product.OpAdjustStock, ID: p.ID, Delta: 1, At: now.UTC().Truncate(time.Microsecond)}
	}
	s.apply(adjust...)
	_, err = svc.Update(s.ctx(), p.ID, product.Patch{Name: ptr("2")}, product.Expect{})
	s.ok(err, "update")
	before := s.all(0, product.MaxChanges)
	s.equal(len(before), 2+steps+1, "changes")
	end := before[len(before)-1].Seq

	s.ok(svc.Prune(s.ctx()), "prune while all is young")
	s.equal(s.all(0, product.MaxChanges), before, "changes after pruning nothing")

	now = now.Add(time.Hour)
	_, err = svc.AdjustStock(s.ctx(), p.ID, 1, "young", product.Expect{})
	s.ok(err, "adjust")
	now = now.Add(time.Minute)
	s.equal(len(s.all(end, 10)), 1, "young changes")
	forever := NewService(s.T, s.store, &product.Options{Now: func() time.Time { return now }, KeepChanges: -1})
	s.ok(forever.Prune(s.ctx()), "prune what is kept for ever")
	s.equal(len(s.all(0, product.MaxChanges)), len(before)+1, "changes that are kept for ever")
	s.ok(svc.Prune(s.ctx()), "prune")

	_, err = s.Service.Changes(s.ctx(), end-1, 10)
	s.fails(err, product.ErrChangesExpired, "changes after a position that has expired")
	var expired *product.ChangesExpiredError
	if !errors.As(err, &expired) {
		s.Fatalf("got %T", err)
	}
	s.equal(*expired, product.ChangesExpiredError{After: end - 1, Oldest: end, Newest: end + 1}, "positions")
	for _, err := range s.Follow(s.ctx(), 0) {
		s.fails(err, product.ErrChangesExpired, "follow from a position that has expired")
	}
	young := s.all(expired.Oldest, 10)
	s.equal(len(young), 1, "young changes")
	s.equal(young[0].Reason, "young", "reason")
	var kinds []product.ChangeKind
	for _, c := range s.changes(p.ID) {
		kinds = append(kinds, c.Kind)
	}
	s.equal(kinds, []product.ChangeKind{product.ChangeCreated, product.ChangeUpdated, product.ChangeStock}, "history")
	s.ok(svc.Prune(s.ctx()), "prune again")
	s.equal(len(s.all(end, 10)), 1, "changes after pruning again")
}
