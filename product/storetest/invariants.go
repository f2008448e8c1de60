package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// Check returns the first rule that the catalogue breaks as it now is, with no more than a
// [product.Service] to look at it: every live SKU and variant has one owner, every product and every
// stock is what its history makes of it, version by version, and the feed tells the same.
func (t InvariantsTrial) Check(ctx context.Context, store product.Store) error {
	return withService(ctx, store, func(svc *product.Service) error { return checkAll(ctx, svc) })
}

func checkAll(ctx context.Context, svc *product.Service) error {
	feed := map[uuid.UUID][]product.Change{}
	for c, err := range wholeFeed(ctx, svc) {
		if err != nil {
			return err
		}
		feed[c.ProductID] = append(feed[c.ProductID], c)
	}
	skus, variants := map[string]uuid.UUID{}, map[product.VariantKey]uuid.UUID{}
	for _, deleted := range []bool{false, true} {
		for p, err := range svc.All(ctx, product.Query{Deleted: deleted}) {
			if err == nil && !deleted {
				err = claims(skus, variants, &p)
			}
			if err == nil {
				err = checkProduct(ctx, svc, &p, feed[p.ID])
			}
			if err != nil {
				return err
			}
			delete(feed, p.ID)
		}
	}
	for id := range feed {
		return fmt.Errorf("the feed tells of %s, which no list has", id)
	}
	return nil
}

// wholeFeed reads every page of the feed.
func wholeFeed(ctx context.Context, svc *product.Service) iter.Seq2[product.Change, error] {
	return func(yield func(product.Change, error) bool) {
		for after := product.Seq(0); ; {
			var page []product.Change
			err := patiently(ctx, func() (err error) {
				page, err = svc.Changes(ctx, after, product.MaxChanges)
				return err
			})
			if err != nil {
				yield(product.Change{}, err)
				return
			}
			if len(page) == 0 {
				return
			}
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
			}
			after = page[len(page)-1].Seq
		}
	}
}

// patiently calls f until it finds nothing locked, or the context ends.
func patiently(ctx context.Context, f func() error) error {
	for {
		if err := f(); !errors.Is(err, product.ErrBusy) || ctx.Err() != nil {
			return err
		}
		time.Sleep(rand.N(5 * time.Millisecond)) // or it would keep busy what it waits for
	}
}

// claims enters what a live product claims, and returns an error if another has it.
func claims(skus map[string]uuid.UUID, variants map[product.VariantKey]uuid.UUID, p *product.Product) error {
	if other, taken := skus[p.SKU]; taken {
		return fmt.Errorf("%s and %s both have the SKU %s", other, p.ID, p.SKU)
	}
	skus[p.SKU] = p.ID
	key, ok := p.VariantKey()
	if other, taken := variants[key]; ok && taken {
		return fmt.Errorf("%s and %s both are variant %v of group %s", other, p.ID, p.Options, p.Group)
	}
	if ok {
		variants[key] = p.ID
	}
	return nil
}

// wholeHistory reads every page of a product's history.
func wholeHistory(ctx context.Context, svc *product.Service, id uuid.UUID) ([]product.Change, error) {
	var all []product.Change
	for q := (product.HistoryQuery{Limit: product.MaxLimit}); ; {
		page, err := svc.History(ctx, id, q)
		if err != nil {
			return nil, fmt.Errorf("history of %s: %w", id, err)
		}
		all = append(all, page.Changes...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return all, nil
		}
	}
}

func checkProduct(ctx context.Context, svc *product.Service, p *product.Product, feed []product.Change) error {
	history, err := wholeHistory(ctx, svc, p.ID)
	if err != nil {
		return err
	}
	ofProduct, ofStock := divided(history)
	feedOfProduct, feedOfStock := divided(feed)
	switch {
	case !reflect.DeepEqual(ofProduct, feedOfProduct), !reflect.DeepEqual(ofStock, feedOfStock):
		return fmt.Errorf("%s: the history and the feed differ:\n%+v\n%+v", p.ID, history, feed)
	case len(ofProduct) == 0:
		return fmt.Errorf("%s has no history", p.ID)
	}
	if err := checkVersions(p, ofProduct); err != nil {
		return fmt.Errorf("%s: %w\n%+v", p.ID, err, ofProduct)
	}
	if p.Deleted() {
		return nil // its stock nobody can ask for
	}
	stock, err := svc.Stock(ctx, p.ID)
	if err == nil {
		err = checkStock(stock, ofStock)
	}
	if err != nil {
		return fmt.Errorf("the stock of %s: %w\n%+v", p.ID, err, ofStock)
	}
	return nil
}

// divided divides changes into those of the product and those of its stock.
func divided(changes []product.Change) (ofProduct, ofStock []product.Change) {
	for _, c := range changes {
		if c.Kind == product.ChangeStock {
			ofStock = append(ofStock, c)
		} else {
			ofProduct = append(ofProduct, c)
		}
	}
	return ofProduct, ofStock
}

// checkVersions follows a product from its creation to what it is.
func checkVersions(p *product.Product, history []product.Change) error {
	is := map[string]json.RawMessage{} // the members that have changed
	deleted := false
	for i, c := range history {
		switch {
		case c.Actor == changesNothing, c.Actor == isRefused:
			return fmt.Errorf("a write that %s has version %d", c.Actor, c.Version)
		case c.Version != int64(i+1):
			return fmt.Errorf("version %d is in the place of %d", c.Version, i+1)
		case (c.Kind == product.ChangeCreated) != (i == 0), (c.Kind == product.ChangeRestored) != (deleted && i > 0):
			return fmt.Errorf("version %d cannot be %s", c.Version, c.Kind)
		case (c.Kind == product.ChangeUpdated) != (len(c.Fields) > 0):
			return fmt.Errorf("version %d is %s with %d members", c.Version, c.Kind, len(c.Fields))
		case i > 0 && c.At.Before(history[i-1].At):
			return fmt.Errorf("version %d is older than the one before", c.Version)
		}
		deleted = c.Kind == product.ChangeDeleted
		if err := follow(is, c); err != nil {
			return err
		}
	}
	last := history[len(history)-1]
	if p.Version != last.Version || p.SKU != last.SKU || p.Deleted() != deleted || !p.UpdatedAt.Equal(last.At) {
		return fmt.Errorf("the history does not end with %+v", p)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(p.AppendJSON(nil), &members); err != nil {
		return err
	}
	for field, value := range is {
		if !bytes.Equal(members[field], value) {
			return fmt.Errorf("%s is %s, and %s by the history", field, members[field], value)
		}
	}
	return nil
}

// follow makes a change, whose members must be as the changes before left them.
func follow(is map[string]json.RawMessage, c product.Change) error {
	for _, f := range c.Fields {
		before, known := is[f.Field]
		if known && !bytes.Equal(before, f.Before) || bytes.Equal(f.Before, f.After) {
			return fmt.Errorf("version %d changes %s from %s to %s, and it was %s", c.Version, f.Field, f.Before, f.After, before)
		}
		is[f.Field] = f.After
	}
	return nil
}

// checkStock follows a stock from nothing to what it is. Its first version is nothing, or what the
// product was created with.
func checkStock(stock product.Stock, history []product.Change) error {
	is := map[string]json.RawMessage{"on_hand": json.RawMessage("0")}
	at := int64(1)
	for i, c := range history {
		if c.Version != at+1 && (i > 0 || c.Version != 1) {
			return fmt.Errorf("version %d follows on %d", c.Version, at)
		}
		at = c.Version
		if err := follow(is, c); err != nil {
			return err
		}
	}
	if onHand := fmt.Sprint(stock.OnHand); stock.Version != at || string(is["on_hand"]) != onHand {
		return fmt.Errorf("the history does not end with %+v", stock)
	}
	return nil
}
