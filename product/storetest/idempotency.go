package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/productkit-go/productkit/product"
)

func (s *suite) once() {
	keyed := func(key string) context.Context { return product.WithIdempotencyKey(s.ctx(), key) }
	d := full("O")
	d.Backorder = false
	d.Attributes = json.RawMessage(`{"html":"<b>&</b>","line":"` + "\u2028" + `"}`)
	ctx := keyed("create")
	p, err := s.Service.Create(ctx, d)
	s.ok(err, "create")
	s.equal(product.Replayed(ctx), false, "replayed the first time")
	_, err = s.Update(s.ctx(), p.ID, product.Patch{Name: ptr("later")}, product.Expect{})
	s.ok(err, "update")

	again, err := s.Service.Create(ctx, d)
	s.ok(err, "create again")
	s.equal(again, p, "the product as of then")
	s.equal(product.Replayed(ctx), true, "replayed the second time")

	d.Name = "another"
	_, err = s.Service.Create(keyed("create"), d)
	s.fails(err, product.ErrKeyReused, "another payload")
	_, err = s.AdjustStock(keyed("create"), p.ID, 1, "", product.Expect{})
	s.fails(err, product.ErrKeyReused, "another operation")
	_, err = s.Service.Create(product.WithActor(keyed("create"), "somebody else"), draft("O2"))
	s.ok(err, "another actor's key")
	_, err = s.Service.Create(keyed(""), draft("O3"))
	s.fails(err, product.ErrInvalid, "an empty key")

	before := s.stockOf(p.ID)
	_, err = s.AdjustStock(keyed("sell"), p.ID, -before.OnHand-1, "", product.Expect{})
	s.fails(err, product.ErrInsufficientStock, "too many")
	_, err = s.AdjustStock(s.ctx(), p.ID, 1, "", product.Expect{})
	s.ok(err, "restock")
	sold, err := s.AdjustStock(keyed("sell"), p.ID, -before.OnHand-1, "", product.Expect{})
	s.ok(err, "a refusal is decided anew")
	s.equal(sold.OnHand, int64(0), "on hand")
	same, err := s.AdjustStock(keyed("sell"), p.ID, -before.OnHand-1, "", product.Expect{})
	s.ok(err, "sell again")
	s.equal(same, sold, "the stock as of then")
	s.equal(s.stockOf(p.ID), sold, "stock")

	s.ok(s.Delete(keyed("delete"), p.ID, product.IfVersion(2)), "delete")
	s.ok(s.Delete(keyed("delete"), p.ID, product.IfVersion(2)), "delete again")
	s.fails(s.Delete(s.ctx(), p.ID, product.Expect{}), product.ErrNotFound, "delete without a key")
}

// racingOnce asks through two services, as two processes would, for the same at the same time,
// so that equal keys meet in one batch, in two batches and in two transactions.
func (s *suite) racingOnce() {
	other := NewService(s.T, s.store, nil)
	p := s.createWithStock("hot", 1000)
	const rounds, callers = 10, 8
	var firsts atomic.Int64
	for round := range rounds {
		s.crowd(callers, func(i int) {
			service := []*product.Service{s.Service, other}[i%2]
			ctx := product.WithIdempotencyKey(s.ctx(), fmt.Sprint("create", round))
			made, err := service.Create(ctx, draft(fmt.Sprint("R", round)))
			s.mustBe(err, nil)
			if !product.Replayed(ctx) {
				firsts.Add(1)
			}
			ctx = product.WithIdempotencyKey(s.ctx(), fmt.Sprint("sell", round))
			_, err = service.AdjustStock(ctx, p.ID, -1, made.SKU, product.Expect{})
			s.mustBe(err, nil)
			if !product.Replayed(ctx) {
				firsts.Add(1)
			}
		})
	}
	s.equal(firsts.Load(), int64(2*rounds), "writes that happened")
	s.equal(s.stockOf(p.ID).OnHand, int64(1000-rounds), "on hand")
	s.equal(len(s.changes(p.ID)), 2+rounds, "records")
}
