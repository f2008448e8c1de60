package feed

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// cells is one row of a sheet on its way to be an entry. Its methods take a cell each.
type cells struct {
	item
	mapped    bool
	currency  string
	imageBase string
	field     string // of the cell at hand

	attributes map[string]string // of columns of their own; blank where one is to go
}

// ownColumns are ours, in the order of exports.
var ownColumns = []struct {
	name string
	take func(*cells, string)
}{
	{"sku", func(c *cells, s string) { c.entry.Draft.SKU = s }},
	{"name", func(c *cells, s string) { assign(true, &c.entry.Draft.Name, &c.entry.Patch.Name, s) }},
	{"price", (*cells).takePrice},
	{"currency", (*cells).takeCurrency},
	{"description", func(c *cells, s string) { assign(true, &c.entry.Draft.Description, &c.entry.Patch.Description, s) }},
	{"status", (*cells).takeStatus},
	{"compare_at", (*cells).takeCompareAt},
	{"stock", (*cells).takeStock},
	{"backorder", (*cells).takeBackorder},
	{"group", func(c *cells, s string) { assign(true, &c.entry.Draft.Group, &c.entry.Patch.Group, s) }},
	{"options", (*cells).takeOptions},
	{"category", (*cells).takeCategory},
	{"tags", (*cells).takeTags},
	{"vendor", func(c *cells, s string) { assign(true, &c.entry.Draft.Vendor, &c.entry.Patch.Vendor, s) }},
	{"barcode", func(c *cells, s string) { assign(true, &c.entry.Draft.Barcode, &c.entry.Patch.Barcode, s) }},
	{"weight_grams", (*cells).takeWeight},
	{"images", (*cells).takeImages},
	{"attributes", (*cells).takeAttributes},
	{"publish_at", func(c *cells, s string) { c.takeMoment(s, &c.entry.Draft.PublishAt, &c.entry.Patch.PublishAt) }},
	{"unpublish_at", func(c *cells, s string) { c.takeMoment(s, &c.entry.Draft.UnpublishAt, &c.entry.Patch.UnpublishAt) }},
}

// grams is what a weight's unit weighs.
var grams = map[string]float64{"weight_grams": 1, "weight_kg": 1000, "weight_lb": 453.59237, "weight_oz": 28.349523125}

// fieldNames lists what a column can be mapped to, besides single options and attributes.
func fieldNames() []string {
	names := make([]string, 0, len(ownColumns)+4)
	for _, c := range ownColumns {
		names = append(names, c.name)
	}
	return append(names, "weight_kg", "weight_lb", "weight_oz", "attribute_pairs")
}

// taker returns what takes a field's cells; nil if there is no such field, or it is another's name.
func taker(field string) func(*cells, string) {
	for _, c := range ownColumns {
		if c.name == field {
			return c.take
		}
	}
	switch {
	case strings.HasPrefix(field, optionField), strings.HasPrefix(field, optionValueField):
		return (*cells).takeOption
	case strings.HasPrefix(field, attributeField), strings.HasPrefix(field, attributeValueField):
		return (*cells).takeAttribute
	case field == "attribute_pairs":
		return (*cells).takePairs
	case grams[field] != 0:
		return (*cells).takeWeight
	}
	return nil
}

func (c *cells) fault(code, format string, args ...any) {
	c.faults = append(c.faults, Fault{c.field, code, fmt.Sprintf(format, args...)})
}

func (c *cells) takeCurrency(s string) {
	c.field = "price.currency" // as a product's rules name it
	if s != "" {
		c.currency = s
	}
	if c.currency == "" {
		c.fault("required", "is missing; give the ISO 4217 code of the price, such as EUR")
	} else if !c.hasCurrency() {
		c.fault("unknown", "is %q; give the ISO 4217 code of the price, such as EUR", short(s))
	}
}

func (c *cells) hasCurrency() bool {
	_, known := product.CurrencyDigits(c.currency)
	return known
}

func (c *cells) takePrice(s string) {
	if s == "" {
		return // finish knows
	}
	price := c.money(s)
	c.entry.Draft.Price = price
	c.entry.Patch.Price = &product.MoneyPatch{Amount: &price.Amount, Currency: &price.Currency}
}

func (c *cells) takeCompareAt(s string) {
	if s == "" {
		c.entry.Patch.CompareAt = &product.MoneyPatch{Clear: true}
		return
	}
	money := c.money(s)
	c.entry.Draft.CompareAt = &money
	c.entry.Patch.CompareAt = &product.MoneyPatch{Amount: &money.Amount, Currency: &money.Currency}
}

func (c *cells) money(s string) product.Money {
	if !c.hasCurrency() {
		return product.Money{} // takeCurrency has told
	}
	if c.mapped && strings.Contains(s, ".") {
		s = strings.TrimRight(s, "0") // Magento writes four digits
		s = strings.TrimSuffix(s, ".")
	}
	money, err := product.ParseMoney(s, c.currency)
	if err != nil {
		c.fault("format", "%v", err)
		money.Currency = c.currency
	}
	return money
}

// finish settles what depends on several cells.
func (c *cells) finish() {
	d, p := &c.entry.Draft, &c.entry.Patch
	if p.Price == nil && c.mapped && d.CompareAt != nil {
		// A shop keeps the price of a sale beside the regular one, and blank while there is none.
		d.Price, p.Price = *d.CompareAt, p.CompareAt
		d.CompareAt, p.CompareAt = nil, &product.MoneyPatch{Clear: true}
	}
	c.field = "price"
	if p.Price == nil {
		c.fault("required", "is missing; give one such as 19.99")
	}
	if c.attributes != nil {
		d.Attributes, p.Attributes = mergeAttributes(c.attributes)
	}
}

// statuses are the words that other shops have for ours.
var statuses = map[string]product.Status{
	"1": product.StatusActive, "yes": product.StatusActive, "true": product.StatusActive, "enabled": product.StatusActive, "publish": product.StatusActive, "published": product.StatusActive,
	"0": product.StatusDraft, "2": product.StatusDraft, "-1": product.StatusDraft, "no": product.StatusDraft, "false": product.StatusDraft, "disabled": product.StatusDraft, "private": product.StatusDraft, "pending": product.StatusDraft,
}

func (c *cells) takeStatus(s string) {
	if s == "" {
		return // new products are drafts, and known ones stay what they are
	}
	status, ok := statuses[strings.ToLower(s)]
	if !ok || !c.mapped {
		status = product.Status(s)
	}
	assign(true, &c.entry.Draft.Status, &c.entry.Patch.Status, status)
	if !status.Valid() {
		c.fault("unknown", "is %q; use draft, active or archived", short(s))
	}
}

func (c *cells) takeStock(s string) {
	if c.mapped && strings.Contains(s, ".") {
		s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	if s == "" || c.mapped && s == "parent" { // whose stock no variant has
		return
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		c.fault("format", "is %q; write a whole number such as 12, or leave it blank", short(s))
		return
	}
	c.entry.Draft.Stock = &n
}

func (c *cells) takeBackorder(s string) {
	var yes bool
	switch s = strings.ToLower(s); {
	case s == "true", s == "yes", s == "1", c.mapped && (s == "notify" || s == "2"):
		yes = true
	case s == "false", s == "no", s == "0", s == "":
	default:
		c.fault("format", "is %q; use true or false, yes or no, 1 or 0", short(s))
	}
	assign(true, &c.entry.Draft.Backorder, &c.entry.Patch.Backorder, yes)
}

func (c *cells) takeOptions(s string) {
	patch, ok := c.json(s, "{}", `write a JSON object such as {"Size":"M"}`)
	if !ok {
		return
	}
	c.entry.Patch.Options = &product.OptionsPatch{Clear: true, Set: patch.Options.Set}
	for name, value := range patch.Options.Set {
		if value != nil {
			c.setOption(name, *value)
		}
	}
}

func (c *cells) takeOption(s string) {
	name := strings.TrimPrefix(c.field, optionField)
	if c.entry.Patch.Options == nil {
		c.entry.Patch.Options = &product.OptionsPatch{Set: make(map[string]*string)}
	}
	c.entry.Patch.Options.Set[name] = nil
	if s = oneLine(s); s != "" {
		c.entry.Patch.Options.Set[name] = &s
		c.setOption(name, s)
	}
}

func (c *cells) setOption(name, value string) {
	if c.entry.Draft.Options == nil {
		c.entry.Draft.Options = make(map[string]string)
	}
	c.entry.Draft.Options[name] = value
}

// takeCategory takes a path. Other shops part levels by > or / and give a product several paths.
func (c *cells) takeCategory(s string) {
	if c.mapped {
		path, more := oneCategory(s)
		if more {
			c.warnings = append(c.warnings, Fault{c.field, "too_many", fmt.Sprintf("is %q, of which %q was taken; a product has one", short(s), short(path))})
		}
		s = path
	}
	assign(true, &c.entry.Draft.Category, &c.entry.Patch.Category, s)
}

func (c *cells) takeTags(s string) {
	tags := splitTags(s, tagSeparators)
	if strings.HasPrefix(s, "[") {
		patch, ok := c.json(s, "", `write a JSON array such as ["men","new"], or men;new`)
		if !ok {
			return
		}
		tags = *patch.Tags
	}
	if others := c.entry.Draft.Tags; len(others) > 0 { // of another column
		tags = slices.DeleteFunc(tags, func(tag string) bool { return slices.Contains(others, tag) })
		tags = append(slices.Clone(others), tags...)
	}
	assign(true, &c.entry.Draft.Tags, &c.entry.Patch.Tags, tags)
}

func (c *cells) takeWeight(s string) {
	var n int64
	if s != "" {
		weight, err := strconv.ParseFloat(s, 64)
		weight *= grams[c.field]
		c.field = "weight_grams"
		if err != nil || !(weight >= 0 && weight <= product.MaxQuantity) {
			c.fault("format", "is %q; write a number such as 180", short(s))
			return
		}
		n = int64(math.Round(weight))
	}
	assign(true, &c.entry.Draft.WeightGrams, &c.entry.Patch.WeightGrams, n)
}

func (c *cells) takeMoment(s string, draft *time.Time, patch **time.Time) {
	var at time.Time
	if s != "" {
		var err error
		if at, err = time.Parse(time.RFC3339Nano, s); err != nil {
			c.fault("format", "is %q; write an RFC 3339 time such as 2026-01-02T03:04:05Z", short(s))
			return
		}
	}
	assign(true, draft, patch, at.UTC())
}

func (c *cells) takeImages(s string) {
	images := c.entry.Draft.Images // of another column
	if strings.HasPrefix(s, "[") {
		patch, ok := c.json(s, "", `write a JSON array such as [{"url":"https://…","alt":"…"}], or URLs separated by commas`)
		if !ok {
			return
		}
		images = *patch.Images
	} else {
		for url := range strings.SplitSeq(s, ",") {
			if url = strings.TrimSpace(url); url != "" {
				if c.imageBase != "" && !strings.Contains(url, "://") {
					url = c.imageBase + "/" + strings.TrimLeft(url, "/")
				}
				images = addImage(images, product.Image{URL: url})
			}
		}
	}
	assign(true, &c.entry.Draft.Images, &c.entry.Patch.Images, images)
}

func (c *cells) takeAttributes(s string) {
	patch, ok := c.json(s, "{}", `write a JSON object such as {"fabric":"cotton"}`)
	if ok {
		c.entry.Draft.Attributes = patch.Attributes.Merge
		c.entry.Patch.Attributes = &product.AttributesPatch{Clear: true, Merge: patch.Attributes.Merge}
	}
}

func (c *cells) takeAttribute(s string) {
	if c.attributes == nil {
		c.attributes = make(map[string]string)
	}
	c.attributes[strings.TrimPrefix(c.field, attributeField)] = s
}

func (c *cells) takePairs(s string) {
	pairs, ok := splitPairs(s)
	if !ok {
		c.fault("format", "is %q; write pairs such as fabric=cotton,size=M", short(s))
	}
	for name, value := range pairs {
		c.field = attributeField + name
		c.takeAttribute(value)
	}
}

// json reads a cell that is JSON, as strictly as the member in a body would be.
func (c *cells) json(s, blank, remedy string) (patch product.Patch, ok bool) {
	if s == "" {
		s = blank
	}
	// It must be one value, or it could close the object around it and name other members.
	if value := jsontext.Value(s); !value.IsValid() || !slices.Contains([]jsontext.Kind{'{', '['}, value.Kind()) {
		c.fault("format", "is %q, which is no JSON; %s", short(s), remedy)
		return patch, false
	}
	patch, err := productjson.DecodePatch([]byte(`{"` + c.field + `":` + s + `}`))
	var invalid *product.InvalidError
	switch {
	case errors.As(err, &invalid):
		c.faults = append(c.faults, faultsOf(invalid)...)
	case err != nil:
		c.fault("format", "is no JSON: %v; %s", err, remedy)
	}
	return patch, err == nil
}
