package storetest

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// ledger is what the feed tells of the products of an [OversellTrial].
type ledger struct {
	accounts map[uuid.UUID]*account
	entries  map[entry]int64 // quantities
	products map[string]int  // how many a reason is given for
	held     map[entry]int64 // what is reserved, by key
}

// entry is a reason, or a key, and a product.
type entry struct {
	of      string
	product uuid.UUID
}

// account is what there has been of a product.
type account struct {
	putIn, sold, reserved, version int64
}

// moves are the reasons for a change of stock, and whether each adds to what is on hand and to what
// is reserved, or takes from it.
var moves = map[string]struct{ onHand, reserved int64 }{
	"":          {1, 0}, // what a product is created with
	"delivered": {1, 0},
	"taken":     {-1, 0},
	"reserved":  {0, 1},
	"committed": {-1, -1},
	"released":  {0, -1},
	"expired":   {0, -1},
}

// audit enters the whole feed and looks for what was told in it.
func audit(ctx context.Context, svc *product.Service, told []Receipt) (*ledger, error) {
	err := patiently(ctx, func() error { return svc.Prune(ctx) }) // so that the feed tells of what has expired
	if err != nil {
		return nil, err
	}
	l := &ledger{map[uuid.UUID]*account{}, map[entry]int64{}, map[string]int{}, map[entry]int64{}}
	for c, err := range wholeFeed(ctx, svc) {
		if err == nil && c.Kind == product.ChangeStock {
			err = l.enter(c)
		}
		if err != nil {
			return nil, err
		}
	}
	for of, n := range l.products {
		what, key, _ := strings.Cut(of, ": ")
		if reserved := l.products["reserved: "+key]; (what == "committed" || what == "released") && n != reserved {
			return nil, fmt.Errorf("%d products were reserved and %d %s", reserved, n, of)
		}
	}
	for _, r := range told {
		for _, item := range r.Items {
			if q := l.entries[entry{r.Of, item.ProductID}]; q != item.Quantity {
				return nil, fmt.Errorf("a buyer was told %+v, the feed tells of %d of %s", r, q, item.SKU)
			}
		}
	}
	return l, nil
}

func (l *ledger) enter(c product.Change) error {
	a := l.accounts[c.ProductID]
	if a == nil {
		a = &account{}
		l.accounts[c.ProductID] = a
	}
	onHand, err := difference(c, "on_hand", a.putIn-a.sold)
	if err != nil {
		return err
	}
	reserved, err := difference(c, "reserved", a.reserved)
	if err != nil {
		return err
	}
	what, key, _ := strings.Cut(c.Reason, ": ")
	move, known := moves[what]
	quantity := max(onHand, -onHand, reserved, -reserved)
	this, hold := entry{c.Reason, c.ProductID}, entry{key, c.ProductID}
	switch {
	case c.Version != a.version+1:
		return fmt.Errorf("version %d of %s follows on %d", c.Version, c.SKU, a.version)
	case !known, onHand != move.onHand*quantity, reserved != move.reserved*quantity:
		return fmt.Errorf("%q cannot change what is on hand of %s by %d and what is reserved by %d", c.Reason, c.SKU, onHand, reserved)
	case l.entries[this] != 0:
		return fmt.Errorf("%q happened twice to %s", c.Reason, c.SKU)
	case reserved < 0 && l.held[hold] != quantity:
		return fmt.Errorf("%q ends %d of %s, and %d are held", c.Reason, quantity, c.SKU, l.held[hold])
	}
	l.entries[this] = quantity
	l.products[c.Reason]++
	switch {
	case reserved > 0:
		l.held[hold] = quantity
	case reserved < 0:
		delete(l.held, hold)
	}
	a.putIn, a.sold = a.putIn+max(onHand, 0), a.sold+max(-onHand, 0)
	a.reserved, a.version = a.reserved+reserved, c.Version
	if left := a.putIn - a.sold; a.reserved < 0 || a.reserved > left {
		return fmt.Errorf("%q leaves %d pieces of %s, of which %d are reserved", c.Reason, left, c.SKU, a.reserved)
	}
	return nil
}

// difference is by how much a change changes a quantity, which is so much before it.
func difference(c product.Change, field string, before int64) (int64, error) {
	for _, f := range c.Fields {
		if f.Field != field {
			continue
		}
		if string(f.Before) != strconv.FormatInt(before, 10) {
			return 0, fmt.Errorf("version %d of %s changes %s from %s, and it was %d", c.Version, c.SKU, field, f.Before, before)
		}
		after, err := strconv.ParseInt(string(f.After), 10, 64)
		return after - before, err
	}
	return 0, nil
}

// compare wants each product's stock to be what its account ends with.
func (l *ledger) compare(ctx context.Context, svc *product.Service, products int) error {
	if len(l.accounts) != products {
		return fmt.Errorf("the feed tells of %d products, not of %d", len(l.accounts), products)
	}
	for id, a := range l.accounts {
		want := product.Stock{ProductID: id, OnHand: a.putIn - a.sold, Reserved: a.reserved, Version: a.version}
		stock, err := svc.Stock(ctx, id)
		if err != nil {
			return err
		}
		if stock != want {
			return fmt.Errorf("the stock is %+v, and by the feed %+v", stock, want)
		}
	}
	return nil
}
