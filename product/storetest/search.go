package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// named adds products of these names, whose SKUs are 0, 1, 2, …
func (s *suite) named(names ...string) {
	s.Helper()
	for i, name := range names {
		d := draft(fmt.Sprint("SKU-", i))
		d.Name = name
		s.create(d)
	}
}

// finds wants what a query finds, as SKUs in their order without SKU-.
func (s *suite) finds(q product.Query, want string) {
	s.Helper()
	var skus []string
	for p, err := range s.All(s.ctx(), q) {
		s.ok(err, "search for %q", q.Text)
		skus = append(skus, strings.TrimPrefix(p.SKU, "SKU-"))
	}
	s.equal(strings.Join(skus, " "), want, "found by %q", q.Text)
}

func (s *suite) search() {
	s.named(
		"Red Shirt",
		"Café crème “Größe M”",
		"ŁÓDŹ smørrebrød",
		"東京都 青い花瓶",
		"무선 이어폰",
		"ノートパソコン",
		"Ελληνικός ΚΑΦΈΣ",
		"Ёлка зелёная",
		"Men's T-Shirt, blue red",
		"drill (3/8\") * + - < > ~ @ 100%",
		"the a of",
		"กาแฟ हिन्दी",
		"京都",
	)
	for text, want := range map[string]string{
		"red shirt": "0 8", "RED  SHIRT": "0 8", "shirt red": "0 8", "shi": "0 8", "red sh": "0 8",
		"shi red": "", "shi ": "", "shirt ": "0 8", "red green": "", "redd": "", "ed": "",
		`"red shirt"`: "0", `"shirt red"`: "", `"blue red" shi`: "8", `"red shi"`: "", `"red shirt`: "0", "“red shirt„": "0",
		"cafe": "1", "CREME café": "1", "grosse": "1", "größe": "1", "GRÖSSE": "1", "gro": "1",
		"lodz": "2", "Smorrebrod": "2", "smørre": "2",
		"東京": "3", "京": "12 3", "花瓶": "3", "東都": "", "京都": "12 3", "東京都青い": "", "東京都 青い": "3", "青い花瓶": "3", "瓶": "3",
		"이어폰": "4", "이어": "4", "무선 이어폰": "4", "무": "4", "パソコン": "5", "ﾊﾟｿｺﾝ": "5", "ソン": "",
		"καφες": "6", "ελληνικοσ": "6", "елка": "7", "ЗЕЛЕНАЯ": "7",
		"men's": "8", "mens": "8", "t-shirt": "8", "tshirt": "8", "t shirt": "8", "T-SHI": "8", "tshi": "8", "shirt-t": "",
		"drill (": "9", "3/8": "9", "38": "9", "drill 100%": "9",
		"the": "10", "a of": "10", "กาแฟ": "11", "हिन्दी": "11",
		"?!": "", " ": "", `""`: "", "*": "",
		"sku-12": "12", "SKU 12": "12",
	} {
		s.finds(product.Query{Text: text}, want)
	}
	s.finds(product.Query{Text: "sku", Sort: product.SortSKU}, "0 1 10 11 12 2 3 4 5 6 7 8 9")
}

func (s *suite) searchRank() {
	add := func(sku string, change func(d *product.Draft)) {
		d := draft(sku)
		d.Name = "Something else"
		change(&d)
		s.create(d)
	}
	add("in-prose", func(d *product.Draft) { d.Description = "<p>Not a <b>kettle</b>&nbsp;at all</p>" })
	add("in-tag", func(d *product.Draft) { d.Tags = []string{"new", "kettle"} })
	add("in-category", func(d *product.Draft) { d.Category = "kitchen/kettle" })
	add("in-vendor", func(d *product.Draft) { d.Vendor = "Kettle" })
	add("in-option", func(d *product.Draft) { d.Group, d.Options = "g", map[string]string{"Kind": "kettle"} })
	add("beginning", func(d *product.Draft) { d.Name = "Kettledrum" })
	add("long-name", func(d *product.Draft) { d.Name = "A big kettle of steel" })
	add("name", func(d *product.Draft) { d.Name = "Kettle" })
	add("kettle", func(d *product.Draft) {})
	add("AB-12/3", func(d *product.Draft) { d.Barcode = "4006381333931" })
	add("AB-12/34", func(d *product.Draft) { d.Name = "AB-12/3 spare part" })

	s.finds(product.Query{Text: "kettle"}, "kettle name long-name beginning in-tag in-category in-vendor in-option in-prose")
	s.finds(product.Query{Text: "kettl"}, "beginning name long-name in-tag in-category in-vendor in-option kettle in-prose")
	s.finds(product.Query{Text: "kettle "}, "kettle name long-name in-tag in-category in-vendor in-option in-prose")
	s.finds(product.Query{Text: "b"}, "long-name beginning")
	for _, code := range []string{"AB-12/3", "ab123", "ab 12 3", "AB12-3"} {
		s.finds(product.Query{Text: code, Limit: 1}, "AB-12/3 AB-12/34")
	}
	s.finds(product.Query{Text: "4006381333931"}, "AB-12/3")
	s.finds(product.Query{Text: "4006-3813 33931"}, "AB-12/3")
}

func (s *suite) searchFollows() {
	d := draft("SKU-0")
	d.Name, d.Tags = "Old lamp", []string{"brass"}
	p := s.create(d)
	s.finds(product.Query{Text: "lamp"}, "0")

	_, err := s.Update(s.ctx(), p.ID, product.Patch{Name: ptr("New lantern"), Tags: ptr([]string{"copper"})}, product.Expect{})
	s.ok(err, "rename")
	s.finds(product.Query{Text: "lamp"}, "")
	s.finds(product.Query{Text: "brass"}, "")
	s.finds(product.Query{Text: "new lantern copper"}, "0")
	_, err = s.Update(s.ctx(), p.ID, product.Patch{Price: &product.MoneyPatch{Amount: ptr(int64(1))}}, product.Expect{})
	s.ok(err, "reprice")
	s.finds(product.Query{Text: "lantern"}, "0")

	s.ok(s.Delete(s.ctx(), p.ID, product.Expect{}), "delete")
	s.finds(product.Query{Text: "lantern"}, "")
	s.finds(product.Query{Text: "lantern", Deleted: true}, "0")
	_, err = s.Restore(s.ctx(), p.ID, product.Expect{})
	s.ok(err, "restore")
	s.finds(product.Query{Text: "lantern"}, "0")

	q := draft("SKU-1")
	q.Name = "Lantern made by a merge"
	for range 2 {
		outcomes, err := s.Merge(s.ctx(), []product.Entry{{Draft: q}})
		s.ok(err, "merge")
		s.ok(outcomes[0].Err, "merged")
		s.finds(product.Query{Text: "lantern", Sort: product.SortSKU}, "0 1")
	}
}

func (s *suite) searchPages() {
	const n = 40
	entries := make([]product.Entry, n)
	for i := range entries {
		d := draft(fmt.Sprintf("SKU-%02d", i))
		d.Name = "Glass jar"
		d.Price.Amount = int64(1000 - i)
		d.Vendor = []string{"even", "odd"}[i%2]
		d.Stock = ptr(int64(i % 4))
		if i < 30 {
			d.Status = product.StatusActive
		}
		entries[i] = product.Entry{Draft: d}
	}
	_, err := s.Merge(s.ctx(), entries)
	s.ok(err, "merge")

	for _, sort := range append(product.Sorts(), "") {
		limits := []int{7, n, n + 1}
		if sort == "" {
			limits = append(limits, 1)
		}
		for _, limit := range limits {
			seen := map[string]bool{}
			q := product.Query{Text: "jar glass", Sort: sort, Limit: limit, Currency: "EUR"}
			for pages := 1; ; pages++ {
				page, err := s.List(s.ctx(), q)
				s.ok(err, "page by %q", sort)
				for _, p := range page.Items {
					seen[p.SKU] = true
				}
				if q.Cursor = page.Next; q.Cursor == "" {
					s.equal(pages, (n-1)/limit+1, "pages by %q of %d", sort, limit)
					break
				}
			}
			s.equal(len(seen), n, "products by %q in pages of %d", sort, limit)
		}
	}
	s.finds(product.Query{Text: "jar", Sort: product.SortPrice, Currency: "EUR", PriceMax: ptr(int64(962))}, "39 38")
	s.finds(product.Query{Text: "jar", Vendor: "odd", Status: product.StatusActive, InStock: ptr(true), SKUPrefix: "SKU-1", Sort: product.SortSKU}, "11 13 15 17 19")
	s.finds(product.Query{Text: "jar", Published: ptr(false), SKUPrefix: "SKU-3", Sort: product.SortSKU}, "30 31 32 33 34 35 36 37 38 39")
	count, err := s.Count(s.ctx(), product.Query{Text: "jar", Vendor: "odd"})
	s.ok(err, "count")
	s.equal(count, product.Count{Value: n / 2, Exact: true}, "count")

	first, err := s.List(s.ctx(), product.Query{Text: "jar", Limit: 5})
	s.ok(err, "first page")
	_, err = s.List(s.ctx(), product.Query{Text: "glass", Limit: 5, Cursor: first.Next})
	s.fails(err, product.ErrBadCursor, "another text")
	_, err = s.List(s.ctx(), product.Query{Text: "jar", Limit: 5, Sort: product.SortSKU, Cursor: first.Next})
	s.fails(err, product.ErrBadCursor, "another order")

	// A page begins behind the last one also when its last product is gone.
	s.ok(s.Delete(s.ctx(), first.Items[4].ID, product.Expect{}), "delete")
	second, err := s.List(s.ctx(), product.Query{Text: "jar", Limit: 5, Cursor: first.Next})
	s.ok(err, "second page")
	for _, p := range second.Items {
		s.equal(slices.ContainsFunc(first.Items, func(f product.Product) bool { return f.ID == p.ID }), false, "%s again", p.SKU)
	}
	back, err := s.List(s.ctx(), product.Query{Text: "jar", Limit: 5, Cursor: second.Prev})
	s.ok(err, "the page before")
	s.equal([]string{back.Items[0].SKU, back.Prev}, []string{first.Items[0].SKU, ""}, "the page before")
}

// searchAnything holds that no text is an error of the engine's full-text syntax.
func (s *suite) searchAnything() {
	s.named("plain product")
	for _, text := range []string{
		"drill (", ")", "(((", `"`, `'`, `\`, `\'`, "`", "* *", "+", "-", "+-plain", "plain*", "pla*n", "~plain", "<plain >plain", "@3 plain",
		"plain AND", "OR", "NOT plain", "NEAR(plain product, 2)", "name:plain", "^plain", "{plain}", "plain;--", "%", "_", "n_plain", "c_",
		"\x00", "plain\x00product", "\xff\xfe", "\u202eplain", "🎁", "a\u0301\u0302", strings.Repeat("(", product.MaxTextLen),
		strings.Repeat("a ", product.MaxTextLen/2), strings.Repeat("茶碗", product.MaxTextLen/2), strings.Repeat("茶 ", product.MaxTextLen/2),
		strings.Repeat("x", product.MaxTextLen), strings.Repeat("𐐀", product.MaxTextLen), strings.Repeat("a-", product.MaxTextLen/2),
		strings.Repeat("ﷺ", product.MaxTextLen), strings.Repeat(`"a" `, product.MaxTextLen/4),
	} {
		for _, q := range []product.Query{{Text: text}, {Text: text + " ", Sort: product.SortName}} {
			if len([]rune(q.Text)) > product.MaxTextLen {
				continue
			}
			_, err := s.List(s.ctx(), q)
			s.ok(err, "search for %q", q.Text)
			_, err = s.Count(s.ctx(), q)
			s.ok(err, "count of %q", q.Text)
		}
	}
	_, err := s.List(s.ctx(), product.Query{Text: strings.Repeat("x", product.MaxTextLen+1)})
	s.fails(err, product.ErrInvalid, "too long a text")
	s.fails(s.Service.Export(s.ctx(), product.Query{Text: "plain"}, func(product.Row) error { return nil }), product.ErrInvalid, "exporting a search")
}
