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

// InvariantsTrial tries the catalogue's rules with several instances at once, which create, change,
// delete and restore products that claim the same few SKUs and variants. Every instance, a process
// of its own or not, calls Write with a store on the same database; when all have returned, one of
// them calls Check.
type InvariantsTrial struct {
	Writers int // of each instance; default 4
	Writes  int // of each writer; default 60
	SKUs    int // default 4
}

// Actors whose writes must not be found in any history.
const (
	changesNothing = "changes nothing"
	isRefused      = "is refused"
)

// version is one version of one product.
type version struct {
	id     uuid.UUID
	number int64
}

// Write is the part of one instance, which has a number of its own. It returns the first rule that
// the store broke: an answer that cannot be, or one that the history knows nothing of.
func (t InvariantsTrial) Write(ctx context.Context, store product.Store, instance int) error {
	def(&t.Writers, 4)
	def(&t.Writes, 60)
	def(&t.SKUs, 4)
	return withService(ctx, store, func(svc *product.Service) error {
		failures := make([]error, t.Writers)
		var all sync.WaitGroup
		for i := range t.Writers {
			all.Go(func() {
				w := ruleWriter{svc: svc, skus: t.SKUs, actor: fmt.Sprintf("%d-%d", instance, i), made: map[version]bool{}}
				w.random = rand.New(rand.NewPCG(uint64(instance), uint64(i)))
				failures[i] = w.write(ctx, t.Writes)
			})
		}
		all.Wait()
		return errors.Join(failures...)
	})
}

// withService calls f with a Service on the store, which is patient with a slow machine, and
// closes it.
func withService(ctx context.Context, store product.Store, f func(*product.Service) error) error {
	svc := product.NewService(store, &product.Options{BatchTimeout: time.Minute})
	err := f(svc)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, svc.Close(ending))
}

// ruleWriter is one writer of a trial.
type ruleWriter struct {
	svc    *product.Service
	random *rand.Rand
	skus   int
	actor  string
	made   map[version]bool // what it was told to have made
}

func (w *ruleWriter) write(ctx context.Context, writes int) error {
	for range writes {
		err := w.step(ctx)
		if err != nil && !matches(err, product.ErrTaken, product.ErrNotFound, product.ErrInsufficientStock, product.ErrPreconditionFailed, product.ErrBusy) {
			return fmt.Errorf("writer %s: %w", w.actor, err)
		}
	}
	histories := map[uuid.UUID]map[int64]string{} // versions and their actors
	for made := range w.made {
		if histories[made.id] == nil {
			history, err := wholeHistory(ctx, w.svc, made.id)
			if err != nil {
				return err
			}
			histories[made.id] = map[int64]string{}
			for _, c := range history {
				if c.Kind != product.ChangeStock {
					histories[made.id][c.Version] = c.Actor
				}
			}
		}
		if actor := histories[made.id][made.number]; actor != w.actor {
			return fmt.Errorf("%s was told to have made version %d of %s, which the history gives to %q", w.actor, made.number, made.id, actor)
		}
	}
	return nil
}

func (w *ruleWriter) sku() string { return fmt.Sprint("RULE-", w.random.IntN(w.skus)) }

func (w *ruleWriter) option() string { return []string{"S", "M", "L"}[w.random.IntN(3)] }

// step makes one write.
func (w *ruleWriter) step(ctx context.Context) error {
	acting := product.WithActor(ctx, w.actor)
	if w.random.IntN(4) == 0 {
		d := draft(w.sku())
		d.Group, d.Options = "rules", map[string]string{"Size": w.option()}
		p, err := w.svc.Create(acting, d)
		return w.told(p, 0, true, err)
	}
	deleted := w.random.IntN(6) == 0
	page, err := w.svc.List(ctx, product.Query{Deleted: deleted, SKUPrefix: w.sku()})
	if err != nil || len(page.Items) == 0 {
		return err
	}
	p := page.Items[w.random.IntN(len(page.Items))]
	present := product.IfVersion(p.Version)
	switch w.random.IntN(10) {
	case 0:
		_, err = w.svc.Update(product.WithActor(ctx, isRefused), p.ID, product.Patch{Name: ptr("never")}, product.Expect{Match: []product.Revision{}})
		if err == nil {
			return errors.New("an update whose precondition cannot hold succeeded")
		}
		return err
	case 1:
		next, err := w.svc.Update(product.WithActor(ctx, changesNothing), p.ID, product.Patch{Name: &p.Name}, present)
		return w.told(next, p.Version, false, err)
	case 2:
		if !deleted {
			err = w.svc.Delete(acting, p.ID, present)
			p.Version++
			return w.told(p, p.Version-1, true, err)
		}
	case 3, 4, 5:
		if !deleted {
			_, err = w.svc.AdjustStock(acting, p.ID, int64(w.random.IntN(5)-2), "", product.Expect{})
			return err
		}
	}
	if deleted {
		next, err := w.svc.Restore(acting, p.ID, present)
		return w.told(next, p.Version, true, err)
	}
	patch := product.Patch{SKU: ptr(w.sku()), Name: ptr(w.option()), Options: &product.OptionsPatch{Set: map[string]*string{"Size": ptr(w.option())}}}
	next, err := w.svc.Update(acting, p.ID, patch, present)
	return w.told(next, p.Version, next.SKU != p.SKU || next.Name != p.Name || next.Options["Size"] != p.Options["Size"], err)
}

// told checks the answer to a write on a product at a version: it is the next one if something
// changed, and the same if not.
func (w *ruleWriter) told(next product.Product, before int64, changed bool, err error) error {
	switch {
	case err != nil:
		return err
	case changed && next.Version == before+1:
		w.made[version{next.ID, next.Version}] = true
	case changed || next.Version != before:
		return fmt.Errorf("a write on version %d of %s answered with version %d; changed is %v", before, next.ID, next.Version, changed)
	}
	return nil
}
