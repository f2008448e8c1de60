package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

func (s *suite) batchInOrder() {
	old := s.createWithStock("OLD", 3)
	lead := product.BySKU("NEW")
	outcomes, err := s.Batch(s.ctx(), []product.Operation{
		product.Create{Draft: draft("NEW")},
		product.Update{Key: lead, Patch: product.Patch{Name: ptr("renamed")}, Expect: product.IfVersion(1)},
		product.SetStock{Key: lead, OnHand: 5},
		product.AdjustStock{Key: lead, Delta: -6},
		product.AdjustStock{Key: lead, Delta: -5, Reason: "order 1"},
		product.Create{Draft: product.Draft{}},
		product.Delete{Key: product.ByID(old.ID)},
		product.Create{Draft: draft("OLD")}, // free since the one before
		product.Restore{ID: old.ID},
		product.Upsert{Draft: draft("OLD"), Expect: product.Expect{Absent: true}},
		product.Update{Key: product.BySKU("NOBODY")},
	})
	s.ok(err, "batch")
	results := []product.Result{0: product.Created, 1: product.Updated, 2: product.Updated, 4: product.Updated, 6: product.Deleted, 7: product.Created, 10: 0}
	for i, sentinel := range []error{
		3: product.ErrInsufficientStock, 5: product.ErrInvalid, 8: product.ErrTaken, 9: product.ErrPreconditionFailed, 10: product.ErrNotFound,
	} {
		if sentinel != nil {
			s.fails(outcomes[i].Err, sentinel, "operation %d", i)
			continue
		}
		s.ok(outcomes[i].Err, "operation %d", i)
		s.equal(outcomes[i].Result, results[i], "result %d", i)
	}
	s.equal(outcomes[4].Stock.OnHand, int64(0), "on hand")
	s.equal(s.get(outcomes[0].Product.ID).Name, "renamed", "name")

	_, err = s.Batch(s.ctx(), make([]product.Operation, product.MaxBatch+1))
	s.fails(err, product.ErrInvalid, "a batch that is too long")
}

// batchLongerThanATransaction writes a batch that is longer than a transaction while others write too: every
// operation depends on the one before.
func (s *suite) batchLongerThanATransaction() {
	svc := NewService(s.T, s.store, &product.Options{WriteBatchSize: 7})
	s.crowd(4, func(i int) {
		sku := fmt.Sprint("C", i)
		ops := []product.Operation{product.Create{Draft: draft(sku)}}
		for n := range 40 {
			ops = append(ops, product.Update{Key: product.BySKU(sku), Patch: product.Patch{Vendor: ptr(fmt.Sprint(n))}, Expect: product.IfVersion(int64(n + 1))})
		}
		outcomes, err := svc.Batch(s.ctx(), ops)
		s.mustBe(err, nil)
		for _, o := range outcomes {
			s.mustBe(o.Err, nil)
		}
	})
}

func (s *suite) atomicBatch() {
	p := s.createWithStock("P", 3)
	key := product.ByID(p.ID)
	ops := []product.Operation{
		product.Create{Draft: draft("A")},
		product.Update{Key: key, Patch: product.Patch{SKU: ptr("Q"), Tags: &[]string{"new"}}},
		product.AdjustStock{Key: key, Delta: -4},
		product.Create{Draft: draft("P")},
		product.Create{Draft: draft("A")},
	}
	feed := s.feedLength()
	keyed := func(key string) context.Context { return product.WithIdempotencyKey(s.ctx(), key) }
	ctx := keyed("k")
	outcomes, err := s.AtomicBatch(ctx, ops)
	s.fails(err, product.ErrInsufficientStock, "the first that fails")
	s.fails(outcomes[4].Err, product.ErrTaken, "the second that fails")
	for _, i := range []int{0, 1, 3} {
		var rest *product.NotAppliedError
		if !errors.As(outcomes[i].Err, &rest) || rest.By != 2 {
			s.Fatalf("operation %d: %v", i, outcomes[i].Err)
		}
		s.equal(outcomes[i].Product.SKU, "", "product of operation %d", i)
	}
	_, err = s.GetBySKU(s.ctx(), "A")
	s.fails(err, product.ErrNotFound, "a product of a batch that failed")
	s.equal(s.get(p.ID), p, "a product that the batch would have changed")
	s.equal(s.stockOf(p.ID).OnHand, int64(3), "stock")
	s.equal(s.feedLength(), feed, "feed")
	s.equal(len(s.changes(p.ID)), 2, "history")

	ops[2] = product.AdjustStock{Key: key, Delta: -3}
	ops[4] = product.Create{Draft: product.Draft{}}
	outcomes, err = s.AtomicBatch(ctx, ops)
	s.fails(err, product.ErrInvalid, "one that breaks a rule by itself")
	s.fails(outcomes[0].Err, product.ErrNotApplied, "and the others")

	ops[4] = product.Delete{Key: product.BySKU("A")}
	outcomes, err = s.AtomicBatch(ctx, ops)
	s.ok(err, "a refusal is not recorded")
	s.equal(product.Replayed(ctx), false, "replayed")
	s.equal([]string{outcomes[1].Product.SKU, outcomes[3].Product.SKU}, []string{"Q", "P"}, "SKUs")
	s.equal(outcomes[2].Stock.OnHand, int64(0), "on hand")
	again, err := s.AtomicBatch(ctx, ops)
	s.ok(err, "again")
	s.equal(product.Replayed(ctx), true, "replayed")
	s.equal(again[3].Product, outcomes[3].Product, "the product as of then")
	s.equal(len(s.changes(p.ID)), 4, "history")

	outcomes, err = s.AtomicBatch(s.ctx(), nil)
	s.ok(err, "nothing at all")
	s.equal(len(outcomes), 0, "outcomes of nothing")
}

// feedLength returns where the feed ends.
func (s *suite) feedLength() product.Seq {
	s.Helper()
	var end product.Seq
	for {
		page, err := s.Changes(s.ctx(), end, product.MaxLimit)
		s.ok(err, "changes")
		if len(page) == 0 {
			return end
		}
		end = page[len(page)-1].Seq
	}
}

// previewedBatch has the store itself say what an atomic batch would come to.
func (s *suite) previewedBatch() {
	s.create(draft("A"))
	writes := []product.Write{write("B"), write("A")}
	for _, atomic := range []bool{false, true} {
		outcomes, err := s.store.Preview(s.ctx(), product.Batch{Writes: writes, Atomic: atomic})
		s.ok(err, "preview")
		s.equal(errors.Is(outcomes[0].Err, product.ErrNotApplied), atomic, "the first, atomic %t", atomic)
		s.fails(outcomes[1].Err, product.ErrTaken, "the second")
	}
}

func (s *suite) completedBatch() {
	ctx := product.WithIdempotencyKey(s.ctx(), "batch")
	p := s.createWithStock("P", 10)
	sell := product.AdjustStock{Key: product.ByID(p.ID), Delta: -1}
	ops := []product.Operation{sell, product.Create{Draft: draft("A")}, sell, product.Update{Key: product.BySKU("LATE")}}
	outcomes, err := s.Batch(ctx, ops)
	s.ok(err, "batch")
	s.fails(outcomes[3].Err, product.ErrNotFound, "the last")
	s.create(draft("LATE"))

	ctx = product.WithIdempotencyKey(s.ctx(), "batch")
	again, err := s.Batch(ctx, ops)
	s.ok(err, "again")
	s.equal(product.Replayed(ctx), false, "replayed as a whole")
	for i, o := range again {
		s.ok(o.Err, "operation %d", i)
		s.equal(o.Replayed, i < 3, "operation %d was replayed", i)
	}
	s.equal(again[1].Product, outcomes[1].Product, "the product as of then")
	s.equal(s.stockOf(p.ID).OnHand, int64(8), "on hand: equal operations are not taken for one")

	again, err = s.Batch(ctx, ops)
	s.ok(err, "once more")
	s.equal(product.Replayed(ctx), true, "replayed as a whole")
	s.equal(again[3].Replayed, true, "the last one")

	ops[0], ops[1] = ops[1], ops[0]
	again, err = s.Batch(ctx, ops)
	s.ok(err, "in another order")
	s.fails(again[0].Err, product.ErrKeyReused, "another operation under the key and index")
	_, err = s.AtomicBatch(ctx, ops)
	s.fails(err, product.ErrKeyReused, "atomically")
}

// racingAtomicBatches moves pieces between two products in opposite orders, which deadlocks where
// rows are not locked in one order, and wants none lost or made.
func (s *suite) racingAtomicBatches() {
	other := NewService(s.T, s.store, nil)
	const pieces, rounds = 5, 10
	ids := []uuid.UUID{s.createWithStock("A", pieces).ID, s.createWithStock("B", pieces).ID}
	s.crowd(6, func(i int) {
		from, to := product.ByID(ids[i%2]), product.ByID(ids[1-i%2])
		for range rounds {
			_, err := []*product.Service{s.Service, other}[i/2%2].AtomicBatch(s.ctx(), []product.Operation{
				product.AdjustStock{Key: to, Delta: 2},
				product.AdjustStock{Key: from, Delta: -2},
			})
			if err != nil && !matches(err, product.ErrInsufficientStock, product.ErrBusy) {
				s.Errorf("unexpected: %v", err)
			}
		}
	})
	s.equal(s.stockOf(ids[0]).OnHand+s.stockOf(ids[1]).OnHand, int64(2*pieces), "pieces")
}
