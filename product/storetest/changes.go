package storetest

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

func (s *suite) patch() {
	before := s.create(full("P"))
	after, err := s.Update(s.ctx(), before.ID, product.Patch{
		Name:       ptr("New"),
		Price:      &product.MoneyPatch{Amount: ptr(int64(5))},
		CompareAt:  &product.MoneyPatch{Clear: true},
		Options:    &product.OptionsPatch{Set: map[string]*string{"Size": nil, "Fit": ptr("slim")}},
		Tags:       &[]string{"new"},
		Vendor:     ptr(""),
		Attributes: &product.AttributesPatch{Merge: json.RawMessage(`{"b":{"z":null,"y":1},"n":null}`)},
	}, product.Expect{})
	s.ok(err, "patch")
	want := before
	want.Name, want.Price.Amount, want.CompareAt, want.Vendor = "New", 5, nil, ""
	want.Options = map[string]string{"Farbe": "rot", `q"`: `\`, "Fit": "slim"}
	want.Tags = []string{"new"}
	want.Attributes = json.RawMessage(`{"a":1.10,"b":{"y":1}}`)
	want.Version, want.UpdatedAt = 2, after.UpdatedAt
	s.equal(after, want, "patched")
	s.equal(s.get(before.ID), want, "read again")
	if after.UpdatedAt.Before(before.UpdatedAt) {
		s.Fatalf("updated_at went back from %v to %v", before.UpdatedAt, after.UpdatedAt)
	}

	_, err = s.Update(s.ctx(), before.ID, product.Patch{Name: ptr(""), Price: &product.MoneyPatch{Amount: ptr(int64(-1))}}, product.Expect{})
	s.fails(err, product.ErrInvalid, "a wrong patch")
	s.equal(s.get(before.ID), want, "after a wrong patch")
	_, err = s.Update(s.ctx(), uuid.New(), product.Patch{Name: ptr("x")}, product.Expect{})
	s.fails(err, product.ErrNotFound, "an unknown product")
}

func (s *suite) unchanged() {
	p := s.create(full("P"))
	same, err := s.Update(s.ctx(), p.ID, product.Patch{Name: &p.Name, Tags: &p.Tags, Attributes: &product.AttributesPatch{Merge: json.RawMessage(`{"a": 1.10}`)}}, product.Expect{})
	s.ok(err, "patch")
	s.equal(same, p, "patched with what is there")
	again, result, err := s.Upsert(s.ctx(), full("P"), product.Expect{})
	s.ok(err, "upsert")
	s.equal(result, product.Unchanged, "result")
	s.equal(again, p, "replaced by itself")
	stock, err := s.AdjustStock(s.ctx(), p.ID, 0, "", product.Expect{})
	s.ok(err, "stock")
	s.equal(stock.Version, int64(1), "stock version")
	s.equal(len(s.changes(p.ID)), 1, "records")
}

func (s *suite) preconditions() {
	p := s.create(draft("P"))
	name := func(n string, e product.Expect) error {
		_, err := s.Update(s.ctx(), p.ID, product.Patch{Name: ptr(n)}, e)
		return err
	}
	s.ok(name("2", product.IfVersion(1)), "the present version")
	s.fails(name("x", product.IfVersion(1)), product.ErrPreconditionFailed, "a stale version")
	s.ok(name("3", product.Expect{Exists: true}), "exists")
	s.fails(name("x", product.Expect{Absent: true}), product.ErrPreconditionFailed, "absent")
	s.fails(name("x", product.Expect{Match: []product.Revision{}}), product.ErrPreconditionFailed, "an empty list")
	s.fails(name("x", product.Expect{Match: []product.Revision{{ID: uuid.New(), Version: 3}}}), product.ErrPreconditionFailed, "another product's")
	s.ok(name("4", product.Expect{Match: []product.Revision{{ID: p.ID, Version: 9}, {ID: p.ID, Version: 3}}}), "one of a list")
	s.fails(name("x", product.Expect{NoneMatch: []product.Revision{{ID: p.ID, Version: 4}}}), product.ErrPreconditionFailed, "none of a list")
	s.fails(s.Delete(s.ctx(), p.ID, product.IfVersion(3)), product.ErrPreconditionFailed, "delete")
	s.equal(s.get(p.ID).Version, int64(4), "version")

	_, _, err := s.Upsert(s.ctx(), draft("new"), product.Expect{Exists: true})
	s.fails(err, product.ErrPreconditionFailed, "replace only")
	_, _, err = s.Upsert(s.ctx(), draft("P"), product.Expect{Absent: true})
	s.fails(err, product.ErrPreconditionFailed, "create only")
	_, err = s.SetStock(s.ctx(), p.ID, 5, product.IfVersion(2))
	s.fails(err, product.ErrPreconditionFailed, "stock")
	_, err = s.SetStock(s.ctx(), p.ID, 5, product.IfVersion(1))
	s.ok(err, "stock")
	_, err = s.Update(s.ctx(), uuid.New(), product.Patch{}, product.IfVersion(1))
	s.fails(err, product.ErrNotFound, "an unknown product")

	_, err = s.Update(s.ctx(), p.ID, product.Patch{Assert: product.Assert{Version: ptr(int64(9)), OnHand: ptr(int64(4))}}, product.Expect{})
	s.fails(err, product.ErrInvalid, "a read-only member")
	_, err = s.Update(s.ctx(), p.ID, product.Patch{Assert: product.Assert{ID: &p.ID, Version: ptr(int64(4)), OnHand: ptr(int64(5))}}, product.Expect{})
	s.ok(err, "read-only members as they are")
}

func (s *suite) lostUpdate() {
	p := s.create(draft("P"))
	const writers = 20
	var wins, losses atomic.Int64
	s.crowd(writers, func(int) {
		_, err := s.Update(s.ctx(), p.ID, product.Patch{Description: ptr(uuid.NewString())}, product.IfVersion(1))
		switch {
		case err == nil:
			wins.Add(1)
		default:
			s.mustBe(err, product.ErrPreconditionFailed)
			losses.Add(1)
		}
	})
	s.equal([]int64{wins.Load(), losses.Load()}, []int64{1, writers - 1}, "wins and losses")
	s.equal(s.get(p.ID).Version, int64(2), "version")
}

func (s *suite) upsert() {
	created, result, err := s.Upsert(s.ctx(), full("U"), product.Expect{})
	s.ok(err, "upsert")
	s.equal(result, product.Created, "result")

	d := draft("U")
	replaced, result, err := s.Upsert(s.ctx(), d, product.IfVersion(1))
	s.ok(err, "upsert")
	s.equal(result, product.Updated, "result")
	want := d.Product
	want.Status, want.ID, want.Version = product.StatusDraft, created.ID, 2
	want.CreatedAt, want.UpdatedAt = created.CreatedAt, replaced.UpdatedAt
	s.equal(replaced, want, "replaced")
	s.equal(s.get(created.ID), want, "read again")

	d.ID, d.Version, d.Stock = created.ID, 1, ptr(int64(7))
	_, _, err = s.Upsert(s.ctx(), d, product.Expect{})
	s.fails(err, product.ErrInvalid, "read-only members that differ")
	d = draft("V")
	d.ID = uuid.New()
	_, _, err = s.Upsert(s.ctx(), d, product.Expect{})
	s.fails(err, product.ErrInvalid, "an ID for a new product")
}

func (s *suite) deleteRestore() {
	p := s.createWithStock("P", 3)
	s.ok(s.Delete(s.ctx(), p.ID, product.IfVersion(1)), "delete")
	_, err := s.Get(s.ctx(), p.ID)
	s.fails(err, product.ErrNotFound, "get")
	_, err = s.GetBySKU(s.ctx(), "P")
	s.fails(err, product.ErrNotFound, "get by SKU")
	_, err = s.Stock(s.ctx(), p.ID)
	s.fails(err, product.ErrNotFound, "stock")
	_, err = s.AdjustStock(s.ctx(), p.ID, 1, "", product.Expect{})
	s.fails(err, product.ErrNotFound, "adjust")
	s.fails(s.Delete(s.ctx(), p.ID, product.Expect{}), product.ErrNotFound, "delete again")

	deleted, err := s.List(s.ctx(), product.Query{Deleted: true})
	s.ok(err, "list")
	s.equal(len(deleted.Items), 1, "deleted products")
	s.equal(deleted.Items[0].Version, int64(2), "version")
	if !deleted.Items[0].Deleted() {
		s.Fatal("a deleted product without deleted_at")
	}

	one, err := s.GetDeleted(s.ctx(), p.ID)
	s.ok(err, "get the deleted")
	s.equal(one, deleted.Items[0], "the deleted product")

	second := s.create(draft("P"))
	_, err = s.GetDeleted(s.ctx(), second.ID)
	s.fails(err, product.ErrNotFound, "get a live product as a deleted one")
	_, err = s.Restore(s.ctx(), p.ID, product.Expect{})
	s.fails(err, product.ErrTaken, "restore while the SKU is taken")
	s.ok(s.Delete(s.ctx(), second.ID, product.Expect{}), "delete the second")
	restored, err := s.Restore(s.ctx(), p.ID, product.IfVersion(2))
	s.ok(err, "restore")
	p.Version, p.UpdatedAt = 3, restored.UpdatedAt
	s.equal(restored, p, "restored")
	s.equal(s.get(p.ID), p, "read again")
	s.equal(s.stockOf(p.ID).OnHand, int64(3), "stock")
	again, err := s.Restore(s.ctx(), p.ID, product.Expect{})
	s.ok(err, "restore a live product")
	s.equal(again, p, "restored again")
	_, err = s.Restore(s.ctx(), uuid.New(), product.Expect{})
	s.fails(err, product.ErrNotFound, "restore the unknown")
}

func (s *suite) stock() {
	p := s.createWithStock("P", 5)
	stock, err := s.AdjustStock(s.ctx(), p.ID, -3, "order 17", product.Expect{})
	s.ok(err, "take")
	s.equal(stock, product.Stock{ProductID: p.ID, OnHand: 2, Version: 2}, "stock")
	_, err = s.AdjustStock(s.ctx(), p.ID, -3, "order 18", product.Expect{})
	s.fails(err, product.ErrInsufficientStock, "take too much")
	stock, err = s.SetStock(s.ctx(), p.ID, 40, product.IfVersion(2))
	s.ok(err, "set")
	s.equal(stock, product.Stock{ProductID: p.ID, OnHand: 40, Version: 3}, "stock")
	s.equal(s.stockOf(p.ID), stock, "read again")
	s.equal(s.get(p.ID), p, "the product")

	_, err = s.Update(s.ctx(), p.ID, product.Patch{Backorder: ptr(true)}, product.Expect{})
	s.ok(err, "allow backorder")
	stock, err = s.AdjustStock(s.ctx(), p.ID, -50, "", product.Expect{})
	s.ok(err, "take more than there is")
	s.equal(stock.Available(), int64(-10), "available")
	_, err = s.SetStock(s.ctx(), p.ID, -1, product.Expect{})
	s.fails(err, product.ErrInvalid, "a negative count")
	_, err = s.Update(s.ctx(), p.ID, product.Patch{Backorder: ptr(false)}, product.Expect{})
	s.ok(err, "forbid backorder")
	stock, err = s.AdjustStock(s.ctx(), p.ID, 4, "", product.Expect{})
	s.ok(err, "a delivery that does not suffice")
	s.equal(stock.OnHand, int64(-6), "on hand")

	stocks, err := s.Stocks(s.ctx(), []uuid.UUID{p.ID, uuid.New(), p.ID})
	s.ok(err, "stocks")
	s.equal(stocks, map[uuid.UUID]product.Stock{p.ID: stock}, "stocks")
}

func (s *suite) oversell() {
	const buyers, pieces = 200, 100
	p := s.createWithStock("P", pieces)
	before := len(s.changes(p.ID))
	var sold atomic.Int64
	s.crowd(buyers, func(int) {
		_, err := s.AdjustStock(s.ctx(), p.ID, -1, "sold", product.Expect{})
		if err == nil {
			sold.Add(1)
			return
		}
		s.mustBe(err, product.ErrInsufficientStock)
	})
	s.equal(sold.Load(), int64(pieces), "sold")
	s.equal(s.stockOf(p.ID).OnHand, int64(0), "left")
	changes := s.changes(p.ID)[before:]
	s.equal(len(changes), pieces, "records")
	for i, change := range changes {
		s.equal(change.Version, int64(i+2), "version of record %d", i)
		s.equal(change.Reason, "sold", "reason")
	}
	s.equal(s.get(p.ID), p, "the product")
}

func (s *suite) history() {
	ctx := product.WithActor(s.ctx(), "ann")
	d := draft("P")
	d.Stock = ptr(int64(2))
	p, err := s.Service.Create(ctx, d)
	s.ok(err, "create")
	_, err = s.Update(ctx, p.ID, product.Patch{Name: ptr("B"), Vendor: ptr("V")}, product.Expect{})
	s.ok(err, "update")
	_, err = s.AdjustStock(product.WithActor(ctx, "bob"), p.ID, -1, "order 1", product.Expect{})
	s.ok(err, "adjust")
	s.ok(s.Delete(s.ctx(), p.ID, product.Expect{}), "delete")
	_, err = s.Restore(s.ctx(), p.ID, product.Expect{})
	s.ok(err, "restore")

	field := func(name, before, after string) product.FieldChange {
		c := product.FieldChange{Field: name}
		if before != "" {
			c.Before = json.RawMessage(before)
		}
		if after != "" {
			c.After = json.RawMessage(after)
		}
		return c
	}
	want := []product.Change{
		{Kind: product.ChangeCreated, Version: 1, Actor: "ann"},
		{Kind: product.ChangeUpdated, Version: 2, Actor: "ann", Fields: []product.FieldChange{
			field("name", `"Name of P"`, `"B"`), field("vendor", "", `"V"`)}},
		{Kind: product.ChangeDeleted, Version: 3},
		{Kind: product.ChangeRestored, Version: 4},
		{Kind: product.ChangeStock, Version: 1, Actor: "ann", Fields: []product.FieldChange{field("on_hand", "0", "2")}},
		{Kind: product.ChangeStock, Version: 2, Actor: "bob", Reason: "order 1", Fields: []product.FieldChange{field("on_hand", "2", "1")}},
	}
	got := s.changes(p.ID)
	for i := range got {
		if got[i].ID == uuid.Nil || got[i].ProductID != p.ID || time.Since(got[i].At) > time.Hour {
			s.Fatalf("record %+v has a wrong ID, product or time", got[i])
		}
		s.equal(got[i].SKU, "P", "SKU")
		got[i].ID, got[i].ProductID, got[i].SKU, got[i].At = uuid.Nil, uuid.Nil, "", time.Time{}
	}
	s.equal(got, want, "history")

	_, err = s.History(s.ctx(), uuid.New(), product.HistoryQuery{})
	s.fails(err, product.ErrNotFound, "history of an unknown product")
	_, err = s.History(s.ctx(), p.ID, product.HistoryQuery{Limit: -1})
	s.fails(err, product.ErrInvalid, "a wrong limit")
}

// changes returns the whole history of a product, and checks that pages of any size make up the
// same.
func (s *suite) changes(id uuid.UUID) []product.Change {
	s.Helper()
	var all []product.Change
	for _, limit := range []int{1, 3, product.MaxLimit} {
		var changes []product.Change
		for q := (product.HistoryQuery{Limit: limit}); ; {
			page, err := s.History(s.ctx(), id, q)
			s.ok(err, "history of %s", id)
			if len(page.Changes) > limit {
				s.Fatalf("a page of %d has %d changes", limit, len(page.Changes))
			}
			changes = append(changes, page.Changes...)
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
			_, err = s.History(s.ctx(), uuid.New(), q)
			s.fails(err, product.ErrBadCursor, "another product's cursor")
		}
		if all != nil {
			s.equal(changes, all, "history in pages of %d", limit)
		}
		all = changes
	}
	return all
}

// crowd runs f from n goroutines at once and waits for them all.
func (s *suite) crowd(n int, f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}

// mustBe is fails for goroutines other than the test's.
func (s *suite) mustBe(err, sentinel error) {
	s.Helper()
	if !matches(err, sentinel) {
		s.Errorf("got %v, want %v", err, sentinel)
	}
}
