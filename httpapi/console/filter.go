package console

import (
	"net/url"
	"time"

	"github.com/productkit-go/productkit/product"
)

// filterNames are the parameters of the list of products, named as the API's. Prices are in major units,
// as people write them.
var filterNames = []string{"q", "status", "published", "in_stock", "category", "tag", "vendor", "group", "sku_prefix", "currency", "price_min", "price_max", "updated_since", "deleted", "sort"}

// filter is a form that selects products.
type filter struct {
	form
	query product.Query
}

// parseFilter reads the filter of an address. Empty parameters are those of empty fields, and unknown ones
// are left alone, for an address may be older than the console.
func parseFilter(values url.Values) filter {
	f := filter{form: form{values: values}}
	f.query = product.Query{
		Text:      values.Get("q"),
		Status:    product.Status(values.Get("status")),
		Published: f.flag("published"),
		InStock:   f.flag("in_stock"),
		Category:  values.Get("category"),
		Tag:       values.Get("tag"),
		Vendor:    values.Get("vendor"),
		Group:     values.Get("group"),
		SKUPrefix: values.Get("sku_prefix"),
		Currency:  values.Get("currency"),
		Deleted:   values.Get("deleted") == "true",
		Sort:      product.Sort(values.Get("sort")),
		Cursor:    values.Get("cursor"),
	}
	f.query.PriceMin, f.query.PriceMax = f.price("price_min"), f.price("price_max")
	if since := values.Get("updated_since"); since != "" {
		day, err := time.Parse(time.DateOnly, since)
		if err != nil {
			f.fault("updated_since", "must be a day such as 2026-01-31, in UTC")
		}
		f.query.UpdatedSince = day
	}
	if f.query.Sort == "" && f.query.Text == "" {
		f.query.Sort = product.SortUpdatedDesc // what was touched last is what people look for
	}
	return f
}

func (f *filter) flag(name string) *bool {
	switch f.values.Get(name) {
	case "true":
		return new(true)
	case "false":
		return new(false)
	}
	return nil
}

func (f *filter) price(name string) *int64 {
	decimal := f.values.Get(name)
	if decimal == "" || f.query.Currency == "" {
		if decimal != "" {
			f.fault("currency", "is missing; prices compare only within one currency")
		}
		return nil
	}
	m, err := product.ParseMoney(decimal, f.query.Currency)
	if err != nil {
		if _, ok := product.CurrencyDigits(f.query.Currency); ok { // or it is the currency's fault, which the Service tells
			f.fault(name, err.Error())
		}
		return nil
	}
	return &m.Amount
}

// active reports whether anything but the text and the order is asked for, so that the fields show.
func (f *filter) active() bool {
	for _, name := range filterNames {
		if name != "q" && name != "sort" && name != "status" && f.values.Get(name) != "" {
			return true
		}
	}
	return false
}

// address is the one of this filter with other parameters set, and those removed that are empty. It
// begins again at the first page.
func (f *filter) address(pairs ...string) string {
	values := make(url.Values)
	for _, name := range append([]string{"open"}, filterNames...) {
		for _, v := range f.values[name] {
			if v != "" {
				values.Add(name, v)
			}
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			values.Del(pairs[i])
		}
	}
	return "?" + values.Encode()
}

// main are the fields that are always seen, more those behind a disclosure.
func (f *filter) main() []field {
	return []field{
		f.field(field{Name: "q", Label: "Search", Type: "search", Hint: "Name, SKU, barcode, vendor, category, tag"}),
		f.field(field{Name: "status", Label: "Status", Type: "select", Options: []option{{"", "Any"}, {"active", "Active"}, {"draft", "Draft"}, {"archived", "Archived"}}}),
	}
}

func (f *filter) more() []field {
	either := func(yes, no string) []option { return []option{{"", "Any"}, {"true", yes}, {"false", no}} }
	return []field{
		f.field(field{Name: "in_stock", Label: "Stock", Type: "select", Options: either("In stock", "Out of stock")}),
		f.field(field{Name: "published", Label: "Published", Type: "select", Options: either("Published now", "Not published")}),
		f.field(field{Name: "category", Label: "Category", Type: "text"}),
		f.field(field{Name: "vendor", Label: "Vendor", Type: "text"}),
		f.field(field{Name: "tag", Label: "Tag", Type: "text"}),
		f.field(field{Name: "group", Label: "Group", Type: "text"}),
		f.field(field{Name: "sku_prefix", Label: "SKU begins with", Type: "text"}),
		f.field(field{Name: "currency", Label: "Currency", Type: "text"}),
		f.field(field{Name: "price_min", Label: "Price from", Type: "text"}),
		f.field(field{Name: "price_max", Label: "Price to", Type: "text"}),
		f.field(field{Name: "updated_since", Label: "Changed since", Type: "date"}),
		f.field(field{Name: "deleted", Label: "Deleted products instead", Type: "checkbox"}),
	}
}

// order is the field of the sort. It stands beside the products, so that it changes with them.
func (f *filter) order() field {
	c := f.field(field{Name: "sort", Label: "Sort by", Type: "select", Form: "filter", Options: []option{
		{"-updated_at", "Changed last"}, {"updated_at", "Changed first"}, {"-created_at", "Newest"}, {"created_at", "Oldest"},
		{"name", "Name"}, {"-name", "Name, backward"}, {"sku", "SKU"}, {"-sku", "SKU, backward"},
	}})
	if f.query.Currency != "" {
		c.Options = append(c.Options, option{"price", "Cheapest"}, option{"-price", "Dearest"})
	}
	if f.query.Text != "" {
		c.Options = append([]option{{"", "Best match"}}, c.Options...)
	}
	if c.Value == "" {
		c.Value = string(f.query.Sort)
	}
	return c
}
