package feed

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// StructureError says that a file cannot be read as what it is said to be. Nothing of it was
// taken.
type StructureError struct {
	Line    int    // counted from 1
	Code    string // empty, no_header, missing_column, duplicate_column, encoding, …
	Message string // the fault and its remedy
}

// Error names line, fault and remedy.
func (e *StructureError) Error() string {
	return fmt.Sprintf("feed: line %d: %s", e.Line, e.Message)
}

// table reads CSV with a header.
type table struct {
	records *records
	source  bytes.Reader
	buffer  *bufio.Reader // over source; shared by all records
	csv     *csv.Reader   // over buffer
	columns map[string]int
	header  []string // as written
	rows    int64    // read so far
}

// row is one record under the table's columns.
type row struct {
	table *table
	line  int
	cells []string
	size  int
}

// get returns the cell of a column by its key, without white space around it. It is empty where
// the row, or the table, has none.
func (r *row) get(column string) string {
	if i, ok := r.table.columns[column]; ok && r.cells != nil {
		return strings.TrimSpace(r.cells[i])
	}
	return ""
}

// openTable reads the header. A column's key is what key makes of its name; required ones must
// be there.
func openTable(r io.Reader, limit int, key func(name string) string, required ...string) (*table, error) {
	t := &table{records: newRecords(r, limit), columns: make(map[string]int)}
	t.buffer = bufio.NewReader(&t.source)
	t.csv = csv.NewReader(t.buffer)
	t.csv.FieldsPerRecord = -1 // counted here, with a message that says more

	header, fault, err := t.read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, &StructureError{Line: 1, Code: "empty", Message: "the file is empty; it must begin with a line of column names"}
	case err != nil:
		return nil, err
	case fault != nil:
		return nil, &StructureError{Line: header.line, Code: fault.Code, Message: "the line of column names " + fault.Message}
	}
	t.header = header.cells
	for i, name := range t.header {
		k := key(strings.TrimSpace(name))
		if at, twice := t.columns[k]; twice && k != "" {
			return nil, &StructureError{Line: header.line, Code: "duplicate_column",
				Message: fmt.Sprintf("columns %d and %d, %q and %q, mean the same; remove one", at+1, i+1, short(t.header[at]), short(name))}
		}
		t.columns[k] = i
	}
	return t, t.require(header.line, required)
}

func (t *table) require(line int, required []string) error {
	var missing []string
	for _, column := range required {
		if _, ok := t.columns[column]; !ok {
			missing = append(missing, column)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	e := &StructureError{Line: line, Code: "missing_column",
		Message: "columns are missing: " + strings.Join(missing, ", ") + "; the file must begin with a line of column names, these among them"}
	only := t.header[0]
	switch {
	case len(missing) == len(required):
		e.Code = "no_header"
		e.Message = fmt.Sprintf("the first line, which begins with %q, is no line of column names; it must have %s", short(only), strings.Join(required, ", "))
		if len(t.header) == 1 && strings.ContainsAny(only, ";\t") {
			e.Message = "the columns are not separated by commas; save the file as comma-separated CSV in UTF-8"
		}
	}
	return e
}

// has reports whether the file has a column.
func (t *table) has(column string) bool {
	_, ok := t.columns[column]
	return ok
}

// next returns the next row, or what is wrong with it, or an error that ends the reading:
// [io.EOF] at the end.
func (t *table) next() (row, *Fault, error) {
	r, fault, err := t.read()
	if err != nil {
		return r, nil, err
	}
	t.rows++
	if fault == nil && len(r.cells) != len(t.header) {
		fault = &Fault{Code: "columns", Message: fmt.Sprintf("has %d cells where the first line names %d columns; put cells that hold commas in quotes", len(r.cells), len(t.header))}
		r.cells = nil
	}
	return r, fault, nil
}

// read returns one record, or what is wrong with it, or the reader's error.
func (t *table) read() (row, *Fault, error) {
	record, line, err := t.records.next()
	r := row{table: t, line: line, size: len(record)}
	switch {
	case errors.Is(err, errTooLong):
		fault := tooLong(t.records.limit)
		return r, &fault, nil
	case err != nil:
		return r, nil, err
	case bytes.IndexByte(record, 0) >= 0:
		return r, &Fault{Code: "encoding", Message: "holds a NUL; save the file as CSV in UTF-8"}, nil
	case !utf8.Valid(record):
		return r, &notUTF8, nil
	}

	// encoding/csv would make a line feed of a carriage return and a line feed within quotes. No
	// record holds a zero.
	record = bytes.TrimRight(record, "\r\n")
	returns := bytes.IndexByte(record, '\r') >= 0
	if returns {
		record = bytes.ReplaceAll(record, []byte{'\r'}, []byte{0})
	}
	t.source.Reset(record)
	t.buffer.Reset(&t.source)
	cells, err := t.csv.Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return r, &Fault{Code: "quotes", Message: fmt.Sprintf(
			"has a misplaced quote in line %d, column %d; put the whole cell in quotes, and write a quote in it twice",
			line+parse.Line-parse.StartLine, parse.Column)}, nil
	}
	if err != nil {
		return r, nil, err
	}
	if returns {
		for i, cell := range cells {
			cells[i] = strings.ReplaceAll(cell, "\x00", "\r")
		}
	}
	r.cells = slices.Clip(cells)
	return r, nil, nil
}

// notUTF8 names the remedy, because which encoding it is instead cannot be told from the bytes.
var notUTF8 = Fault{Code: "encoding", Message: "is not valid UTF-8; save the file in UTF-8, or say which encoding it is, such as windows-1252"}

func tooLong(limit int) Fault {
	return Fault{Code: "too_long", Message: fmt.Sprintf("is longer than %d bytes; shorten it, or close the quotes that it opens", limit)}
}
