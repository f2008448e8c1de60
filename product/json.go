package product

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// timeLayout has a fixed width, so that equal times are equal text.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// MarshalJSON returns the representation that [Product.AppendJSON] appends.
func (p Product) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil), nil }

// AppendJSON appends the product's JSON representation to b and returns the result: members
// in the order of [Product], absent optional ones left out, options by name, times in RFC 3339
// with microseconds. Equal products have equal representations, byte for byte.
func (p *Product) AppendJSON(b []byte) []byte {
	b = append(b, `{"id":"`...)
	b = appendID(b, p.ID)
	b = append(b, `","sku":`...)
	b = appendString(b, p.SKU)
	b = append(b, `,"name":`...)
	b = appendString(b, p.Name)
	b = appendMember(b, `,"description":`, p.Description)
	b = append(b, `,"status":`...)
	b = appendString(b, string(p.Status))
	b = append(b, `,"price":`...)
	b = p.Price.appendJSON(b)
	if p.CompareAt != nil {
		b = append(b, `,"compare_at":`...)
		b = p.CompareAt.appendJSON(b)
	}
	b = append(b, `,"backorder":`...)
	b = strconv.AppendBool(b, p.Backorder)
	b = appendMember(b, `,"group":`, p.Group)
	b = p.appendOptions(b)
	b = appendMember(b, `,"category":`, p.Category)
	b = p.appendTags(b)
	b = appendMember(b, `,"vendor":`, p.Vendor)
	b = appendMember(b, `,"barcode":`, p.Barcode)
	if p.WeightGrams != 0 {
		b = append(b, `,"weight_grams":`...)
		b = strconv.AppendInt(b, p.WeightGrams, 10)
	}
	b = p.appendImages(b)
	if len(p.Attributes) > 0 {
		b = append(b, `,"attributes":`...)
		b = append(b, p.Attributes...)
	}
	b = append(b, `,"version":`...)
	b = strconv.AppendInt(b, p.Version, 10)
	b = appendTime(b, `,"created_at":"`, p.CreatedAt)
	b = appendTime(b, `,"updated_at":"`, p.UpdatedAt)
	if p.Deleted() {
		b = appendTime(b, `,"deleted_at":"`, p.DeletedAt)
	}
	return append(b, '}')
}

func (m Money) appendJSON(b []byte) []byte {
	b = append(b, `{"amount":`...)
	b = strconv.AppendInt(b, m.Amount, 10)
	b = append(b, `,"currency":`...)
	b = appendString(b, m.Currency)
	return append(b, '}')
}

func (p *Product) appendOptions(b []byte) []byte {
	if len(p.Options) == 0 {
		return b
	}
	names := make([]string, 0, 4)
	names = slices.AppendSeq(names, maps.Keys(p.Options))
	slices.Sort(names)
	b = append(b, `,"options":{`...)
	for i, name := range names {
		b = appendComma(b, i)
		b = appendString(b, name)
		b = append(b, ':')
		b = appendString(b, p.Options[name])
	}
	return append(b, '}')
}

func (p *Product) appendTags(b []byte) []byte {
	if len(p.Tags) == 0 {
		return b
	}
	b = append(b, `,"tags":[`...)
	for i, tag := range p.Tags {
		b = appendComma(b, i)
		b = appendString(b, tag)
	}
	return append(b, ']')
}

func (p *Product) appendImages(b []byte) []byte {
	if len(p.Images) == 0 {
		return b
	}
	b = append(b, `,"images":[`...)
	for i, image := range p.Images {
		b = appendComma(b, i)
		b = append(b, `{"url":`...)
		b = appendString(b, image.URL)
		b = appendMember(b, `,"alt":`, image.Alt)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendComma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

func appendMember(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(append(b, name...), s)
}

func appendTime(b []byte, name string, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(b, name...), timeLayout), '"')
}

func appendID(b []byte, id [16]byte) []byte {
	const hex = "0123456789abcdef"
	for i, octet := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, hex[octet>>4], hex[octet&15])
	}
	return b
}

// appendString copies what needs no escape, which is nearly everything, and leaves the rest
// to encoding/json.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			return appendEscaped(b, s)
		}
	}
	if !utf8.ValidString(s) {
		return appendEscaped(b, s)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	raw, err := encodeCanonical(s)
	if err != nil {
		panic("product: a string cannot be encoded: " + err.Error())
	}
	return append(b, raw...)
}

var _ json.Marshaler = Product{}
