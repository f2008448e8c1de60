package feed

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

// sheet reads CSV with a product in each row: our own, or one with a map.
type sheet struct {
	table     *table
	columns   []column
	unmapped  []string
	mapped    bool
	currency  string
	imageBase string
	claims    claims
}

// openSheet reads the line of column names. A product cannot be without SKU, name and price, so
// their columns must be there.
func openSheet(r io.Reader, cfg Config) (*sheet, error) {
	var required []string
	if cfg.Map == nil {
		required = []string{"sku", "name", "price"}
	}
	t, err := openTable(r, cfg.MaxRecordBytes, strings.TrimSpace, required...)
	if err != nil {
		return nil, err
	}
	s := &sheet{table: t, mapped: cfg.Map != nil, currency: cfg.Currency, imageBase: strings.TrimRight(cfg.ImageBase, "/"), claims: newClaims()}
	for _, c := range cfg.Map {
		name, _ := s.split(c.Header)
		required = append(required, name)
	}
	if err := t.require(1, required); err != nil {
		return nil, err
	}
	s.unmapped = s.findColumns(t.header, cfg.Map)
	return s, s.check()
}

// check refuses a file of which no row could become a product.
func (s *sheet) check() error {
	var m Map
	for _, c := range s.columns {
		if c.named < 0 {
			m = append(m, Mapping{Header: fmt.Sprint(c.at, c.pair), Field: c.field})
		}
	}
	if faults := m.check(); faults != nil {
		return &StructureError{Line: 1, Code: "duplicate_column", Message: "the line of column names " + faults[0].Message}
	}
	for _, field := range []string{"sku", "name", "price"} {
		if !s.has(field) && !(field == "price" && s.mapped && s.has("compare_at")) {
			return &StructureError{Line: 1, Code: "missing_column", Message: fmt.Sprintf("no column is mapped to %s, which every product must have; add one to the map", field)}
		}
	}
	if s.currency == "" && !s.has("currency") {
		return &StructureError{Line: 1, Code: "missing_column", Message: "no column names the currency of the prices; add a column currency, or give the currency of all prices beside the file"}
	}
	return nil
}

func (s *sheet) has(field string) bool {
	return slices.ContainsFunc(s.columns, func(c column) bool { return c.field == field })
}

func (s *sheet) read() int64       { return s.table.rows }
func (s *sheet) leftOut() []string { return s.unmapped }

func (s *sheet) items() iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for {
			r, fault, err := s.table.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(item{line: r.line}, err)
				return
			}
			it := item{line: r.line}
			if fault != nil {
				it.faults = []Fault{*fault}
			} else {
				it = s.item(r)
			}
			if !yield(it, nil) {
				return
			}
		}
	}
}

// item makes an entry of a row, and tells everything that is wrong with it.
func (s *sheet) item(r row) item {
	c := cells{item: item{line: r.line}, mapped: s.mapped, currency: s.currency, imageBase: s.imageBase}
	for _, column := range s.columns {
		cell, field, ok := column.cell(r)
		if c.field = field; ok {
			column.take(&c, cell)
		}
	}
	c.finish()
	c.sku = c.entry.Draft.SKU
	switch {
	case c.faults != nil:
		c.faults = withRules(c.faults, c.entry.Draft)
	case c.sku != "":
		c.faults = s.claims.claim(c.sku, c.line)
	}
	return c.item
}

// withRules adds what else is wrong with a draft some of whose cells could not be read.
func withRules(faults []Fault, d product.Draft) []Fault {
	read := &product.InvalidError{Faults: make([]product.Fault, len(faults))}
	for i, f := range faults {
		read.Faults[i] = product.Fault(f)
	}
	return faultsOf(productjson.Join(read, d.Validate()))
}
