package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// PagingTrial tries what lists promise: while others insert, delete and rename products, whoever
// pages through a list sees each product that existed throughout, and whose sort key stayed,
// exactly once; in every order, in pages of any size, with a filter and without.
type PagingTrial struct {
	// Store is an empty store. What its List returns is tried.
	Store product.Store

	Stay    int   // products that exist throughout; default 40
	Writers int   // default 4
	Limits  []int // sizes of pages; default 1, 7 and 50
}

// paged is a product that exists throughout a trial.
type paged struct {
	product.Product
	restless bool // somebody renames it
}

// someTag is what the filter of the trial selects.
const someTag = "some"

// Run runs the trial and returns the first promise that is broken.
func (t PagingTrial) Run(ctx context.Context) error {
	def(&t.Stay, 40)
	def(&t.Writers, 4)
	if t.Limits == nil {
		t.Limits = []int{1, 7, 50}
	}
	return withService(ctx, t.Store, func(svc *product.Service) error { return t.run(ctx, svc) })
}

func (t PagingTrial) run(ctx context.Context, svc *product.Service) error {
	random := rand.New(rand.NewPCG(1, 5))
	stay := make([]paged, t.Stay)
	for i := range stay {
		p, err := svc.Create(ctx, pagedDraft(random, fmt.Sprintf("S-%03d", i)))
		if err != nil {
			return err
		}
		stay[i] = paged{p, i%2 > 0}
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done, wrote := make(chan struct{}), make(chan struct{}, 1)
	var writers sync.WaitGroup
	for i := range t.Writers {
		writers.Go(func() {
			if err := t.write(ctx, svc, uint64(i), stay, wrote, done); err != nil {
				cancel(err)
			}
		})
	}
	err := t.read(ctx, svc, stay, wrote)
	close(done)
	writers.Wait()
	if ctx.Err() != nil { // what a writer met, or the caller's end
		return context.Cause(ctx)
	}
	return err
}

// pagedDraft returns a product whose sort keys others have too.
func pagedDraft(random *rand.Rand, sku string) product.Draft {
	d := draft(sku)
	d.Name, d.Price.Amount = pagedName(random), int64(random.IntN(5))
	if random.IntN(2) == 0 {
		d.Tags = []string{someTag}
	}
	return d
}

func pagedName(random *rand.Rand) string {
	return []string{"apple", "Apple", "Äpfel", "banana", "zebra"}[random.IntN(5)] + strings.Repeat(" x", random.IntN(3))
}

// write inserts, deletes and renames products until it is done, and tells of each write.
func (t PagingTrial) write(ctx context.Context, svc *product.Service, writer uint64, stay []paged, wrote chan<- struct{}, done <-chan struct{}) error {
	random := rand.New(rand.NewPCG(writer, 6))
	var own []uuid.UUID // few, so that lists do not grow
	for n := 0; ; n++ {
		select {
		case <-done:
			return nil
		default:
		}
		var err error
		switch choice := random.IntN(3); {
		case choice == 0 && len(own) < 2+t.Stay/8:
			var p product.Product
			if p, err = svc.Create(ctx, pagedDraft(random, fmt.Sprintf("S-%03d-%d-%d", random.IntN(t.Stay), writer, n))); err == nil {
				own = append(own, p.ID)
			}
		case choice == 1 && len(own) > 0:
			i := random.IntN(len(own))
			if err = svc.Delete(ctx, own[i], product.Expect{}); err == nil {
				own = slices.Delete(own, i, i+1)
			}
		default:
			id := stay[random.IntN(t.Stay/2)*2+1].ID
			if len(own) > 0 && random.IntN(2) == 0 {
				id = own[random.IntN(len(own))]
			}
			_, err = svc.Update(ctx, id, product.Patch{Name: ptr(pagedName(random))}, product.Expect{})
		}
		if err != nil && !errors.Is(err, product.ErrBusy) {
			return fmt.Errorf("writer %d: %w", writer, err)
		}
		select {
		case wrote <- struct{}{}:
		default:
		}
	}
}

// read pages through every list and checks what it saw.
func (t PagingTrial) read(ctx context.Context, svc *product.Service, stay []paged, wrote <-chan struct{}) error {
	for _, sort := range product.Sorts() {
		for _, limit := range t.Limits {
			for _, tag := range []string{"", someTag} {
				q := product.Query{Sort: sort, Limit: limit, Tag: tag, Currency: "EUR"}
				seen, err := t.page(ctx, svc, q, wrote)
				if err == nil {
					err = checkPaged(seen, stay, q)
				}
				if err != nil {
					return fmt.Errorf("by %s in pages of %d, tag %q: %w", sort, limit, tag, err)
				}
			}
		}
	}
	return nil
}

// page pages through a list and returns how often it saw which product. Between two pages
// somebody writes.
func (t PagingTrial) page(ctx context.Context, svc *product.Service, q product.Query, wrote <-chan struct{}) (map[uuid.UUID]int, error) {
	seen := map[uuid.UUID]int{}
	for {
		page, err := svc.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Items {
			seen[p.ID]++
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return seen, nil
		}
		select {
		case <-wrote:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func checkPaged(seen map[uuid.UUID]int, stay []paged, q product.Query) error {
	renamingMoves := slices.Contains([]product.Sort{product.SortName, product.SortNameDesc, product.SortUpdated, product.SortUpdatedDesc}, q.Sort)
	for _, p := range stay {
		if p.restless && renamingMoves || q.Tag != "" && !slices.Contains(p.Tags, q.Tag) {
			continue
		}
		if n := seen[p.ID]; n != 1 {
			return fmt.Errorf("%s existed throughout and was seen %d times", p.SKU, n)
		}
	}
	for id, n := range seen {
		if n > 1 && !renamingMoves {
			return fmt.Errorf("%s came and was seen %d times", id, n)
		}
	}
	return nil
}

// def replaces a zero by the default.
func def(value *int, fallback int) {
	if *value == 0 {
		*value = fallback
	}
}
