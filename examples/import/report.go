package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/productkit-go/productkit/product/feed"
)

// report tells the rows that were refused, and warnings: as sentences, or as CSV in a file.
type report struct {
	text io.Writer
	file *os.File // nil: text is told instead
	csv  *csv.Writer
}

// newReport makes the file of this name. Without a name it writes to text.
func newReport(name string, text io.Writer) (*report, error) {
	if name == "" {
		return &report{text: text}, nil
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	r := &report{file: file, csv: csv.NewWriter(file)}
	return r, r.csv.Write([]string{"event", "line", "sku", "field", "code", "message"})
}

// add tells every fault of a row.
func (r *report) add(e feed.Event) error {
	faults := append([]feed.Fault{{Field: e.Field, Code: e.Code, Message: e.Message}}, e.More...)
	for _, f := range faults {
		var err error
		if r.csv != nil {
			err = r.csv.Write([]string{string(e.Kind), strconv.Itoa(e.Line), e.SKU, f.Field, f.Code, f.Message})
		} else {
			err = r.say(e, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *report) say(e feed.Event, f feed.Fault) error {
	what := f.Message
	if f.Field != "" {
		what = f.Field + " " + what
	}
	if e.SKU != "" {
		what = fmt.Sprintf("SKU %q: %s", e.SKU, what)
	}
	_, err := fmt.Fprintf(r.text, "line %d, %s: %s\n", e.Line, e.Kind, what)
	return err
}

func (r *report) Close() error {
	if r.csv == nil {
		return nil
	}
	r.csv.Flush()
	return errors.Join(r.csv.Error(), r.file.Close())
}
