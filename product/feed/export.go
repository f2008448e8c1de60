package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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

// written is how much text is gathered before it is written.
const written = 32 << 10

func exportCSV(ctx context.Context, from Exporter, w io.Writer, q product.Query) error {
	b := make([]byte, 0, 2*written)
	for i, c := range ownColumns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, c.name...)
	}
	b = append(b, '\n')
	err := from.Export(ctx, q, func(r product.Row) (err error) {
		if b = appendRow(b, &r); len(b) >= written {
			_, err = w.Write(b)
			b = b[:0]
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// appendRow appends a product's line, with the cells in the order of ownColumns.
func appendRow(b []byte, r *product.Row) []byte {
	p := &r.Product
	b = appendCell(b, p.SKU)
	b = appendCell(append(b, ','), p.Name)
	b = p.Price.AppendDecimal(append(b, ','))
	b = appendCell(append(b, ','), p.Price.Currency)
	b = appendCell(append(b, ','), p.Description)
	b = appendCell(append(b, ','), string(p.Status))
	b = append(b, ',')
	if p.CompareAt != nil {
		b = p.CompareAt.AppendDecimal(b)
	}
	b = append(b, ',')
	if r.Stock.OnHand < 0 { // guarded
		b = appendCell(b, strconv.FormatInt(r.Stock.OnHand, 10))
	} else {
		b = strconv.AppendInt(b, r.Stock.OnHand, 10)
	}
	b = strconv.AppendBool(append(b, ','), p.Backorder)
	b = appendCell(append(b, ','), p.Group)
	b = append(b, ',')
	if len(p.Options) > 0 {
		b = appendCell(b, string(unescaped(p.Options)))
	}
	b = appendCell(append(b, ','), p.Category)
	b = appendCell(append(b, ','), joinTags(p.Tags))
	b = appendCell(append(b, ','), p.Vendor)
	b = appendCell(append(b, ','), p.Barcode)
	b = append(b, ',')
	if p.WeightGrams != 0 {
		b = strconv.AppendInt(b, p.WeightGrams, 10)
	}
	b = append(b, ',')
	if len(p.Images) > 0 {
		b = appendCell(b, string(unescaped(p.Images)))
	}
	b = appendCell(append(b, ','), string(p.Attributes))
	b = appendMoment(append(b, ','), p.PublishAt)
	b = appendMoment(append(b, ','), p.UnpublishAt)
	return append(b, '\n')
}

func appendMoment(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return t.AppendFormat(b, time.RFC3339Nano)
}

// appendCell appends a cell, guarded, in quotes where encoding/csv would put it in quotes.
func appendCell(b []byte, cell string) []byte {
	if cell == "" {
		return b
	}
	guard := guarded(cell)
	if !special(cell) && (guard || cell != `\.` && !leadingSpace(cell)) {
		if guard {
			b = append(b, apostrophe...)
		}
		return append(b, cell...)
	}
	b = append(b, '"')
	if guard {
		b = append(b, apostrophe...)
	}
	for {
		i := strings.IndexByte(cell, '"')
		if i < 0 {
			return append(append(b, cell...), '"')
		}
		b = append(append(b, cell[:i]...), `""`...)
		cell = cell[i+1:]
	}
}

func special(cell string) bool {
	return strings.IndexByte(cell, ',') >= 0 || strings.IndexByte(cell, '"') >= 0 || strings.IndexByte(cell, '\n') >= 0 || strings.IndexByte(cell, '\r') >= 0
}

func leadingSpace(cell string) bool {
	first, _ := utf8.DecodeRuneInString(cell)
	return unicode.IsSpace(first)
}

// joinTags separates tags by semicolons, unless they would not be taken apart as they were.
func joinTags(tags []string) string {
	if len(tags) == 0 {
		return ""
	}
	joined := strings.Join(tags, ";")
	if joined[0] != '[' && (plainTags(tags) || slices.Equal(splitTags(joined, tagSeparators), tags)) {
		return joined
	}
	return string(unescaped(tags))
}

// plainTags reports whether tags are words of ASCII that are apart, as most are, so that whoever splits
// them finds the same.
func plainTags(tags []string) bool {
	for i, tag := range tags {
		if tag == "" || slices.Contains(tags[:i], tag) {
			return false
		}
		for _, c := range []byte(tag) {
			if c <= ' ' || c > '~' || c == ',' || c == ';' {
				return false
			}
		}
	}
	return true
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
