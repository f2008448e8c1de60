package feed

import "strings"

// The columns that become members of a product, by the names of Shopify's older exports.
const (
	colHandle    = "Handle"
	colTitle     = "Title"
	colBody      = "Body (HTML)"
	colVendor    = "Vendor"
	colType      = "Type"
	colTags      = "Tags"
	colPublished = "Published"
	colStatus    = "Status"
	colSKU       = "Variant SKU"
	colGrams     = "Variant Grams"
	colQty       = "Variant Inventory Qty"
	colPolicy    = "Variant Inventory Policy"
	colPrice     = "Variant Price"
	colCompareAt = "Variant Compare At Price"
	colBarcode   = "Variant Barcode"
	colImage     = "Image Src"
	colPosition  = "Image Position"
	colAlt       = "Image Alt Text"
	colOwnImage  = "Variant Image"
	colCategory  = "Product Category"
	colGoogle    = "Google Shopping / Google Product Category"
	colGiftCard  = "Gift Card"
)

var optionColumns = [...]struct{ name, value string }{
	{"Option1 Name", "Option1 Value"},
	{"Option2 Name", "Option2 Value"},
	{"Option3 Name", "Option3 Value"},
}

// shopifyNames maps the columns' names in lower case, older and newer, to the constants.
var shopifyNames = func() map[string]string {
	names := map[string]string{
		"url handle":                         colHandle,
		"description":                        colBody,
		"published on online store":          colPublished,
		"sku":                                colSKU,
		"weight value (grams)":               colGrams,
		"inventory quantity":                 colQty,
		"continue selling when out of stock": colPolicy,
		"price":                              colPrice,
		"compare-at price":                   colCompareAt,
		"barcode":                            colBarcode,
		"product image url":                  colImage,
		"variant image url":                  colOwnImage,
	}
	for _, name := range []string{colHandle, colTitle, colBody, colVendor, colType, colTags, colPublished, colStatus,
		colSKU, colGrams, colQty, colPolicy, colPrice, colCompareAt, colBarcode, colImage, colPosition, colAlt,
		colOwnImage, colCategory, colGoogle, colGiftCard} {
		names[strings.ToLower(name)] = name
	}
	for _, option := range optionColumns {
		names[strings.ToLower(option.name)] = option.name
		names[strings.ToLower(option.value)] = option.value
	}
	return names
}()

func shopifyColumn(name string) string {
	if known, ok := shopifyNames[strings.ToLower(name)]; ok {
		return known
	}
	return name
}

// shopifyLeftOut lists the columns that are no business of a catalogue; see the package comment.
var shopifyLeftOut = map[string]bool{
	"variant inventory tracker": true, "inventory tracker": true,
	"variant fulfillment service": true, "fulfillment service": true,
	"variant requires shipping": true, "requires shipping": true,
	"variant taxable": true, "charge tax": true, "variant tax code": true, "tax code": true,
	"variant weight unit": true, "weight unit for display": true,
	"cost per item": true,
}

// attributeColumn is a column that becomes an attribute.
type attributeColumn struct {
	column  string // its key in the table
	name    string
	variant bool // belongs to its row, and is not inherited
}

func shopifyAttributes(header []string) []attributeColumn {
	var attributes []attributeColumn
	for _, name := range header {
		column := shopifyColumn(strings.TrimSpace(name))
		lower := strings.ToLower(column)
		_, member := shopifyNames[lower]
		if slug := attributeName(lower); (!member || column == colGiftCard) && slug != "" && !shopifyLeftOut[lower] && !ofMarket(lower) {
			attributes = append(attributes, attributeColumn{column, slug, strings.HasPrefix(lower, "variant ")})
		}
	}
	return attributes
}

// ofMarket reports whether a column holds what one of a shop's markets pays: Price / Europe.
func ofMarket(lower string) bool {
	for _, prefix := range []string{"included / ", "price / ", "compare at price / ", "compare-at price / "} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	return strings.HasPrefix(lower, "option") && strings.HasSuffix(lower, " linked to")
}

// attributeName makes seo_title of "seo title".
func attributeName(lower string) string {
	words := strings.FieldsFunc(lower, func(r rune) bool {
		return r < 0x80 && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "_")
}
