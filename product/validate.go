package product

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// faults collects every broken rule of one request.
type faults []Fault

func (f *faults) add(field, code, format string, args ...any) {
	*f = append(*f, Fault{Field: field, Code: code, Message: fmt.Sprintf(format, args...)})
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &InvalidError{Faults: f}
}

// normalize checks every rule that concerns the product alone and brings it into the one form
// in which it is kept: absent members are nil, attributes canonical.
func (p *Product) normalize() error {
	var f faults
	f.sku("sku", p.SKU)
	f.required("name", p.Name)
	f.line("name", p.Name, MaxNameLen)
	f.text("description", p.Description, MaxDescriptionLen)
	f.status(p.Status)
	f.window(p)
	f.money("price", p.Price)
	if p.CompareAt != nil {
		f.money("compare_at", *p.CompareAt)
		if p.CompareAt.Currency != p.Price.Currency {
			f.add("compare_at.currency", "mismatch", "is not the price's currency; use %s", abbreviate(p.Price.Currency))
		}
	}
	f.line("group", p.Group, MaxNameLen)
	f.options(p.Options)
	f.category("category", p.Category)
	f.tags(p.Tags)
	f.line("vendor", p.Vendor, MaxNameLen)
	f.barcode(p.Barcode)
	f.quantity("weight_grams", p.WeightGrams)
	f.images(p.Images)
	p.Attributes = f.attributes(p.Attributes)

	if len(p.Options) == 0 {
		p.Options = nil
	}
	if len(p.Tags) == 0 {
		p.Tags = nil
	}
	if len(p.Images) == 0 {
		p.Images = nil
	}
	return f.err()
}

func (f *faults) sku(field, s string) {
	switch {
	case s == "":
		f.required(field, s)
	case !ValidSKU(s):
		f.add(field, "format", "must be 1 to %d visible ASCII characters without spaces, and not just . or .. or /", MaxSKULen)
	}
}

// ValidSKU reports whether s may be a SKU: 1 to [MaxSKULen] visible ASCII characters, and not
// ".", ".." or "/", which no URL path can carry (RFC 3986, section 5.2.4; http.ServeMux takes
// a last %2F for the end of the path).
func ValidSKU(s string) bool {
	if s == "" || s == "." || s == ".." || s == "/" || len(s) > MaxSKULen {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func (f *faults) required(field, s string) {
	if s == "" {
		f.add(field, "required", "is missing; give one")
	}
}

// line checks text of one line.
func (f *faults) line(field, s string, most int) {
	switch {
	case !utf8.ValidString(s):
		f.add(field, "encoding", "is not valid UTF-8")
	case len(s) > most && utf8.RuneCountInString(s) > most:
		f.add(field, "too_long", "has %d characters; at most %d are kept", utf8.RuneCountInString(s), most)
	case strings.IndexFunc(s, unicode.IsControl) >= 0:
		f.add(field, "format", "holds a control character; remove it")
	case s != strings.TrimSpace(s):
		f.add(field, "format", "begins or ends with white space; remove it")
	}
}

// text checks text of several lines; its length is in bytes.
func (f *faults) text(field, s string, most int) {
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }
	switch {
	case !utf8.ValidString(s):
		f.add(field, "encoding", "is not valid UTF-8")
	case len(s) > most:
		f.add(field, "too_long", "has %d bytes; at most %d are kept", len(s), most)
	case strings.IndexFunc(s, control) >= 0:
		f.add(field, "format", "holds a control character other than tab and line break; remove it")
	}
}

func (f *faults) money(field string, m Money) {
	if m.Amount < 0 {
		f.add(field+".amount", "range", "is %d; it must not be negative", m.Amount)
	}
	if m.Amount > MaxQuantity {
		f.add(field+".amount", "range", "is %d; the most is %d minor units", m.Amount, MaxQuantity)
	}
	if _, ok := CurrencyDigits(m.Currency); !ok {
		if m.Currency == "" {
			f.required(field+".currency", "")
		} else {
			f.add(field+".currency", "unknown", "is %q; use an active ISO 4217 code such as EUR", abbreviate(m.Currency))
		}
	}
}

func (f *faults) quantity(field string, n int64) {
	if n < 0 || n > MaxQuantity {
		f.add(field, "range", "is %d; it must be 0 to %d", n, MaxQuantity)
	}
}

func (f *faults) options(options map[string]string) {
	if len(options) > MaxOptions {
		f.add("options", "too_many", "has %d members; at most %d are kept", len(options), MaxOptions)
		return
	}
	for name, value := range options {
		field := "options." + abbreviate(name)
		if name == "" {
			f.add("options", "format", "has a member without a name")
		}
		f.line(field, name, MaxOptionLen)
		f.required(field, value)
		f.line(field, value, MaxOptionLen)
	}
}

func (f *faults) status(s Status) {
	if !s.Valid() {
		f.add("status", "unknown", "is %q; use draft, active or archived", abbreviate(string(s)))
	}
}

func (f *faults) category(field, path string) {
	if path == "" {
		return
	}
	before := len(*f)
	f.line(field, path, MaxNameLen)
	if len(*f) > before {
		return
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" || segment != strings.TrimSpace(segment) {
			f.add(field, "format", "is %q; write a path like apparel/shirts, without empty parts or spaces beside a slash", abbreviate(path))
			return
		}
	}
}

func (f *faults) tags(tags []string) {
	if len(tags) > MaxTags {
		f.add("tags", "too_many", "has %d members; at most %d are kept", len(tags), MaxTags)
		return
	}
	for i, tag := range tags {
		field := fmt.Sprintf("tags[%d]", i)
		f.required(field, tag)
		f.line(field, tag, MaxTagLen)
		if slices.Contains(tags[:i], tag) {
			f.add(field, "duplicate", "is there already: %q", abbreviate(tag))
		}
	}
}

func (f *faults) barcode(code string) {
	switch {
	case code == "" || ValidBarcode(code):
	case !isGTIN(code):
		f.add("barcode", "format", "is no GTIN; it must have 8, 12, 13 or 14 digits")
	default:
		f.add("barcode", "check_digit", "is %s, whose check digit is wrong; compare it with the label", code)
	}
}

// ValidBarcode reports whether code is a GTIN of 8, 12, 13 or 14 digits with a right check
// digit: from the right, digits weigh 1 and 3 by turns and sum to a multiple of ten (GS1
// General Specifications, section 7.9).
func ValidBarcode(code string) bool {
	if !isGTIN(code) {
		return false
	}
	sum, weight := 0, 1
	for i := len(code) - 1; i >= 0; i-- {
		sum += weight * int(code[i]-'0')
		weight = 4 - weight
	}
	return sum%10 == 0
}

func isGTIN(code string) bool {
	n := len(code)
	return allDigits(code) && (n == 8 || n >= 12 && n <= 14)
}

func (f *faults) images(images []Image) {
	if len(images) > MaxImages {
		f.add("images", "too_many", "has %d members; at most %d are kept", len(images), MaxImages)
		return
	}
	for i, image := range images {
		field := fmt.Sprintf("images[%d]", i)
		u, err := url.Parse(image.URL)
		switch {
		case image.URL == "":
			f.required(field+".url", "")
		case len(image.URL) > MaxURLLen:
			f.add(field+".url", "too_long", "has %d bytes; at most %d are kept", len(image.URL), MaxURLLen)
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			f.add(field+".url", "format", "is no absolute http or https URL")
		}
		f.line(field+".url", image.URL, MaxURLLen)
		f.line(field+".alt", image.Alt, MaxAltLen)
	}
}

// attributes returns the canonical form, so that equal attributes are equal bytes on every
// engine, in no-op detection and in exports.
func (f *faults) attributes(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	object, err := decodeObject(raw)
	if err != nil {
		f.add("attributes", "format", "is no JSON object: %v", err)
		return raw
	}
	if len(object) == 0 {
		return nil
	}
	if n := unreadable(object); n != "" {
		f.add("attributes", "range", "holds the number %.20s, which most readers of JSON cannot hold (RFC 8259, section 6); write it as a string", n)
		return raw
	}
	canonical, err := encodeCanonical(object)
	if err != nil {
		f.add("attributes", "format", "cannot be kept: %v", err)
		return raw
	}
	if len(canonical) > MaxAttributesLen {
		f.add("attributes", "too_long", "has %d bytes; at most %d are kept", len(canonical), MaxAttributesLen)
	}
	return canonical
}

// unreadable returns a number that is beyond binary64's range; empty if there is none.
func unreadable(v any) (number json.Number) {
	switch v := v.(type) {
	case json.Number:
		if _, err := v.Float64(); err != nil {
			return v
		}
	case map[string]any:
		for _, inner := range v {
			number = cmp.Or(number, unreadable(inner))
		}
	case []any:
		for _, inner := range v {
			number = cmp.Or(number, unreadable(inner))
		}
	}
	return number
}

// decodeObject keeps numbers as they are written: 1.10 stays 1.10.
func decodeObject(raw json.RawMessage) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("something follows it")
	}
	return object, nil
}

func encodeCanonical(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // sorts members
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
