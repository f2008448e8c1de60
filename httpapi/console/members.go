package console

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/productkit-go/productkit/product"
)

// member is one member of a product as its form shows it, under the name that faults give it.
type member struct {
	field
	section string

	// show is what the control holds for a product.
	show func(p *product.Product) string
	// read sets the member from what the control holds, and says what is wrong with that. All are the
	// form's values.
	read func(s string, d *product.Draft, all url.Values) (fault string)
	// patch changes a product's member to what it is in p.
	patch func(p *product.Product, into *product.Patch)
}

// line is a member of one line.
func line(name, label, hint, section string, of func(p *product.Product) *string, patch func(into *product.Patch) **string) member {
	return member{
		field: field{Name: name, Label: label, Type: "text", Hint: hint}, section: section,
		show:  func(p *product.Product) string { return *of(p) },
		read:  func(s string, d *product.Draft, _ url.Values) string { *of(&d.Product) = s; return "" },
		patch: func(p *product.Product, into *product.Patch) { *patch(into) = of(p) },
	}
}

// moment is a time, in UTC and of whole seconds. A time that is kept more exactly stays so while its
// control is left alone.
func moment(name, label, hint string, of func(p *product.Product) *time.Time, patch func(into *product.Patch) **time.Time) member {
	return member{
		field: field{Name: name, Label: label, Type: "datetime-local", Hint: hint}, section: "Publishing",
		show: func(p *product.Product) string { return showTime(*of(p)) },
		read: func(s string, d *product.Draft, _ url.Values) string {
			t, ok := readTime(s)
			*of(&d.Product) = t
			if !ok {
				return "is no time; write it like 2026-01-31 10:00, in UTC"
			}
			return ""
		},
		patch: func(p *product.Product, into *product.Patch) { *patch(into) = of(p) },
	}
}

func showTime(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.Second() == 0:
		return t.UTC().Format("2006-01-02T15:04")
	}
	return t.UTC().Format("2006-01-02T15:04:05")
}

func readTime(s string) (t time.Time, ok bool) {
	if s == "" {
		return time.Time{}, true
	}
	s = strings.TrimSuffix(strings.Replace(s, " ", "T", 1), "Z")
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// members are all that can be edited, in their order. A product that is new has its stock besides.
func members() []member {
	const what, price, publishing, place, more = "What it is", "Price", "Publishing", "Where it belongs", "Further"
	return []member{
		line("name", "Name", "", what, func(p *product.Product) *string { return &p.Name }, func(into *product.Patch) **string { return &into.Name }),
		line("sku", "SKU", "Unique; visible ASCII characters without spaces", what, func(p *product.Product) *string { return &p.SKU }, func(into *product.Patch) **string { return &into.SKU }),
		{
			field: field{Name: "description", Label: "Description", Type: "textarea", Rows: 6}, section: what,
			show:  func(p *product.Product) string { return unix(p.Description) },
			read:  func(s string, d *product.Draft, _ url.Values) string { d.Description = s; return "" },
			patch: func(p *product.Product, into *product.Patch) { into.Description = &p.Description },
		},
		{
			field: field{Name: "price", Label: "Price", Type: "text", Mode: "decimal"}, section: price,
			show: func(p *product.Product) string {
				if p.Price.Currency == "" {
					return ""
				}
				return p.Price.Decimal()
			},
			read: func(s string, d *product.Draft, all url.Values) (fault string) {
				if s == "" {
					return "is missing; write it like 19.99"
				}
				d.Price, fault = readMoney(s, all)
				return fault
			},
			patch: patchPrices,
		},
		{
			field: field{Name: "price.currency", Label: "Currency", Type: "text", Hint: "A code of ISO 4217, such as EUR"}, section: price,
			show:  func(p *product.Product) string { return p.Price.Currency },
			read:  func(s string, d *product.Draft, _ url.Values) string { d.Price.Currency = s; return "" },
			patch: patchPrices,
		},
		{
			field: field{Name: "compare_at", Label: "Price before", Type: "text", Mode: "decimal", Hint: "Before a reduction, in the same currency"}, section: price,
			show: func(p *product.Product) string {
				if p.CompareAt == nil {
					return ""
				}
				return p.CompareAt.Decimal()
			},
			read: func(s string, d *product.Draft, all url.Values) (fault string) {
				if _, ok := product.CurrencyDigits(all.Get("price.currency")); s == "" || !ok {
					return ""
				}
				d.CompareAt = new(product.Money)
				*d.CompareAt, fault = readMoney(s, all)
				return fault
			},
			patch: patchPrices,
		},
		{
			field: field{Name: "status", Label: "Status", Type: "select", Options: []option{{"draft", "Draft"}, {"active", "Active"}, {"archived", "Archived"}}}, section: publishing,
			show:  func(p *product.Product) string { return string(p.Status) },
			read:  func(s string, d *product.Draft, _ url.Values) string { d.Status = product.Status(s); return "" },
			patch: func(p *product.Product, into *product.Patch) { into.Status = &p.Status },
		},
		moment("publish_at", "Publish from", "UTC; empty: at once", func(p *product.Product) *time.Time { return &p.PublishAt }, func(into *product.Patch) **time.Time { return &into.PublishAt }),
		moment("unpublish_at", "Publish until", "UTC; empty: for ever", func(p *product.Product) *time.Time { return &p.UnpublishAt }, func(into *product.Patch) **time.Time { return &into.UnpublishAt }),
		line("category", "Category", "A path such as apparel/shirts", place, func(p *product.Product) *string { return &p.Category }, func(into *product.Patch) **string { return &into.Category }),
		line("vendor", "Vendor", "", place, func(p *product.Product) *string { return &p.Vendor }, func(into *product.Patch) **string { return &into.Vendor }),
		line("group", "Group", "What variants of one article share", place, func(p *product.Product) *string { return &p.Group }, func(into *product.Patch) **string { return &into.Group }),
		{
			field: field{Name: "options", Label: "Options", Type: "textarea", Rows: 3, Hint: "A line each, such as Size: M"}, section: place,
			show: func(p *product.Product) string { return showOptions(p.Options) },
			read: func(s string, d *product.Draft, _ url.Values) (fault string) {
				d.Options, fault = readOptions(s)
				return fault
			},
			patch: func(p *product.Product, into *product.Patch) {
				into.Options = &product.OptionsPatch{Clear: true, Set: make(map[string]*string)}
				for name, value := range p.Options {
					into.Options.Set[name] = &value
				}
			},
		},
		{
			field: field{Name: "tags", Label: "Tags", Type: "textarea", Rows: 3, Hint: "A line each"}, section: place,
			show:  func(p *product.Product) string { return strings.Join(p.Tags, "\n") },
			read:  func(s string, d *product.Draft, _ url.Values) string { d.Tags = lines(s); return "" },
			patch: func(p *product.Product, into *product.Patch) { into.Tags = &p.Tags },
		},
		line("barcode", "Barcode", "A GTIN of 8, 12, 13 or 14 digits", more, func(p *product.Product) *string { return &p.Barcode }, func(into *product.Patch) **string { return &into.Barcode }),
		{
			field: field{Name: "weight_grams", Label: "Weight, g", Type: "text", Mode: "numeric"}, section: more,
			show: func(p *product.Product) string {
				if p.WeightGrams == 0 {
					return ""
				}
				return strconv.FormatInt(p.WeightGrams, 10)
			},
			read: func(s string, d *product.Draft, _ url.Values) (fault string) {
				d.WeightGrams, fault = readWhole(s)
				return fault
			},
			patch: func(p *product.Product, into *product.Patch) { into.WeightGrams = &p.WeightGrams },
		},
		{
			field: field{Name: "backorder", Label: "Sell below a stock of zero", Type: "checkbox"}, section: more,
			show: func(p *product.Product) string {
				if p.Backorder {
					return "true"
				}
				return ""
			},
			read:  func(s string, d *product.Draft, _ url.Values) string { d.Backorder = s == "true"; return "" },
			patch: func(p *product.Product, into *product.Patch) { into.Backorder = &p.Backorder },
		},
		{
			field: field{Name: "images", Label: "Images", Type: "textarea", Rows: 3, Hint: "A line each: the address, a space, and what is to be seen"}, section: more,
			show:  func(p *product.Product) string { return showImages(p.Images) },
			read:  func(s string, d *product.Draft, _ url.Values) string { d.Images = readImages(s); return "" },
			patch: func(p *product.Product, into *product.Patch) { into.Images = &p.Images },
		},
		{
			field: field{Name: "attributes", Label: "Attributes", Type: "textarea", Rows: 6, Hint: "A JSON object of your own"}, section: more,
			show: func(p *product.Product) string { return indented(p.Attributes) },
			read: func(s string, d *product.Draft, _ url.Values) (fault string) {
				d.Attributes, fault = readAttributes(s)
				return fault
			},
			patch: func(p *product.Product, into *product.Patch) {
				into.Attributes = &product.AttributesPatch{Clear: true, Merge: p.Attributes}
			},
		},
	}
}

// opening is the stock of a new product.
func opening() member {
	return member{
		field: field{Name: "stock", Label: "Stock", Type: "text", Mode: "numeric", Hint: "On hand; empty: none"}, section: "Further",
		show: func(*product.Product) string { return "" },
		read: func(s string, d *product.Draft, _ url.Values) string {
			n, fault := readWhole(s)
			d.Stock = &n
			return fault
		},
	}
}

func readMoney(s string, all url.Values) (m product.Money, fault string) {
	m.Currency = all.Get("price.currency")
	if _, ok := product.CurrencyDigits(m.Currency); !ok {
		return m, "" // which is told at the currency
	}
	read, err := product.ParseMoney(s, m.Currency)
	if err != nil {
		return m, err.Error()
	}
	return read, ""
}

// patchPrices sends all prices, for their currency is one.
func patchPrices(p *product.Product, into *product.Patch) {
	into.Price = &product.MoneyPatch{Amount: &p.Price.Amount, Currency: &p.Price.Currency}
	into.CompareAt = &product.MoneyPatch{Clear: true}
	if p.CompareAt != nil {
		into.CompareAt = &product.MoneyPatch{Amount: &p.CompareAt.Amount, Currency: &p.CompareAt.Currency}
	}
}

// digits says how an amount of a currency is written.
func digits(currency string) string {
	switch n, ok := product.CurrencyDigits(currency); {
	case !ok:
		return ""
	case n == 0:
		return currency + " has no decimals: 1999"
	default:
		return currency + " has " + strconv.Itoa(n) + " decimals: " + product.Money{Amount: 1999, Currency: currency}.Decimal()
	}
}

func readWhole(s string) (n int64, fault string) {
	if s == "" {
		return 0, ""
	}
	n, err := strconv.ParseInt(strings.Replace(s, "−", "-", 1), 10, 64) // as it is shown
	if err != nil {
		return 0, "must be a whole number, without separators, such as 1200"
	}
	return n, ""
}

// unix has one kind of line break; forms send another one.
func unix(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// lines are those that hold something.
func lines(s string) []string {
	var all []string
	for l := range strings.SplitSeq(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			all = append(all, l)
		}
	}
	return all
}

// Names of options and addresses of images end at a colon and at a space; those that have one stand in
// quotes, as in JSON.
func quoted(s, end string) string {
	if !strings.Contains(s, end) && !strings.HasPrefix(s, `"`) {
		return s
	}
	q, _ := json.Marshal(s) // a string always can
	return string(q)
}

// unquoted cuts a line behind its first part.
func unquoted(s, end string) (first, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return strings.Cut(s, end)
	}
	d := json.NewDecoder(strings.NewReader(s))
	if err := d.Decode(&first); err != nil {
		return strings.Cut(s, end)
	}
	rest = strings.TrimLeft(s[d.InputOffset():], " ")
	rest, ok = strings.CutPrefix(rest, strings.TrimSpace(end))
	return first, rest, ok
}

func showOptions(options map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(options)) {
		all = append(all, quoted(name, ":")+": "+options[name])
	}
	return strings.Join(all, "\n")
}

func readOptions(s string) (options map[string]string, fault string) {
	for _, l := range lines(s) {
		name, value, ok := unquoted(l, ":")
		name = strings.TrimSpace(name)
		if _, twice := options[name]; !ok || twice {
			if twice {
				return options, "have " + strconv.Quote(name) + " twice; remove one"
			}
			return options, "have a line without a colon; write it like Size: M"
		}
		if options == nil {
			options = make(map[string]string)
		}
		options[name] = strings.TrimSpace(value)
	}
	return options, ""
}

func showImages(images []product.Image) string {
	var all []string
	for _, image := range images {
		all = append(all, strings.TrimSpace(quoted(image.URL, " ")+" "+image.Alt))
	}
	return strings.Join(all, "\n")
}

func readImages(s string) []product.Image {
	var images []product.Image
	for _, l := range lines(s) {
		url, alt, _ := unquoted(l, " ")
		images = append(images, product.Image{URL: url, Alt: strings.TrimSpace(alt)})
	}
	return images
}
