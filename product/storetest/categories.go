package storetest

import (
	"fmt"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// categories wants each node of every tree to count what a list of its category selects.
func (s *suite) categories() {
	paths := []string{"", "a", "a/b", "a/b/c", "a-b", "a.b/c", "a b", "a0", "A/b", "ä", "ä/b", "z/y/x/w/v", "日本/東京"}
	for i, path := range paths {
		for k := range i%3 + 1 {
			d := draft(fmt.Sprintf("C-%d-%d", i, k))
			d.Category = path
			d.Status = []product.Status{product.StatusActive, product.StatusDraft, product.StatusActive}[k]
			if k == 2 {
				d.UnpublishAt = s.get(s.create(d).ID).CreatedAt // a twin whose time is over
				d.SKU += "-twin"
			}
			s.create(d)
		}
	}
	gone := draft("gone")
	gone.Category = "a/gone"
	s.ok(s.Delete(s.ctx(), s.create(gone).ID, product.Expect{}), "delete")

	for _, q := range []product.CategoryQuery{
		{}, {Depth: 1}, {Under: "a"}, {Under: "a/b", Depth: 1}, {Under: "ä"}, {Under: "a/b/c"},
		{Status: product.StatusDraft}, {Published: ptr(true)}, {Published: ptr(false), Under: "a"},
		{Status: product.StatusActive, Published: ptr(false)},
	} {
		root, err := s.Categories(s.ctx(), q)
		s.ok(err, "categories of %+v", q)
		s.equal(root.Path, q.Under, "the root's path")
		s.countsOf(root, q)
	}
	root, err := s.Categories(s.ctx(), product.CategoryQuery{Depth: 1})
	s.ok(err, "categories")
	var children []string
	for _, c := range root.Children {
		children = append(children, c.Path)
		s.equal(c.More, strings.Contains(" A a a.b z ä 日本 ", " "+c.Path+" "), "more below %s", c.Path)
	}
	s.equal(children, []string{"A", "a", "a b", "a-b", "a.b", "a0", "z", "ä", "日本"}, "the first level")

	for what, q := range map[string]product.CategoryQuery{"under": {Under: "a/"}, "depth": {Depth: -1}, "status": {Status: "x"}} {
		_, err := s.Categories(s.ctx(), q)
		s.fails(err, product.ErrInvalid, "a wrong %s", what)
	}
}

func (s *suite) countsOf(c product.Category, q product.CategoryQuery) {
	s.Helper()
	below := 0
	for _, child := range c.Children {
		below += child.Count
		s.countsOf(child, q)
	}
	if !c.More {
		s.equal(c.Count, c.Own+below, "products of %q and of what is below", c.Path)
	}
	listed, err := s.Count(s.ctx(), product.Query{Category: c.Path, Status: q.Status, Published: q.Published})
	s.ok(err, "count")
	s.equal(listed, product.Count{Value: c.Count, Exact: true}, "products of %q, listed", c.Path)
}
