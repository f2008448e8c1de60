package feed

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// Map says which field of a product each of a file's columns is. Columns that it does not name are
// left out.
type Map []Mapping

// Mapping is one column. Field is a column of our own, options.NAME or attributes.NAME for one
// option or attribute, or a weight in weight_kg, weight_lb or weight_oz.
type Mapping struct {
	Header string // as the file writes it, without white space around it
	Field  string
}

// ParseMap reads Header:field,Header:field. A pair whose header holds a comma or a quote is
// written like a cell of CSV, in quotes: "Price, net:price". Its error is a
// [*product.InvalidError] that names the field map.
func ParseMap(s string) (Map, error) {
	r := csv.NewReader(strings.NewReader(s))
	pairs, err := r.Read()
	if err == nil && r.InputOffset() < int64(len(s)) {
		err = fmt.Errorf("a line break stands in it")
	}
	if err != nil {
		return nil, mapError("cannot be read: %v; write it like SKU:sku,Regular price:price", err)
	}
	m := make(Map, 0, len(pairs))
	for _, pair := range pairs {
		// A header may hold colons, and the name of an option too.
		at := strings.LastIndexByte(pair, ':')
		for _, many := range []string{":" + optionField, ":" + attributeField} {
			if i := strings.Index(pair, many); i >= 0 {
				at = i
			}
		}
		if at < 0 {
			return nil, mapError("has %q, in which no colon parts header and field; write it like SKU:sku,Regular price:price", short(pair))
		}
		m = append(m, Mapping{Header: strings.TrimSpace(pair[:at]), Field: strings.TrimSpace(pair[at+1:])})
	}
	if faults := m.check(); faults != nil {
		return nil, &product.InvalidError{Faults: faults}
	}
	return m, nil
}

func mapError(format string, args ...any) error {
	return &product.InvalidError{Faults: []product.Fault{{Field: "map", Code: "format", Message: fmt.Sprintf(format, args...)}}}
}

// check finds what is wrong with a map before there is a file.
func (m Map) check() []product.Fault {
	var faults []product.Fault
	headers, fields := make(map[string]bool), make(map[string]bool)
	for _, c := range m {
		member := strings.SplitN(c.Field, ".", 2)[0]
		switch {
		case !knownField(c.Field):
			faults = append(faults, product.Fault{Field: "map", Code: "unknown", Message: fmt.Sprintf(
				"has %q, which is no field; use %s, %sNAME or %sNAME", short(c.Field), strings.Join(fieldNames(), ", "), optionField, attributeField)})
		case headers[c.Header]:
			faults = append(faults, product.Fault{Field: "map", Code: "duplicate", Message: fmt.Sprintf("has the header %q twice; give it one field", short(c.Header))})
		case fields[c.Field], member != c.Field && fields[member]:
			faults = append(faults, product.Fault{Field: "map", Code: "duplicate", Message: fmt.Sprintf("has more than one header for %s; choose one", short(c.Field))})
		}
		headers[c.Header], fields[c.Field] = true, true
	}
	return faults
}

// The fields that are one member of an object.
const (
	optionField    = "options."
	attributeField = "attributes."
)

func knownField(field string) bool {
	for _, many := range []string{optionField, attributeField} {
		if name, ok := strings.CutPrefix(field, many); ok {
			return name != ""
		}
	}
	return slices.Contains(fieldNames(), field)
}

// column is one that is read.
type column struct {
	at    int // in the row
	field string
	take  func(*cells, string)
}

// columns finds the fields' columns in a header, in the order of the fields, and what is left out.
func (s *sheet) findColumns(header []string, m Map) (leftOut []string) {
	for i, name := range header {
		name = strings.TrimSpace(name)
		field := name
		if m != nil {
			at := slices.IndexFunc(m, func(c Mapping) bool { return c.Header == name })
			if field = ""; at >= 0 {
				field = m[at].Field
			}
		}
		if take := taker(field); take != nil {
			s.columns = append(s.columns, column{i, field, take})
		} else if name != "" {
			leftOut = append(leftOut, short(name))
		}
	}
	// Faults come in the order of our columns, and prices can only be read in their currency.
	place := func(c column) int {
		name, _, _ := strings.Cut(c.field, ".")
		if name == "currency" {
			return -1
		}
		return slices.Index(fieldNames(), name)
	}
	slices.SortStableFunc(s.columns, func(a, b column) int { return cmp.Compare(place(a), place(b)) })
	return leftOut
}
