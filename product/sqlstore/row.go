package sqlstore

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// scanner reads rows whose columns are productColumns, stockColumns or both. It keeps its
// buffers from row to row. All columns are read as [sql.RawBytes] or integer, which database/sql
// assigns without reflection, and a row's text is kept in one string.
type scanner struct {
	rows *sql.Rows
	dest []any

	id, sku, name, description, status, currency, group, options sql.RawBytes
	category, tags, vendor, barcode, images, attributes          sql.RawBytes
	publishAt, unpublishAt, price, compareAt, backorder, weight  integer
	version, createdAt, updatedAt, deletedAt                     integer

	stockID                        sql.RawBytes
	onHand, reserved, stockVersion integer
}

func scanProducts(rows *sql.Rows) *scanner {
	s := &scanner{rows: rows}
	s.dest = append(make([]any, 0, len(productColumns)+len(stockColumns)),
		&s.id, &s.sku, &s.name, &s.description, &s.status, &s.publishAt, &s.unpublishAt, &s.price, &s.currency, &s.compareAt, &s.backorder,
		&s.group, &s.options, &s.category, &s.tags, &s.vendor, &s.barcode, &s.weight, &s.images,
		&s.attributes, &s.version, &s.createdAt, &s.updatedAt, &s.deletedAt)
	return s
}

func (s *scanner) withStock() *scanner {
	s.dest = append(s.dest, &s.stockID, &s.onHand, &s.reserved, &s.stockVersion)
	return s
}

// scanInto fills in a product that is zero.
func (s *scanner) scanInto(p *product.Product) error {
	if err := scan(s.rows, "product", s.dest...); err != nil {
		return err
	}
	if err := readID(&p.ID, s.id); err != nil {
		return corrupt("product", s.id, err)
	}
	s.readText(p)
	p.Status = intern(s.status, product.StatusActive, product.StatusDraft, product.StatusArchived)
	p.Price = product.Money{Amount: s.price.value, Currency: intern(s.currency, "EUR", "USD", "GBP", "JPY")}
	if !s.compareAt.null {
		p.CompareAt = &product.Money{Amount: s.compareAt.value, Currency: p.Price.Currency}
	}
	p.Backorder = s.backorder.value != 0
	p.WeightGrams, p.Version = s.weight.value, s.version.value
	if len(s.attributes) > 0 {
		p.Attributes = append(json.RawMessage(nil), s.attributes...)
	}
	if p.Tags == nil && len(s.tags) > 0 {
		if err := json.Unmarshal(s.tags, &p.Tags); err != nil {
			return corrupt("product", s.id, err)
		}
	}
	if len(s.options) > 0 {
		if err := json.Unmarshal(s.options, &p.Options); err != nil {
			return corrupt("product", s.id, err)
		}
	}
	if len(s.images) > 0 {
		if err := json.Unmarshal(s.images, &p.Images); err != nil {
			return corrupt("product", s.id, err)
		}
	}
	if !s.publishAt.null {
		p.PublishAt = fromMicros(s.publishAt.value)
	}
	if !s.unpublishAt.null {
		p.UnpublishAt = fromMicros(s.unpublishAt.value)
	}
	p.CreatedAt = fromMicros(s.createdAt.value)
	p.UpdatedAt = fromMicros(s.updatedAt.value)
	if s.deletedAt.value != 0 {
		p.DeletedAt = fromMicros(s.deletedAt.value)
	}
	return nil
}

// readText cuts a product's text out of one string. Tags that need unmarshalling it leaves alone.
func (s *scanner) readText(p *product.Product) {
	plain := plainList(s.tags)
	tags := s.tags
	if !plain {
		tags = nil
	}
	var b strings.Builder
	b.Grow(len(s.sku) + len(s.name) + len(s.description) + len(s.group) + len(s.category) + len(s.vendor) + len(s.barcode) + len(tags))
	for _, text := range [...][]byte{s.sku, s.name, s.description, s.group, s.category, s.vendor, s.barcode, tags} {
		b.Write(text)
	}
	rest := b.String()
	cut := func(n int) (text string) {
		text, rest = rest[:n], rest[n:]
		return text
	}
	p.SKU, p.Name, p.Description = cut(len(s.sku)), cut(len(s.name)), cut(len(s.description))
	p.Group, p.Category, p.Vendor, p.Barcode = cut(len(s.group)), cut(len(s.category)), cut(len(s.vendor)), cut(len(s.barcode))
	if plain {
		p.Tags = strings.Split(rest[len(`["`):len(rest)-len(`"]`)], `","`)
	}
}

// plainList reports whether a JSON list is one of strings without escapes, as jsonText writes it:
// behind the first quote all others come in pairs, with a comma between them.
func plainList(text []byte) bool {
	if len(text) < len(`[""]`) || bytes.IndexByte(text, '\\') >= 0 {
		return false
	}
	inner, ok1 := bytes.CutPrefix(text, []byte(`["`))
	inner, ok2 := bytes.CutSuffix(inner, []byte(`"]`))
	return ok1 && ok2 && bytes.Count(inner, []byte{'"'}) == 2*bytes.Count(inner, []byte(`","`))
}

// integer is a column of whole numbers or NULL. Plain *int64 has database/sql use reflection.
type integer struct {
	value int64
	null  bool
}

// Scan implements [sql.Scanner].
func (n *integer) Scan(src any) error {
	switch v := src.(type) {
	case int64:
		*n = integer{value: v}
		return nil
	case nil:
		*n = integer{null: true}
		return nil
	}
	var v sql.NullInt64
	err := v.Scan(src)
	*n = integer{value: v.Int64, null: !v.Valid}
	return err
}

func (s *scanner) scanRow() (product.Row, error) {
	var row product.Row
	if err := s.scanInto(&row.Product); err != nil {
		return product.Row{}, err
	}
	row.Stock = product.Stock{ProductID: row.Product.ID, OnHand: s.onHand.value, Reserved: s.reserved.value, Version: s.stockVersion.value}
	return row, nil
}

// scan tells a row that cannot be read from a connection that ended in the middle.
func scan(rows *sql.Rows, what string, dest ...any) error {
	err := rows.Scan(dest...)
	if err == nil {
		return nil
	}
	if broken := rows.Err(); broken != nil {
		return classify(broken)
	}
	return corrupt(what, nil, err)
}

// productValues are the values of productColumns and claimColumns.
func productValues(p *product.Product) ([]any, error) {
	var compareAt, publishAt, unpublishAt, liveSKU, variantKey any
	if !p.PublishAt.IsZero() {
		publishAt = p.PublishAt.UnixMicro()
	}
	if !p.UnpublishAt.IsZero() {
		unpublishAt = p.UnpublishAt.UnixMicro()
	}
	if p.CompareAt != nil {
		compareAt = p.CompareAt.Amount
	}
	if !p.Deleted() {
		liveSKU = p.SKU
	}
	if key, ok := p.VariantKey(); ok {
		variantKey = key[:]
	}
	options, err1 := jsonText(p.Options, len(p.Options))
	tags, err2 := jsonText(p.Tags, len(p.Tags))
	images, err3 := jsonText(p.Images, len(p.Images))
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return nil, fmt.Errorf("%w: product %s: %w", errOurs, p.ID, err)
		}
	}
	var deletedAt int64
	if p.Deleted() {
		deletedAt = p.DeletedAt.UnixMicro()
	}
	return []any{
		p.ID[:], p.SKU, p.Name, p.Description, string(p.Status), publishAt, unpublishAt, p.Price.Amount, p.Price.Currency, compareAt, number(p.Backorder),
		p.Group, options, p.Category, tags, p.Vendor, p.Barcode, p.WeightGrams, images,
		string(p.Attributes), p.Version, p.CreatedAt.UnixMicro(), p.UpdatedAt.UnixMicro(), deletedAt,
		liveSKU, variantKey, number(p.Deleted()),
	}, nil
}

func stockValues(s *product.Stock) []any {
	return []any{s.ProductID[:], s.OnHand, s.Reserved, s.Version}
}

func changeValues(c *product.Change) []any {
	fields := ""
	if len(c.Fields) > 0 {
		fields = string(c.AppendFields(nil))
	}
	return []any{c.ID[:], c.ProductID[:], subject(c.Kind), c.Version, c.SKU, string(c.Kind), c.At.UnixMicro(), c.Actor, c.Reason, fields}
}

func scanChange(rows *sql.Rows) (product.Change, error) {
	var c product.Change
	var seq sql.NullInt64
	var id, productID, fields sql.RawBytes
	var subject int
	var at int64
	if err := scan(rows, "change", &seq, &id, &productID, &subject, &c.Version, &c.SKU, &c.Kind, &at, &c.Actor, &c.Reason, &fields); err != nil {
		return c, err
	}
	err := readID(&c.ID, id)
	if err == nil {
		err = readID(&c.ProductID, productID)
	}
	if err == nil && len(fields) > 0 {
		err = json.Unmarshal(fields, &c.Fields)
	}
	if err != nil {
		return c, corrupt("change", id, err)
	}
	c.Seq, c.At = product.Seq(seq.Int64), fromMicros(at)
	return c, nil
}

// jsonText keeps the empty as the empty text, which costs nothing to read.
func jsonText(v any, n int) (string, error) {
	if n == 0 {
		return "", nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

func readID(id *uuid.UUID, raw []byte) error {
	if len(raw) != len(id) {
		return fmt.Errorf("an ID has %d bytes instead of 16", len(raw))
	}
	copy(id[:], raw)
	return nil
}

// scanID returns what reads rows of one ID, of whatever they are named as.
func scanID(what string) func(*sql.Rows) (uuid.UUID, error) {
	return func(rows *sql.Rows) (id uuid.UUID, err error) {
		var raw sql.RawBytes
		if err := scan(rows, what, &raw); err != nil {
			return id, err
		}
		if err := readID(&id, raw); err != nil {
			return id, corrupt(what, raw, err)
		}
		return id, nil
	}
}

// intern saves allocating the values that nearly every row has.
func intern[S ~string](raw []byte, known ...S) S {
	for _, s := range known {
		if string(s) == string(raw) {
			return s
		}
	}
	return S(raw)
}

// corrupt is an error that lies in the stored row and not in the connection.
func corrupt(what string, id []byte, err error) error {
	return fmt.Errorf("%w: the stored %s %x cannot be read: %w", errOurs, what, id, err)
}
