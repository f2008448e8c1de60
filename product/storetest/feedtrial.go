package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// FeedTrial tries what the change feed promises: writers change few products at once, directly and
// in transactions of a host that stall and are rolled back, while followers read, crash and
// resume. Each follower must get exactly what the feed holds in the end, in the same order; one
// product's changes in theirs; and nothing may ever come behind a position that was delivered.
type FeedTrial struct {
	// Store is an empty store. What its Changes returns is tried.
	Store product.Store

	// Begin begins a transaction of a host; nil means that there are none.
	Begin func(ctx context.Context) (HostTx, error)

	// OneWriter says that the database has one writer at a time, so that a transaction which
	// stays open during the whole trial would stop everybody.
	OneWriter bool

	Writers   int // default 8
	Writes    int // of each writer; default 40
	Followers int // default 3
	Products  int // default 10
}

// HostTx is a store in a host's transaction, and the transaction's ends.
type HostTx struct {
	product.Store
	Commit, Rollback func() error
}

// delivery is what identifies a change.
type delivery struct {
	seq product.Seq
	id  uuid.UUID
}

// Run runs the trial and returns the first promise that is broken.
func (f FeedTrial) Run(ctx context.Context) error {
	def(&f.Writers, 8)
	def(&f.Writes, 40)
	def(&f.Followers, 3)
	def(&f.Products, 10)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var fail sync.Once
	var broken error
	report := func(err error) {
		if err != nil {
			fail.Do(func() { broken = err; cancel(err) })
		}
	}

	products := make([]product.Write, f.Products+1)
	for i := range products {
		products[i] = write(fmt.Sprintf("FEED-%d", i))
	}
	if err := applyAll(ctx, f.Store, products...); err != nil {
		return err
	}
	var followers, writers sync.WaitGroup
	middle, end := make(chan struct{}, f.Followers), make(chan struct{})
	delivered := make([][]delivery, f.Followers)
	for i := range f.Followers {
		followers.Go(func() {
			var err error
			delivered[i], err = f.follow(ctx, uint64(i), middle)
			report(err)
		})
	}
	var long HostTx
	if f.Begin != nil && !f.OneWriter {
		// Its record is there before all others and committed after them.
		var err error
		if long, err = f.Begin(ctx); err == nil {
			err = applyAll(ctx, long, pair(products[f.Products].ID)...)
		}
		report(err)
	}
	for i := range f.Writers {
		writers.Go(func() { report(f.write(ctx, uint64(i), products[:f.Products])) })
	}
	writers.Wait()
	report(applyAll(ctx, f.Store, write("MIDDLE")))
	for range f.Followers { // they get here although a transaction is still open
		select {
		case <-middle:
		case <-ctx.Done():
			report(fmt.Errorf("not every follower came to the middle: %w", ctx.Err()))
		}
	}
	if long.Store != nil {
		report(long.Commit())
	}
	report(applyAll(ctx, f.Store, write("END")))
	close(end)
	followers.Wait()
	if broken != nil {
		return broken
	}
	return f.check(ctx, delivered)
}

// pair takes one piece of a product and then renames it, so that its changes must come in turns:
// stock, product, stock, …
func pair(id uuid.UUID) []product.Write {
	at := time.Now().UTC().Truncate(time.Microsecond)
	return []product.Write{
		{Op: product.OpAdjustStock, ID: id, Delta: 1, At: at},
		{Op: product.OpUpdate, ID: id, Patch: &product.Patch{Name: ptr(uuid.NewString())}, At: at},
	}
}

// applyAll applies writes of which none may fail.
func applyAll(ctx context.Context, store product.Store, writes ...product.Write) error {
	outcomes, err := store.Apply(ctx, product.Batch{Writes: writes})
	for i := range outcomes {
		err = errors.Join(err, outcomes[i].Err)
	}
	return err
}

func (f FeedTrial) write(ctx context.Context, seed uint64, products []product.Write) error {
	random := rand.New(rand.NewPCG(seed, 2))
	for range f.Writes {
		id := products[random.IntN(len(products))].ID
		var err error
		if f.Begin == nil || random.IntN(10) < 6 {
			err = applyAll(ctx, f.Store, pair(id)...)
		} else {
			err = f.writeInTx(ctx, random, id)
		}
		if err != nil && !errors.Is(err, product.ErrBusy) {
			return fmt.Errorf("writer %d: %w", seed, err)
		}
	}
	return nil
}

// writeInTx writes, stalls, and commits or rolls back.
func (f FeedTrial) writeInTx(ctx context.Context, random *rand.Rand, id uuid.UUID) error {
	tx, err := f.Begin(ctx)
	if err != nil {
		return err
	}
	err = applyAll(ctx, tx, pair(id)...)
	stall := time.NewTimer(time.Duration(random.IntN(20)) * time.Millisecond)
	defer stall.Stop()
	select {
	case <-stall.C:
	case <-ctx.Done():
	}
	if err != nil || random.IntN(2) == 0 {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// follow follows the feed to the end of the trial, crashing now and then, and returns what it was
// given. What it gets again after a crash must be what it got before.
func (f FeedTrial) follow(ctx context.Context, seed uint64, middle chan<- struct{}) ([]delivery, error) {
	random := rand.New(rand.NewPCG(seed, 3))
	var all []delivery
	kept, passed := 0, false // how many of them stood behind the stored position when it crashed
	for {
		svc := product.NewService(f.Store, &product.Options{FollowInterval: 50 * time.Millisecond})
		stored := product.Seq(0)
		if kept > 0 {
			stored = all[kept-1].seq
		}
		next, crash := kept, random.IntN(60)
		for c, err := range svc.Follow(ctx, stored) {
			if err != nil {
				return all, errors.Join(fmt.Errorf("follower %d after %d: %w", seed, stored, err), svc.Close(ctx))
			}
			got := delivery{c.Seq, c.ID}
			switch {
			case next < len(all) && all[next] != got:
				return all, errors.Join(fmt.Errorf("follower %d resumed after %d and got %v where it had got %v", seed, stored, got, all[next]), svc.Close(ctx))
			case next == len(all):
				all = append(all, got)
			}
			next++
			if c.SKU == "END" {
				return all, svc.Close(ctx)
			}
			if c.SKU == "MIDDLE" && !passed {
				passed = true
				middle <- struct{}{}
			}
			if crash--; crash <= 0 {
				break
			}
		}
		if err := svc.Close(ctx); err != nil {
			return all, err
		}
		kept += random.IntN(next - kept + 1)
	}
}

// check compares what was delivered with what the feed holds, and that with the products.
func (f FeedTrial) check(ctx context.Context, delivered [][]delivery) error {
	var whole []product.Change
	for after := product.Seq(0); ; after = whole[len(whole)-1].Seq {
		page, err := f.Store.Changes(ctx, after, 100)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		whole = append(whole, page...)
	}
	for i, got := range delivered {
		for j, c := range whole {
			if want := (delivery{c.Seq, c.ID}); j >= len(got) || got[j] != want {
				return fmt.Errorf("follower %d was not given change %v of %s, version %d", i, want, c.SKU, c.Version)
			}
		}
		if len(got) > len(whole) {
			return fmt.Errorf("follower %d was given %v, which is not in the feed", i, got[len(whole)])
		}
	}
	type versions struct{ product, stock int64 }
	seen := map[uuid.UUID]versions{}
	for _, c := range whole {
		v, before := seen[c.ProductID], seen[c.ProductID]
		inOrder := false
		if c.Kind == product.ChangeStock { // its version 1, stock of nothing, is no change
			v.stock = c.Version
			inOrder = v.stock == max(before.stock, 1)+1 && v.stock == v.product+1
		} else {
			v.product = c.Version
			inOrder = v.product == before.product+1 && v.product == max(v.stock, 1)
		}
		if !inOrder {
			return fmt.Errorf("change %d of %s is %s of version %d after %+v", c.Seq, c.SKU, c.Kind, c.Version, before)
		}
		seen[c.ProductID] = v
	}
	for id, v := range seen {
		found, err := f.Store.Find(ctx, []product.Key{product.ByID(id)})
		if err != nil {
			return err
		}
		if len(found) != 1 || found[0].Version != v.product {
			return fmt.Errorf("the feed ends at version %d of %s, the product is %+v", v.product, id, found)
		}
	}
	return nil
}
