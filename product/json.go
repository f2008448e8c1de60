package product

import (
	"encoding/json"
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
func (p *Product) AppendJSON(b []byte) []byte { return p.AppendFields(b, Fields{}) }

// AppendFields appends the ID and those of the product's members that f selects, otherwise as
// [Product.AppendJSON].
func (p *Product) AppendFields(b []byte, f Fields) []byte {
	b = append(b, `{"id":"`...)
	b = append(appendID(b, p.ID), '"')
	for i := range jsonMembers {
		if f.has(i) {
			b = jsonMembers[i].append(b, p)
		}
	}
	return append(b, '}')
}

// jsonMembers are the members behind the ID, in their order. Each appends itself with the comma
// in front, or nothing if it is absent.
var jsonMembers = []struct {
	name   string
	append func(b []byte, p *Product) []byte
}{
	{"sku", func(b []byte, p *Product) []byte { return appendString(append(b, `,"sku":`...), p.SKU) }},
	{"name", func(b []byte, p *Product) []byte { return appendString(append(b, `,"name":`...), p.Name) }},
	{"description", func(b []byte, p *Product) []byte { return appendMember(b, `,"description":`, p.Description) }},
	{"status", func(b []byte, p *Product) []byte { return appendString(append(b, `,"status":`...), string(p.Status)) }},
	{"publish_at", func(b []byte, p *Product) []byte { return appendMoment(b, `,"publish_at":"`, p.PublishAt) }},
	{"unpublish_at", func(b []byte, p *Product) []byte { return appendMoment(b, `,"unpublish_at":"`, p.UnpublishAt) }},
	{"price", func(b []byte, p *Product) []byte { return p.Price.appendJSON(append(b, `,"price":`...)) }},
	{"compare_at", func(b []byte, p *Product) []byte {
		if p.CompareAt == nil {
			return b
		}
		return p.CompareAt.appendJSON(append(b, `,"compare_at":`...))
	}},
	{"backorder", func(b []byte, p *Product) []byte {
		return strconv.AppendBool(append(b, `,"backorder":`...), p.Backorder)
	}},
	{"group", func(b []byte, p *Product) []byte { return appendMember(b, `,"group":`, p.Group) }},
	{"options", func(b []byte, p *Product) []byte { return p.appendOptions(b) }},
	{"category", func(b []byte, p *Product) []byte { return appendMember(b, `,"category":`, p.Category) }},
	{"tags", func(b []byte, p *Product) []byte { return p.appendTags(b) }},
	{"vendor", func(b []byte, p *Product) []byte { return appendMember(b, `,"vendor":`, p.Vendor) }},
	{"barcode", func(b []byte, p *Product) []byte { return appendMember(b, `,"barcode":`, p.Barcode) }},
	{"weight_grams", func(b []byte, p *Product) []byte {
		if p.WeightGrams == 0 {
			return b
		}
		return strconv.AppendInt(append(b, `,"weight_grams":`...), p.WeightGrams, 10)
	}},
	{"images", func(b []byte, p *Product) []byte { return p.appendImages(b) }},
	{"attributes", func(b []byte, p *Product) []byte {
		if len(p.Attributes) == 0 {
			return b
		}
		return append(append(b, `,"attributes":`...), p.Attributes...)
	}},
	{"version", func(b []byte, p *Product) []byte {
		return strconv.AppendInt(append(b, `,"version":`...), p.Version, 10)
	}},
	{"created_at", func(b []byte, p *Product) []byte { return appendTime(b, `,"created_at":"`, p.CreatedAt) }},
	{"updated_at", func(b []byte, p *Product) []byte { return appendTime(b, `,"updated_at":"`, p.UpdatedAt) }},
	{"deleted_at", func(b []byte, p *Product) []byte { return appendMoment(b, `,"deleted_at":"`, p.DeletedAt) }},
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
	for name := range p.Options {
		names = append(names, name)
	}
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

// appendMoment appends a time that is absent where it is zero.
func appendMoment(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendTime(b, name, t)
}

// appendTime appends a time in timeLayout. Two of them took half the time of a product while
// time.Time, which reads its layout each time, formatted them.
func appendTime(b []byte, name string, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = append(appendDigits(append(b, name...), year, 4), '-')
	b = append(appendDigits(b, int(month), 2), '-')
	b = append(appendDigits(b, day, 2), 'T')
	b = append(appendDigits(b, hour, 2), ':')
	b = append(appendDigits(b, minute, 2), ':')
	b = append(appendDigits(b, second, 2), '.')
	return append(appendDigits(b, t.Nanosecond()/1000, 6), `Z"`...)
}

// appendDigits appends the last digits of a number.
func appendDigits(b []byte, n, digits int) []byte {
	b = append(b, "000000"[:digits]...)
	for i := len(b) - 1; i >= len(b)-digits; i, n = i-1, n/10 {
		b[i] = byte('0' + n%10)
	}
	return b
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
