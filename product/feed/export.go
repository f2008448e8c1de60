package feed

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/productkit-go/productkit/product"
)

// Exporter is the catalogue that [Export] reads. It is [*product.Service].
type Exporter interface {
	Export(ctx context.Context, q product.Query, each func(product.Row) error) error
}

// Export writes the live products of q as of one moment, ordered by SKU, in the columns or members
// that [Import] reads; format is [Native] or [NDJSON], and blank means the former. Equal catalogues
// make equal files, byte for byte, whatever their IDs, versions and times are, which are left out.
//
// It holds one product in memory. The snapshot is open, and holds a connection of the database,
// until the last write to w has returned: give a slow receiver a copy instead.
//
// Errors: a [product.InvalidError] that names the format or a field of q, those of
// [product.Service.Export], and w's.
func Export(ctx context.Context, from Exporter, w io.Writer, q product.Query, format Format) error {
	switch format {
	case Native, "":
		return exportCSV(ctx, from, w, q)
	case NDJSON:
		return exportLines(ctx, from, w, q)
	}
	return &product.InvalidError{Faults: []product.Fault{{Field: "format", Code: "unknown", Message: fmt.Sprintf("is %q; use native or ndjson", short(string(format)))}}}
}

func exportCSV(ctx context.Context, from Exporter, w io.Writer, q product.Query) error {
	out := csv.NewWriter(w) // which buffers
	header := make([]string, len(ownColumns))
	for i, c := range ownColumns {
		header[i] = c.name
	}
	if err := out.Write(header); err != nil {
		return err
	}
	err := from.Export(ctx, q, func(r product.Row) error {
		cells := rowCells(r)
		for i, cell := range cells {
			cells[i] = guard(cell)
		}
		return out.Write(cells)
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// rowCells returns a product's cells in the order of ownColumns.
func rowCells(r product.Row) []string {
	p := &r.Product
	var compareAt, weight, options, images string
	if p.CompareAt != nil {
		compareAt = p.CompareAt.Decimal()
	}
	if p.WeightGrams != 0 {
		weight = strconv.FormatInt(p.WeightGrams, 10)
	}
	if len(p.Options) > 0 {
		options = string(unescaped(p.Options))
	}
	if len(p.Images) > 0 {
		images = string(unescaped(p.Images))
	}
	return []string{
		p.SKU, p.Name, p.Price.Decimal(), p.Price.Currency, p.Description, string(p.Status), compareAt,
		strconv.FormatInt(r.Stock.OnHand, 10), strconv.FormatBool(p.Backorder), p.Group, options, p.Category,
		joinTags(p.Tags), p.Vendor, p.Barcode, weight, images, string(p.Attributes), moment(p.PublishAt), moment(p.UnpublishAt),
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// joinTags separates tags by semicolons, unless they would not be taken apart as they were.
func joinTags(tags []string) string {
	if len(tags) == 0 {
		return ""
	}
	joined := strings.Join(tags, ";")
	if joined[0] != '[' && slices.Equal(splitTags(joined, tagSeparators), tags) {
		return joined
	}
	return string(unescaped(tags))
}

// exported is a product without what belongs to one catalogue only, in the order of its JSON form.
type exported struct {
	SKU         string            `json:"sku"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Status      product.Status    `json:"status"`
	PublishAt   time.Time         `json:"publish_at,omitzero"`
	UnpublishAt time.Time         `json:"unpublish_at,omitzero"`
	Price       product.Money     `json:"price"`
	CompareAt   *product.Money    `json:"compare_at,omitempty"`
	Backorder   bool              `json:"backorder"`
	Group       string            `json:"group,omitempty"`
	Options     map[string]string `json:"options,omitempty"`
	Category    string            `json:"category,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Vendor      string            `json:"vendor,omitempty"`
	Barcode     string            `json:"barcode,omitempty"`
	WeightGrams int64             `json:"weight_grams,omitempty"`
	Images      []product.Image   `json:"images,omitempty"`
	Attributes  json.RawMessage   `json:"attributes,omitempty"`
	Stock       int64             `json:"stock"`
}

func exportLines(ctx context.Context, from Exporter, w io.Writer, q product.Query) error {
	return from.Export(ctx, q, func(r product.Row) error {
		p := &r.Product
		line := unescaped(exported{
			p.SKU, p.Name, p.Description, p.Status, p.PublishAt, p.UnpublishAt, p.Price, p.CompareAt, p.Backorder, p.Group, p.Options, p.Category,
			p.Tags, p.Vendor, p.Barcode, p.WeightGrams, p.Images, p.Attributes, r.Stock.OnHand,
		})
		_, err := w.Write(append(line, '\n'))
		return err
	})
}

// unescaped encodes without the escapes that only HTML needs.
func unescaped(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("feed: a stored product cannot be encoded: " + err.Error()) // its attributes were checked when they came
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
