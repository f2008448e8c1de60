package feed

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// variant makes one product of a row and of what the handle's first row says for all.
func (s *shopify) variant(r row, images []product.Image) item {
	v := variant{shopify: s, row: r, item: item{line: r.line}}
	d, p := &v.entry.Draft, &v.entry.Patch
	d.Name, p.Name = v.title()
	assign(true, &d.Group, &p.Group, s.handle)
	d.Price, p.Price = v.price()
	options, values := v.options()
	d.Options, p.Options = options, &product.OptionsPatch{Clear: true, Set: pointers(options)}
	d.SKU = r.get(colSKU)
	if d.SKU == "" {
		d.SKU = makeSKU(s.handle, values)
	}
	v.sku = d.SKU

	assign(v.has(colBody), &d.Description, &p.Description, s.first.get(colBody))
	assign(v.has(colPublished) || v.has(colStatus), &d.Status, &p.Status, v.status())
	assign(v.has(colPolicy), &d.Backorder, &p.Backorder, v.backorder())
	assign(v.has(colVendor), &d.Vendor, &p.Vendor, oneLine(s.first.get(colVendor)))
	assign(v.has(colType) || v.has(colCategory) || v.has(colGoogle), &d.Category, &p.Category, v.category())
	assign(v.has(colTags), &d.Tags, &p.Tags, splitTags(s.first.get(colTags), ","))
	assign(v.has(colGrams), &d.WeightGrams, &p.WeightGrams, v.grams())
	assign(v.has(colImage) || v.has(colOwnImage), &d.Images, &p.Images, v.images(images))
	if v.has(colCompareAt) {
		d.CompareAt, p.CompareAt = v.compareAt()
	}
	d.Stock = v.stock(d.Backorder)

	attributes := v.attributes()
	if v.has(colBarcode) {
		code, other := v.barcode()
		assign(true, &d.Barcode, &p.Barcode, code)
		attributes["variant_barcode"] = other
	}
	d.Attributes, p.Attributes = mergeAttributes(attributes)
	return v.item
}

// variant is one row on its way to be an entry. Its methods collect faults and warnings.
type variant struct {
	*shopify
	row
	item
}

func (v *variant) has(column string) bool { return v.shopify.table.has(column) }

// inherited is the row's cell, or if it is blank the first row's.
func (v *variant) inherited(column string) string {
	if s := v.get(column); s != "" {
		return s
	}
	return v.first.get(column)
}

func (v *variant) fault(field, code, format string, args ...any) {
	v.faults = append(v.faults, Fault{field, code, fmt.Sprintf(format, args...)})
}

func (v *variant) warn(field, code, format string, args ...any) {
	v.warnings = append(v.warnings, Fault{field, code, fmt.Sprintf(format, args...)})
}

func (v *variant) title() (string, *string) {
	title := oneLine(v.first.get(colTitle))
	if title == "" {
		v.fault("name", "required", "has no Title; the first row of each Handle must have one, and its other rows must follow it")
	}
	return title, &title
}

func (v *variant) price() (product.Money, *product.MoneyPatch) {
	decimal := v.get(colPrice)
	if decimal == "" {
		v.fault("price", "required", "has no Variant Price; give one such as 19.99")
		return product.Money{}, nil
	}
	money, err := product.ParseMoney(decimal, v.currency)
	if err != nil {
		v.fault("price", "format", "Variant Price %v", err)
	}
	return money, &product.MoneyPatch{Amount: &money.Amount, Currency: &money.Currency}
}

func (v *variant) compareAt() (*product.Money, *product.MoneyPatch) {
	none := &product.MoneyPatch{Clear: true}
	decimal := v.get(colCompareAt)
	if decimal == "" {
		return nil, none
	}
	money, err := product.ParseMoney(decimal, v.currency)
	if err != nil {
		v.fault("compare_at", "format", "Variant Compare At Price %v", err)
	}
	if money.Amount == 0 {
		return nil, none
	}
	return &money, &product.MoneyPatch{Amount: &money.Amount, Currency: &money.Currency}
}

func (v *variant) options() (options map[string]string, values []string) {
	for _, column := range optionColumns {
		name, value := oneLine(v.inherited(column.name)), oneLine(v.get(column.value))
		switch _, twice := options[name]; {
		case value == "", name == "Title" && value == "Default Title":
			continue
		case name == "":
			v.fault("options", "required", "has a %s and no %s; the first row of the Handle must name the option", column.value, column.name)
			continue
		case twice:
			v.fault("options", "duplicate", "has the option %q twice; name each once", short(name))
		}
		if options == nil {
			options = make(map[string]string, len(optionColumns))
		}
		options[name] = value
		values = append(values, value)
	}
	return options, values
}

// status is what Status says, if there is one; but what Shopify hides from its shop must not
// appear here.
func (v *variant) status() product.Status {
	status := product.Status(strings.ToLower(v.first.get(colStatus)))
	if status == "" {
		status = product.StatusActive
	}
	if !status.Valid() {
		v.fault("status", "unknown", "Status is %q; use active, draft or archived", short(string(status)))
	}
	switch published := v.first.get(colPublished); strings.ToLower(published) {
	case "true", "":
	case "false":
		if status == product.StatusActive {
			return product.StatusDraft
		}
	default:
		v.fault("status", "format", "Published is %q; use true or false", short(published))
	}
	return status
}

func (v *variant) backorder() bool {
	policy := v.get(colPolicy)
	switch strings.ToLower(policy) {
	case "continue", "true":
		return true
	case "deny", "false", "":
		return false
	}
	v.fault("backorder", "format", "Variant Inventory Policy is %q; use continue or deny", short(policy))
	return false
}

// grams reads a decimal number, for weights that were entered in pounds come as one.
func (v *variant) grams() int64 {
	s := v.get(colGrams)
	if s == "" {
		return 0
	}
	grams, err := strconv.ParseFloat(s, 64)
	if err != nil || !(grams >= 0 && grams <= product.MaxQuantity) {
		v.fault("weight_grams", "format", "Variant Grams is %q; write a number such as 180", short(s))
		return 0
	}
	return int64(math.Round(grams))
}

func (v *variant) stock(backorder bool) *int64 {
	s := v.get(colQty)
	if s == "" {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > product.MaxQuantity || n < -product.MaxQuantity {
		v.fault("stock", "format", "Variant Inventory Qty is %q; write a whole number such as 12", short(s))
		return nil
	}
	if n < 0 && !backorder {
		v.warn("stock", "range", "Variant Inventory Qty is %d, and 0 was taken; less needs the policy continue", n)
		n = 0
	}
	return &n
}

// images puts the variant's own image first.
func (v *variant) images(all []product.Image) []product.Image {
	images := all
	if own := v.get(colOwnImage); own != "" {
		if fault := checkURL(colOwnImage, own); fault != nil {
			v.faults = append(v.faults, *fault)
		}
		first := product.Image{URL: own}
		for _, image := range all {
			if image.URL == own {
				first = image
			}
		}
		images = []product.Image{first}
		for _, image := range all {
			images = addImage(images, image)
		}
	}
	if len(images) > product.MaxImages {
		v.warn("images", "too_many", "has %d images, and the first %d were taken", len(images), product.MaxImages)
		images = images[:product.MaxImages]
	}
	return images
}

// barcode returns the row's GTIN, or what else stands there.
func (v *variant) barcode() (gtin, other string) {
	code := strings.TrimSpace(strings.TrimLeft(v.get(colBarcode), "'`’"))
	if code == "" || product.ValidBarcode(code) {
		return code, ""
	}
	v.warn("barcode", "check_digit", "Variant Barcode %q is no GTIN with a right check digit; it was kept as attribute variant_barcode", short(code))
	return "", code
}

// assign sets a member of the draft, and of the patch, if the file has its column.
func assign[T any](has bool, draft *T, patch **T, value T) {
	if has {
		*draft, *patch = value, &value
	}
}

func pointers(options map[string]string) map[string]*string {
	set := make(map[string]*string, len(options))
	for name, value := range options {
		set[name] = &value
	}
	return set
}
