package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// exported returns the SKUs and stocks of an export, as "SKU:stock SKU:stock".
func (s *suite) exported(q product.Query) string {
	s.Helper()
	var all []string
	err := s.Export(s.ctx(), q, func(r product.Row) error {
		s.equal(r.Stock.ProductID, r.Product.ID, "the stock's product")
		all = append(all, fmt.Sprintf("%s:%d", r.Product.SKU, r.Stock.OnHand))
		return nil
	})
	s.ok(err, "export")
	return strings.Join(all, " ")
}

func (s *suite) export() {
	s.equal(s.exported(product.Query{}), "", "an empty catalogue")
	b, a, gone := s.createWithStock("b", 2), s.createWithStock("A", 1), s.createWithStock("gone", 9)
	long := draft("a/long")
	long.Vendor, long.Category, long.Tags, long.Stock = "Acme", "x/y", []string{"t"}, ptr(int64(7))
	s.create(long)
	s.ok(s.Delete(s.ctx(), gone.ID, product.Expect{}), "delete")

	s.equal(s.exported(product.Query{}), "A:1 a/long:7 b:2", "all")
	for name, q := range map[string]product.Query{
		"vendor": {Vendor: "Acme"}, "category": {Category: "x"}, "tag": {Tag: "t"}, "prefix": {SKUPrefix: "a/"},
	} {
		s.equal(s.exported(q), "a/long:7", "by %s", name)
	}
	s.equal(s.exported(product.Query{Vendor: "nobody"}), "", "of nobody")
	s.fails(s.Export(s.ctx(), product.Query{Category: "/"}, nil), product.ErrInvalid, "a wrong filter")

	stop := errors.New("enough")
	n := 0
	err := s.Export(s.ctx(), product.Query{}, func(product.Row) error { n++; return stop })
	s.fails(err, stop, "the callback's error")
	s.equal(n, 1, "calls after an error")

	got, err := s.Service.Get(s.ctx(), a.ID)
	s.ok(err, "get after exports")
	s.equal(got, a, "the product")
	_, err = s.AdjustStock(s.ctx(), b.ID, 1, "", product.Expect{})
	s.ok(err, "a write after exports")
}

func (s *suite) preview() {
	known := full("known")
	known.Group, known.Options = "g", map[string]string{"Size": "S"}
	p := s.create(known)
	same := full("twin")
	same.Group, same.Options = "g", map[string]string{"Size": "S"}
	bad := draft("bad")
	bad.Name = ""
	entries := []product.Entry{
		{Draft: draft("new")},
		{Draft: known, Patch: product.Patch{Name: ptr("other")}},
		{Draft: known, Patch: product.Patch{Name: ptr("other")}},
		{Draft: same},
		{Draft: bad},
		{Draft: draft("new")},
	}
	said, err := s.Preview(s.ctx(), entries)
	s.ok(err, "preview")
	page, err := s.List(s.ctx(), product.Query{})
	s.ok(err, "list")
	s.equal(page.Items, []product.Product{p}, "products after a preview")
	did, err := s.Merge(s.ctx(), entries)
	s.ok(err, "merge")
	summary := func(outcomes []product.Outcome) []string {
		var all []string
		for _, o := range outcomes {
			all = append(all, fmt.Sprint(o.Result, o.Err != nil, errors.Is(o.Err, product.ErrTaken), errors.Is(o.Err, product.ErrInvalid)))
		}
		return all
	}
	s.equal(summary(said), summary(did), "outcomes")
	s.equal(slices.Contains(summary(said), fmt.Sprint(product.Created, false, false, false)), true, "something is created")
	_, err = s.Preview(s.ctx(), make([]product.Entry, product.MaxMerge+1))
	s.fails(err, product.ErrInvalid, "too many entries")
}
