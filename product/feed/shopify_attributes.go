package feed

import (
	"encoding/json"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// category is a path of Shopify's or Google's taxonomy, or else the type.
func (v *variant) category() string {
	for _, column := range []string{colCategory, colGoogle} {
		if path := v.first.get(column); path != "" && !isNumber(path) {
			return categoryPath(path, ">")
		}
	}
	kind := v.first.get(colType)
	if strings.Contains(kind, ">") {
		return categoryPath(kind, ">")
	}
	return categoryPath(kind, "/")
}

// categoryPath rewrites levels with another separator as a path. A slash within a level becomes
// a hyphen, for it would part it.
func categoryPath(s, separator string) string {
	var levels []string
	for level := range strings.SplitSeq(s, separator) {
		if level = strings.TrimSpace(strings.ReplaceAll(oneLine(level), "/", "-")); level != "" {
			levels = append(levels, level)
		}
	}
	return strings.Join(levels, "/")
}

// attributes returns every column's value by attribute; blank where the attribute is to go.
func (v *variant) attributes() map[string]string {
	attributes := make(map[string]string, len(v.shopify.attributes)+1)
	for _, a := range v.shopify.attributes {
		value := v.get(a.column)
		if value == "" && !a.variant {
			value = v.first.get(a.column)
		}
		if a.column == colGiftCard && strings.EqualFold(value, "false") {
			value = ""
		}
		if attributes[a.name] == "" {
			attributes[a.name] = value
		}
	}
	// The type, where the category comes from elsewhere, and Google's numbers, which make no path.
	if kind := v.first.get(colType); v.has(colType) && (v.has(colCategory) || v.has(colGoogle)) {
		attributes["type"] = ""
		if categoryPath(kind, "/") != v.entry.Draft.Category {
			attributes["type"] = kind
		}
	}
	if number := v.first.get(colGoogle); v.has(colGoogle) {
		attributes["google_product_category"] = ""
		if isNumber(number) || v.first.get(colCategory) != "" {
			attributes["google_product_category"] = number
		}
	}
	return attributes
}

// mergeAttributes returns the attributes of a new product, and the patch for a known one, in
// which null removes what the file leaves blank.
func mergeAttributes(values map[string]string) (json.RawMessage, *product.AttributesPatch) {
	present, patch := make(map[string]string), make(map[string]*string)
	for name, value := range values {
		patch[name] = nil
		if value != "" {
			present[name] = value
			patch[name] = &value
		}
	}
	merge := &product.AttributesPatch{Merge: encode(patch)}
	if len(present) == 0 {
		return nil, merge
	}
	return encode(present), merge
}

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("feed: strings cannot be encoded: " + err.Error()) // they always can
	}
	return b
}
