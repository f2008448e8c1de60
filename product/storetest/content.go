package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// full has every member, in letters that trip a wrong character set.
func full(sku string) product.Draft {
	return product.Draft{Product: product.Product{
		SKU:         sku,
		Name:        "Größe „M“ – Ω 漢字 🧥 %_\\'\"",
		Description: "<p>Line\r\n\ttwo</p> NUL-free\u00a0text \u2028 🧵",
		Status:      product.StatusActive,
		PublishAt:   time.Date(2001, 2, 3, 4, 5, 6, 7000, time.UTC),
		UnpublishAt: time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		Price:       product.Money{Amount: product.MaxQuantity, Currency: "EUR"},
		CompareAt:   &product.Money{Amount: 0, Currency: "EUR"},
		Backorder:   true,
		Group:       "group/ä",
		Options:     map[string]string{"Size": "M", "Farbe": "rot", `q"`: `\`},
		Category:    "apparel/shirts/ärmellos",
		Tags:        []string{"men", "MEN", "été", "漢"},
		Vendor:      "Acme & Söhne",
		Barcode:     "4006381333931",
		WeightGrams: 180,
		Images:      []product.Image{{URL: "https://example.com/a.jpg?x=1&y=2", Alt: "vorn 🧥"}, {URL: "http://example.com/b"}},
		Attributes:  json.RawMessage(`{"a":1.10,"b":{"z":[true,null,"ü<>&"]},"n":12345678901234567890}`),
	}}
}

func (s *suite) roundTrip() {
	for _, d := range []product.Draft{draft("plain"), full("full")} {
		created := s.create(d)
		want := d.Product
		want.ID, want.Version, want.CreatedAt, want.UpdatedAt = created.ID, 1, created.CreatedAt, created.CreatedAt
		if want.Status == "" {
			want.Status = product.StatusDraft
		}
		s.equal(created, want, "created %s", d.SKU)
		if created.ID.Version() != 7 {
			s.Fatalf("the ID %s is not a UUIDv7", created.ID)
		}
		s.equal(s.get(created.ID), created, "by ID")
		bySKU, err := s.GetBySKU(s.ctx(), d.SKU)
		s.ok(err, "by SKU")
		s.equal(bySKU, created, "by SKU")
		page, err := s.List(s.ctx(), product.Query{SKUPrefix: d.SKU})
		s.ok(err, "list")
		s.equal(page.Items, []product.Product{created}, "list")
	}
	_, err := s.Get(s.ctx(), uuid.New())
	s.fails(err, product.ErrNotFound, "an unknown ID")
	_, err = s.GetBySKU(s.ctx(), "unknown")
	s.fails(err, product.ErrNotFound, "an unknown SKU")
	_, err = s.GetBySKU(s.ctx(), "ünmöglich")
	s.fails(err, product.ErrNotFound, "an impossible SKU")
	_, err = s.Stock(s.ctx(), uuid.New())
	s.fails(err, product.ErrNotFound, "the stock of an unknown ID")
}

func (s *suite) limits() {
	d := draft(strings.Repeat("S", product.MaxSKULen))
	wide := func(n int) string { return strings.Repeat("漢", n) }
	d.Name, d.Vendor, d.Group = wide(product.MaxNameLen), wide(product.MaxNameLen), wide(product.MaxNameLen)
	d.Category = wide(product.MaxNameLen)
	d.Description = strings.Repeat("d", product.MaxDescriptionLen)
	d.Options = map[string]string{}
	for i := range product.MaxOptions {
		d.Options[fmt.Sprint(i)+wide(product.MaxOptionLen-2)] = wide(product.MaxOptionLen)
	}
	for i := range product.MaxTags {
		d.Tags = append(d.Tags, fmt.Sprintf("%02d", i)+wide(product.MaxTagLen-2))
	}
	for i := range product.MaxImages {
		url := fmt.Sprintf("https://example.com/%02d/", i)
		d.Images = append(d.Images, product.Image{URL: url + strings.Repeat("u", product.MaxURLLen-len(url)), Alt: wide(product.MaxAltLen)})
	}
	d.Attributes = json.RawMessage(`{"a":"` + strings.Repeat("a", product.MaxAttributesLen-8) + `"}`)
	d.WeightGrams = product.MaxQuantity
	d.Stock = ptr(int64(product.MaxQuantity))
	created := s.create(d)
	s.equal(s.get(created.ID), created, "at the limits")
	s.equal(s.stockOf(created.ID).OnHand, int64(product.MaxQuantity), "stock")

	_, err := s.AdjustStock(s.ctx(), created.ID, 1, "", product.Expect{})
	s.fails(err, product.ErrInvalid, "stock above the limit")
}

func (s *suite) bytewiseSKU() {
	skus := []string{"a", "A", "a/b", "a%2Fb", "a_", "a%", "~", `\`, "'", "0", "00", "0.0", "1e1"}
	for _, sku := range skus {
		s.create(draft(sku))
	}
	for _, sku := range skus {
		p, err := s.GetBySKU(s.ctx(), sku)
		s.ok(err, "get %s", sku)
		s.equal(p.SKU, sku, "SKU")
	}
	for prefix, want := range map[string]int{"a": 5, "a%": 2, "a_": 1, "A": 1, "0": 3, "~": 1, "b": 0} {
		page, err := s.List(s.ctx(), product.Query{SKUPrefix: prefix})
		s.ok(err, "list")
		s.equal(len(page.Items), want, "products with prefix %s", prefix)
	}
}

func (s *suite) takenSKU() {
	first, second := s.create(draft("A")), s.create(draft("B"))
	_, err := s.Create(s.ctx(), draft("A"))
	s.fails(err, product.ErrTaken, "create")
	var taken *product.TakenError
	if !errors.As(err, &taken) {
		s.Fatalf("%v is no TakenError", err)
	}
	s.equal(*taken, product.TakenError{Field: "sku", Value: "A", By: first.ID}, "error")
	_, err = s.Update(s.ctx(), second.ID, product.Patch{SKU: ptr("A")}, product.Expect{})
	s.fails(err, product.ErrTaken, "rename")
	s.equal(s.get(second.ID), second, "after a refused rename")

	renamed, err := s.Update(s.ctx(), first.ID, product.Patch{SKU: ptr("C")}, product.Expect{})
	s.ok(err, "rename to a free SKU")
	s.equal(renamed.SKU, "C", "SKU")
	_, err = s.GetBySKU(s.ctx(), "A")
	s.fails(err, product.ErrNotFound, "the old SKU")
	s.create(draft("A"))
}

func (s *suite) variants() {
	variant := func(sku, size string) product.Draft {
		d := draft(sku)
		d.Group, d.Options = "shirt", map[string]string{"Size": size, "Color": "red"}
		return d
	}
	small := s.create(variant("S", "S"))
	medium := s.create(variant("M", "M"))
	_, err := s.Create(s.ctx(), variant("M2", "M"))
	s.fails(err, product.ErrTaken, "create")
	var taken *product.TakenError
	if !errors.As(err, &taken) {
		s.Fatalf("%v is no TakenError", err)
	}
	s.equal(*taken, product.TakenError{Field: "options", Value: "shirt", By: medium.ID}, "error")
	toMedium := product.Patch{Options: &product.OptionsPatch{Set: map[string]*string{"Size": ptr("M")}}}
	_, err = s.Update(s.ctx(), small.ID, toMedium, product.Expect{})
	s.fails(err, product.ErrTaken, "patch of one option")

	other := variant("other", "M")
	other.Group = "shirt2"
	s.create(other)
	s.ok(s.Delete(s.ctx(), medium.ID, product.Expect{}), "delete")
	small, err = s.Update(s.ctx(), small.ID, toMedium, product.Expect{})
	s.ok(err, "patch after the other is gone")
	s.equal(small.Options, map[string]string{"Size": "M", "Color": "red"}, "options")
	_, err = s.Restore(s.ctx(), medium.ID, product.Expect{})
	s.fails(err, product.ErrTaken, "restore")
}
