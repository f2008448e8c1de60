package console

import (
	"context"
	"errors"
	"strconv"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// sampled is how many rows are shown of a file.
const sampled = 5

// sample is what the first rows of a file are and come to.
type sample struct {
	Products []sampleRow
	Refusals []refusal
	cells    map[string][]string // by the columns' names
}

type sampleRow struct {
	Name  string
	Cells []named
}

// named is a cell with its column's name.
type named struct {
	Name string
	Cell cell
}

// taster takes the first entries of an import and ends it.
type taster struct {
	entries []product.Entry
	enough  context.CancelFunc
}

func (t *taster) Merge(_ context.Context, entries []product.Entry) ([]product.Outcome, error) {
	t.entries = entries
	t.enough()
	return make([]product.Outcome, len(entries)), nil
}

// taste reads the first rows as an import would. Its error is what an import would fail with at once: a
// [feed.StructureError], a [product.InvalidError], or that of the file.
func (j *importJob) taste(ctx context.Context, s settings) (sample, error) {
	text := j.text()
	if text == nil {
		return sample{}, errImportGone
	}
	out := sample{cells: make(map[string][]string)}
	cfg := s.config()
	if len(s.columns) > 0 {
		if head, err := feed.Peek(text, cfg, sampled); err == nil {
			for i, name := range head.Columns {
				for _, row := range head.Rows {
					out.cells[name] = append(out.cells[name], row[i])
				}
			}
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := taster{enough: cancel}
	cfg.BatchSize, cfg.Batches = sampled, 1
	var failed error
	for e := range feed.Import(ctx, &t, j.text(), cfg) {
		switch e.Kind {
		case feed.EventRefused, feed.EventWarning:
			if len(out.Refusals) < sampled {
				out.Refusals = append(out.Refusals, refusalOf(&e))
			}
			if len(out.Refusals) == sampled && t.entries == nil {
				cancel() // nothing but refusals
			}
		case feed.EventFailed:
			failed = e.Err
		}
	}
	if failed != nil && !errors.Is(failed, context.Canceled) {
		return out, failed
	}
	for i := range t.entries {
		out.Products = append(out.Products, readAs(&t.entries[i]))
	}
	return out, nil
}

// readAs shows what a row was read as, with the list's columns.
func readAs(e *product.Entry) sampleRow {
	p := e.Draft.Product
	if p.Status == "" {
		p.Status = product.StatusDraft // what it becomes if it is new
	}
	line := sampleRow{Name: p.Name}
	for _, c := range columns() {
		if c.ID == "version" || c.ID == "created" || c.ID == "updated" || c.ID == "reserved" {
			continue
		}
		shown := cell{}
		switch {
		case c.ID != "stock":
			shown = c.cell(&p, nil, -1)
		case e.Draft.Stock != nil:
			shown = text(strconv.FormatInt(*e.Draft.Stock, 10))
		}
		if shown.Kind == "category" {
			shown.Kind = "text"
		}
		line.Cells = append(line.Cells, named{c.Name, shown})
	}
	return line
}
