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

// Mapping is one column. The package comment lists the fields.
type Mapping struct {
	// Header is the column's name as the file writes it, without white space around it.
	// COLUMN[NAME] is one of the pairs NAME=VALUE,NAME=VALUE that a column holds.
	Header string
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
	fault := func(code, format string, args ...any) {
		faults = append(faults, product.Fault{Field: "map", Code: code, Message: fmt.Sprintf(format, args...)})
	}
	headers, fields := make(map[string]bool), make(map[string]bool)
	for _, c := range m {
		member, _, single := strings.Cut(c.Field, ".")
		switch {
		case !knownField(c.Field):
			fault("unknown", "has %q, which is no field; use %s, %s or %s, %s, %s, %s or %s", short(c.Field),
				strings.Join(fieldNames(), ", "), optionField+"NAME", attributeField+"NAME",
				optionNameField+"N", optionValueField+"N", attributeNameField+"N", attributeValueField+"N")
		case headers[c.Header]:
			fault("duplicate", "has the header %q twice; give it one field", short(c.Header))
		case fields[c.Field] && !slices.Contains(gathering, c.Field), single && fields[member]:
			fault("duplicate", "has more than one header for %s; choose one", short(c.Field))
		}
		headers[c.Header], fields[c.Field] = true, true
	}
	for field := range fields {
		if other := counterpart(field); other != "" && !fields[other] {
			fault("mismatch", "has %s and no %s; both belong together", short(field), short(other))
		}
	}
	return faults
}

// gathering are the fields that take what several columns hold.
var gathering = []string{"tags", "images"}

// The fields that are one member of an object, whose name stands in the map, or in another column.
const (
	optionField         = "options."
	attributeField      = "attributes."
	optionNameField     = "option_name."
	optionValueField    = "option_value."
	attributeNameField  = "attribute_name."
	attributeValueField = "attribute_value."
)

func knownField(field string) bool {
	for _, many := range []string{optionField, attributeField, optionNameField, optionValueField, attributeNameField, attributeValueField} {
		if name, ok := strings.CutPrefix(field, many); ok {
			return name != ""
		}
	}
	return slices.Contains(fieldNames(), field)
}

// counterpart is the field of the name that belongs to a value, and the other way round.
func counterpart(field string) string {
	for _, pair := range [][2]string{{optionNameField, optionValueField}, {attributeNameField, attributeValueField}} {
		for i := range pair {
			if n, ok := strings.CutPrefix(field, pair[i]); ok {
				return pair[1-i] + n
			}
		}
	}
	return ""
}

// column is one that is read.
type column struct {
	at    int // in the row
	field string
	take  func(*cells, string)
	pair  string // the one that is read of a cell of pairs; empty for the whole cell
	named int    // where in the row the member's name stands; -1 if it is in field
}

// findColumns finds the fields' columns in a header, in the order of the fields, and what is left
// out. A map's headers are there.
func (s *sheet) findColumns(header []string, m Map) (leftOut []string) {
	if m == nil {
		m = make(Map, len(header))
		for i, name := range header {
			m[i] = Mapping{strings.TrimSpace(name), strings.TrimSpace(name)}
		}
	}
	at := func(field string) int {
		i := slices.IndexFunc(m, func(c Mapping) bool { return c.Field == field })
		if i < 0 {
			return -1
		}
		name, _ := s.split(m[i].Header)
		return s.table.columns[name]
	}
	read := make(map[int]bool)
	for _, c := range m {
		name, pair := s.split(c.Header)
		take := taker(c.Field)
		i, ok := s.table.columns[name]
		if !ok || !knownField(c.Field) {
			continue
		}
		read[i] = true
		if take != nil {
			s.columns = append(s.columns, column{i, c.Field, take, pair, at(counterpart(c.Field))})
		}
	}
	for i, name := range header {
		if name = strings.TrimSpace(name); !read[i] && name != "" {
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

// split returns a column's name and which of its pairs is meant, if one is. A column that is named
// so as a whole comes first.
func (s *sheet) split(header string) (name, pair string) {
	name, pair, ok := strings.Cut(strings.TrimSuffix(header, "]"), "[")
	if s.table.has(header) || !ok || !strings.HasSuffix(header, "]") {
		return header, ""
	}
	return strings.TrimSpace(name), pair
}

// cell returns what a row holds for a column, and for which field.
func (c column) cell(r row) (cell, field string, ok bool) {
	cell, field = unguard(r.cells[c.at]), c.field
	if c.pair != "" {
		pairs, _ := splitPairs(cell) // who reads all of them tells what is wrong
		cell = pairs[c.pair]
	}
	if c.field != "description" { // which may begin and end as it likes
		cell = strings.TrimSpace(cell)
	}
	if c.named < 0 {
		return cell, field, true
	}
	name := oneLine(unguard(r.cells[c.named]))
	if field = optionField + name; strings.HasPrefix(c.field, attributeValueField) {
		field = attributeField + name
	}
	return cell, field, name != ""
}
