package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

func (s *suite) lookup() {
	a, b := s.create(draft("A")), s.create(draft("B"))
	unknown := uuid.New()
	keys := []product.Key{product.BySKU("nope"), product.BySKU("B"), product.ByID(a.ID), product.ByID(unknown), product.BySKU("B"), product.BySKU("é")}
	found, missing, err := s.Lookup(s.ctx(), keys)
	s.ok(err, "lookup")
	s.equal(found, []product.Product{b, a}, "found")
	s.equal(missing, []product.Key{product.BySKU("nope"), product.ByID(unknown), product.BySKU("é")}, "missing")
	_, _, err = s.Lookup(s.ctx(), make([]product.Key, product.MaxLookup+1))
	s.fails(err, product.ErrInvalid, "too many")
	found, missing, err = s.Lookup(s.ctx(), nil)
	s.ok(err, "lookup of nothing")
	s.equal(len(found)+len(missing), 0, "products in nothing")
}

// shelf fills the store with n products whose sort keys repeat.
func (s *suite) shelf(n int) {
	s.Helper()
	entries := make([]product.Entry, n)
	for i := range entries {
		d := draft(fmt.Sprintf("S-%03d", (i*37)%n))
		d.Name = []string{"apple", "Apple", "Äpfel", "zebra", "Banana"}[i%5]
		d.Price.Amount = int64(i % 4)
		entries[i] = product.Entry{Draft: d}
	}
	outcomes, err := s.Merge(s.ctx(), entries)
	s.ok(err, "merge")
	for i, o := range outcomes {
		s.ok(o.Err, "entry %d", i)
	}
}

func (s *suite) paging() {
	const n = 75
	s.shelf(n)
	for _, sort := range product.Sorts() {
		limits := []int{7, n, n + 1}
		if sort == product.SortPrice { // of which there are four
			limits = append(limits, 1)
		}
		for _, limit := range limits {
			q := product.Query{Sort: sort, Limit: limit, Currency: "EUR"}
			var all []product.Product
			var last product.Page
			for pages := 0; ; pages++ {
				page, err := s.List(s.ctx(), q)
				s.ok(err, "%s", sort)
				all = append(all, page.Items...)
				s.equal(page.Prev != "", pages > 0, "a page before page %d by %s", pages, sort)
				last = page
				if q.Cursor = page.Next; q.Cursor == "" {
					s.equal(pages, (n-1)/limit, "pages by %s of %d after the first", sort, limit)
					break
				}
			}
			s.inOrder(all, sort)
			seen := map[uuid.UUID]bool{}
			for _, p := range all {
				seen[p.ID] = true
			}
			s.equal([]int{len(all), len(seen)}, []int{n, n}, "products by %s", sort)
			back := last.Items
			for last.Prev != "" {
				q.Cursor = last.Prev
				var err error
				last, err = s.List(s.ctx(), q)
				s.ok(err, "%s, backward", sort)
				s.equal(last.Next != "", true, "a page behind, by %s", sort)
				back = append(slices.Clone(last.Items), back...)
			}
			for i := range all {
				s.equal(back[i].SKU, all[i].SKU, "product %d by %s in pages of %d, backward", i, sort, limit)
			}
		}
	}
	first, err := s.List(s.ctx(), product.Query{Limit: 5})
	s.ok(err, "list")
	for what, q := range map[string]product.Query{
		"another sort":      {Limit: 5, Sort: product.SortSKU, Cursor: first.Next},
		"another filter":    {Limit: 5, Vendor: "x", Cursor: first.Next},
		"a damaged cursor":  {Limit: 5, Cursor: first.Next[:10]},
		"no base64":         {Limit: 5, Cursor: "§§§"},
		"an altered cursor": {Limit: 5, Cursor: "B" + first.Next[1:]},
	} {
		_, err := s.List(s.ctx(), q)
		s.fails(err, product.ErrBadCursor, "%s", what)
	}
	_, err = s.List(s.ctx(), product.Query{Limit: 9, Cursor: first.Next})
	s.ok(err, "another limit")
}

// inOrder wants the products in the order of the sort. Names are left to the engine's
// collation; here only letters without accents count, and case does not.
func (s *suite) inOrder(all []product.Product, sort product.Sort) {
	s.Helper()
	compare := map[product.Sort]func(a, b product.Product) int{
		product.SortCreated: func(a, b product.Product) int { return a.CreatedAt.Compare(b.CreatedAt) },
		product.SortUpdated: func(a, b product.Product) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
		product.SortPrice:   func(a, b product.Product) int { return int(a.Price.Amount - b.Price.Amount) },
		product.SortSKU:     func(a, b product.Product) int { return strings.Compare(a.SKU, b.SKU) },
		product.SortName: func(a, b product.Product) int {
			if a.Name == "Äpfel" || b.Name == "Äpfel" {
				return 0
			}
			return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
		},
	}[product.Sort(strings.TrimPrefix(string(sort), "-"))]
	if sort.Descending() {
		all = slices.Clone(all)
		slices.Reverse(all)
	}
	for i := 1; i < len(all); i++ {
		if compare(all[i-1], all[i]) > 0 {
			s.Fatalf("by %s, %+v comes before %+v", sort, all[i-1], all[i])
		}
	}
}

func (s *suite) filters() {
	a := full("A")
	a.Price = product.Money{Amount: 100, Currency: "EUR"}
	b := full("B")
	b.Group, b.Category, b.Tags, b.Vendor, b.Status = "group/Ä", "apparel/shirts", []string{"women"}, "acme & söhne", product.StatusArchived
	b.Price = product.Money{Amount: 200, Currency: "EUR"}
	b.CompareAt, b.Backorder = nil, false
	b.Stock = ptr(int64(5))
	c := draft("c")
	c.Category, c.Price = "apparel/shirtsleeves", product.Money{Amount: 300, Currency: "USD"}
	s.create(a)
	pb := s.create(b)
	s.create(c)
	updated, err := s.Update(s.ctx(), pb.ID, product.Patch{Name: ptr("later")}, product.Expect{})
	s.ok(err, "update")

	for _, test := range []struct {
		name string
		q    product.Query
		want string
	}{
		{"all", product.Query{}, "A B c"},
		{"status", product.Query{Status: product.StatusArchived}, "B"},
		{"category with what is below", product.Query{Category: "apparel/shirts"}, "A B"},
		{"category above", product.Query{Category: "apparel"}, "A B c"},
		{"category of nothing", product.Query{Category: "apparel/shirt"}, ""},
		{"category by case", product.Query{Category: "Apparel"}, ""},
		{"tag", product.Query{Tag: "men"}, "A"},
		{"tag by accent", product.Query{Tag: "ete"}, ""},
		{"vendor by case", product.Query{Vendor: "Acme & Söhne"}, "A"},
		{"group by case", product.Query{Group: "group/ä"}, "A"},
		{"SKU prefix", product.Query{SKUPrefix: "A"}, "A"},
		{"currency", product.Query{Currency: "USD"}, "c"},
		{"price from", product.Query{Currency: "EUR", PriceMin: ptr(int64(101))}, "B"},
		{"price to", product.Query{Currency: "EUR", PriceMax: ptr(int64(200))}, "A B"},
		{"price from and to", product.Query{Currency: "EUR", PriceMin: ptr(int64(100)), PriceMax: ptr(int64(100))}, "A"},
		{"in stock", product.Query{InStock: ptr(true)}, "B"},
		{"out of stock", product.Query{InStock: ptr(false)}, "A c"},
		{"updated since", product.Query{UpdatedSince: updated.UpdatedAt}, "B"},
		{"updated since later", product.Query{UpdatedSince: updated.UpdatedAt.Add(time.Microsecond)}, ""},
		{"deleted", product.Query{Deleted: true}, ""},
		{"several", product.Query{Status: product.StatusActive, Category: "apparel", Tag: "men", Vendor: "Acme & Söhne"}, "A"},
	} {
		var skus []string
		for _, sort := range product.Sorts() {
			test.q.Sort = sort
			if strings.Contains(string(sort), "price") && test.q.Currency == "" {
				continue
			}
			skus = nil
			for p, err := range s.All(s.ctx(), test.q) {
				s.ok(err, "%s by %s", test.name, sort)
				skus = append(skus, p.SKU)
			}
			slices.Sort(skus)
			s.equal(strings.Join(skus, " "), test.want, "%s by %s", test.name, sort)
			count, err := s.Count(s.ctx(), test.q)
			s.ok(err, "count of %s", test.name)
			s.equal(count, product.Count{Value: len(skus), Exact: true}, "count of %s", test.name)
		}
	}
	for name, q := range map[string]product.Query{
		"status":                       {Status: "x"},
		"sort":                         {Sort: "x"},
		"sort by price, no currency":   {Sort: product.SortPrice},
		"price range without currency": {PriceMin: ptr(int64(1))},
		"currency":                     {Currency: "eur"},
		"limit":                        {Limit: -1},
		"category":                     {Category: "/a"},
		"published, but deleted":       {Published: ptr(true), Deleted: true},
	} {
		_, err := s.List(s.ctx(), q)
		s.fails(err, product.ErrInvalid, "a wrong %s", name)
		_, err = s.Count(s.ctx(), q)
		s.fails(err, product.ErrInvalid, "a wrong %s, counted", name)
	}
}

func (s *suite) cappedCount() {
	s.shelf(5)
	for most, want := range map[int]int{1: 1, 4: 4, 5: 5, 6: 5} {
		n, err := s.store.Count(s.ctx(), product.Query{Sort: product.SortName, Limit: 1, After: &product.Position{}}, most)
		s.ok(err, "count")
		s.equal(n, want, "products, counted to %d", most)
	}
}

func (s *suite) pagingUnderWrites() {
	trial := PagingTrial{Store: s.store, Stay: 20, Limits: []int{3, 11}}
	s.ok(trial.Run(s.ctx()), "trial")
}
