package feed

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"unicode/utf8"

	"github.com/productkit-go/productkit/internal/productjson"
)

// lines reads NDJSON: a product in each line that is not blank.
type lines struct {
	records *records
	rows    int64
	claims  claims
}

func openLines(r io.Reader, cfg Config) *lines {
	records := newRecords(r, cfg.MaxRecordBytes)
	records.whole = true
	return &lines{records: records, claims: newClaims()}
}

func (l *lines) read() int64       { return l.rows }
func (l *lines) leftOut() []string { return nil }

func (l *lines) items() iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for {
			record, line, err := l.records.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil && !errors.Is(err, errTooLong):
				yield(item{line: line}, err)
				return
			}
			l.rows++
			if !yield(l.item(record, line, err), nil) {
				return
			}
		}
	}
}

func (l *lines) item(record []byte, line int, err error) item {
	it := item{line: line}
	switch {
	case err != nil:
		it.faults = []Fault{tooLong(l.records.limit)}
		return it
	case !utf8.Valid(record):
		it.faults = []Fault{notUTF8}
		return it
	}
	it.entry, err = productjson.DecodeEntry(record)
	it.sku = it.entry.Draft.SKU
	var syntax *productjson.SyntaxError
	switch {
	case errors.As(err, &syntax):
		it.faults = []Fault{{Code: "syntax", Message: fmt.Sprintf("is no JSON object on one line: %v", syntax)}}
	case err != nil:
		it.faults = faultsOf(productjson.Join(err, it.entry.Draft.Validate()))
	case it.sku != "":
		it.faults = l.claims.claim(it.sku, line)
	}
	return it
}
