package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/productkit-go/productkit/product"
)

func (s *suite) variant(group, size string) product.Product {
	s.Helper()
	d := draft(group + "-" + size)
	d.Group, d.Options = group, map[string]string{"Size": size}
	return s.create(d)
}

func (s *suite) groupAsOne() {
	small, large := s.variant("shirt", "S"), s.variant("shirt", "L")
	gone, foreign := s.variant("shirt", "XL"), s.variant("hat", "S")
	s.ok(s.Delete(s.ctx(), gone.ID, product.Expect{}), "delete")

	patch := product.Patch{Vendor: ptr("Acme"), Options: &product.OptionsPatch{Set: map[string]*string{"Fit": ptr("slim")}}}
	ctx := product.WithIdempotencyKey(s.ctx(), "group")
	patched, err := s.UpdateGroup(ctx, "shirt", patch)
	s.ok(err, "update")
	s.equal(len(patched), 2, "variants")
	for i, before := range []product.Product{small, large} {
		now := s.get(before.ID)
		s.equal(patched[i], now, "variant %d", i)
		s.equal(now.Version, int64(2), "version of variant %d", i)
		s.equal(now.Options, map[string]string{"Size": before.Options["Size"], "Fit": "slim"}, "options of variant %d", i)
		s.equal(len(s.changes(before.ID)), 2, "history of variant %d", i)
	}
	s.equal(s.get(foreign.ID), foreign, "another group")

	_, err = s.Update(s.ctx(), small.ID, product.Patch{Name: ptr("later")}, product.Expect{})
	s.ok(err, "update one")
	again, err := s.UpdateGroup(ctx, "shirt", patch)
	s.ok(err, "again")
	s.equal(product.Replayed(ctx), true, "replayed")
	s.equal(again, patched, "the group as of then")
	same, err := s.UpdateGroup(s.ctx(), "shirt", patch)
	s.ok(err, "a patch that changes nothing")
	s.equal(same[0].Version, int64(3), "version")

	_, err = s.UpdateGroup(s.ctx(), "socks", patch)
	s.fails(err, product.ErrNotFound, "a group of nobody")
	_, err = s.UpdateGroup(s.ctx(), "shirt", product.Patch{SKU: ptr("S")})
	s.fails(err, product.ErrInvalid, "one SKU for all")
	_, err = s.UpdateGroup(s.ctx(), "shirt", product.Patch{Assert: product.Assert{OnHand: ptr(int64(0))}})
	s.fails(err, product.ErrInvalid, "one stock for all")
	_, err = s.UpdateGroup(s.ctx(), "", patch)
	s.fails(err, product.ErrInvalid, "no group")
}

func (s *suite) groupOrNone() {
	small, large := s.variant("shirt", "S"), s.variant("shirt", "L")
	feed := s.feedLength()
	var which *product.VariantError
	var taken *product.TakenError
	_, err := s.UpdateGroup(s.ctx(), "shirt", product.Patch{
		Vendor: ptr("Acme"), Options: &product.OptionsPatch{Set: map[string]*string{"Size": nil}},
	})
	if !errors.As(err, &which) || !errors.As(err, &taken) || which.ID != large.ID || which.SKU != large.SKU || taken.By != small.ID {
		s.Fatalf("two variants made equal: %v", err)
	}
	_, err = s.UpdateGroup(s.ctx(), "shirt", product.Patch{Price: &product.MoneyPatch{Amount: ptr(int64(-1))}})
	s.fails(err, product.ErrInvalid, "a negative price")
	for _, before := range []product.Product{small, large} {
		s.equal(s.get(before.ID), before, "variant")
	}
	s.equal(s.feedLength(), feed, "feed")

	// The same inside a batch whose other writes stand.
	clear := product.Write{Op: product.OpUpdateGroup, Group: "shirt", Patch: &product.Patch{
		Vendor: ptr("Acme"), Options: &product.OptionsPatch{Clear: true},
	}, At: small.CreatedAt}
	rename := product.Write{Op: product.OpUpdate, ID: small.ID, Patch: &product.Patch{SKU: ptr("N")}, At: small.CreatedAt}
	outcomes := s.apply(rename, clear, write(small.SKU))
	s.ok(outcomes[0].Err, "the write before")
	s.fails(outcomes[1].Err, product.ErrTaken, "the group")
	s.ok(outcomes[2].Err, "the write after")
	s.equal(s.get(large.ID), large, "the variant that was not renamed")

	moved, err := s.UpdateGroup(s.ctx(), "shirt", product.Patch{Group: ptr("tops")})
	s.ok(err, "move")
	s.equal(len(moved), 2, "moved variants")
	_, err = s.UpdateGroup(s.ctx(), "shirt", product.Patch{})
	s.fails(err, product.ErrNotFound, "a group that has moved away")
}

func (s *suite) groupTooBig() {
	ops := make([]product.Operation, product.MaxVariants+1)
	for i := range ops {
		d := draft(fmt.Sprintf("V-%03d", i))
		d.Group, d.Options = "big", map[string]string{"No": fmt.Sprint(i)}
		ops[i] = product.Create{Draft: d}
	}
	svc := NewService(s.T, s.store, &product.Options{BatchTimeout: time.Minute}) // however slow the machine is
	_, err := svc.AtomicBatch(s.ctx(), ops)
	s.ok(err, "create")
	_, err = svc.UpdateGroup(s.ctx(), "big", product.Patch{Vendor: ptr("Acme")})
	s.fails(err, product.ErrInvalid, "too many variants")
	last, err := s.GetBySKU(s.ctx(), fmt.Sprintf("V-%03d", product.MaxVariants))
	s.ok(err, "get")
	s.ok(s.Delete(s.ctx(), last.ID, product.Expect{}), "delete one")
	patched, err := svc.UpdateGroup(product.WithIdempotencyKey(s.ctx(), "k"), "big", product.Patch{Vendor: ptr("Acme")})
	s.ok(err, "as many as may be")
	s.equal(len(patched), product.MaxVariants, "variants")
}

// groupUnderWrites patches a group while its variants are patched, moved out and back, and wants
// every patch of the group on all that stayed, or on none.
func (s *suite) groupUnderWrites() {
	var variants []product.Product
	for i := range 6 {
		variants = append(variants, s.variant("shirt", fmt.Sprint(i)))
	}
	const rounds = 15
	s.crowd(4, func(i int) {
		for round := range rounds {
			var err error
			switch mine := variants[i].ID; {
			case i == 0:
				_, err = s.UpdateGroup(s.ctx(), "shirt", product.Patch{Vendor: ptr(fmt.Sprint(round))})
			case i == 1 && round%2 == 0:
				_, err = s.Update(s.ctx(), mine, product.Patch{Group: ptr("hat")}, product.Expect{})
			case i == 1:
				_, err = s.Update(s.ctx(), mine, product.Patch{Group: ptr("shirt")}, product.Expect{})
			default:
				_, err = s.Update(s.ctx(), mine, product.Patch{Name: ptr(fmt.Sprint(round))}, product.Expect{})
			}
			if err != nil && !matches(err, product.ErrBusy) {
				s.Errorf("unexpected: %v", err)
			}
		}
	})
	vendor := s.get(variants[0].ID).Vendor
	for _, v := range variants[2:] { // the second was away at times
		s.equal(s.get(v.ID).Vendor, vendor, "vendor of %s", v.SKU)
	}
}
