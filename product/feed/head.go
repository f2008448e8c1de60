package feed

import (
	"errors"
	"io"
	"strings"
)

// Head is what a file of CSV begins with, as it is written.
type Head struct {
	Columns []string   // their names, without white space around them
	Rows    [][]string // the cells of the first rows; those that cannot be read are left out
}

// Peek reads the line of column names and at most n rows, so that somebody can choose a [Map]. It
// uses the Encoding and the MaxRecordBytes of cfg.
//
// Errors: a [*StructureError], and the reader's.
func Peek(r io.Reader, cfg Config, n int) (Head, error) {
	cfg = cfg.WithDefaults()
	text, err := decodeText(r, cfg.Encoding)
	if err != nil {
		return Head{}, err
	}
	t, err := openTable(text, cfg.MaxRecordBytes, strings.TrimSpace)
	if err != nil {
		return Head{}, err
	}
	var h Head
	for _, name := range t.header {
		h.Columns = append(h.Columns, strings.TrimSpace(name))
	}
	for range n {
		row, fault, err := t.next()
		switch {
		case errors.Is(err, io.EOF):
			return h, nil
		case err != nil:
			return h, err
		case fault == nil:
			h.Rows = append(h.Rows, row.cells)
		}
	}
	return h, nil
}

// Fields lists what a column can be mapped to, besides single options and attributes; see the package
// comment.
func Fields() []string { return fieldNames() }
