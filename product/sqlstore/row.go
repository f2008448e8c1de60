package sqlstore

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// scanner reads rows whose columns are productColumns, stockColumns or both. It keeps its
// buffers from row to row.
type scanner struct {
	rows *sql.Rows
	dest []any

	id, status, currency, options, tags, images, attributes sql.RawBytes
	compareAt, publishAt, unpublishAt                       sql.NullInt64
	createdAt, updatedAt, deletedAt                         int64
	product                                                 product.Product

	stockID sql.RawBytes
	stock   product.Stock
}

func scanProducts(rows *sql.Rows) *scanner {
	s := &scanner{rows: rows}
	p := &s.product
	s.dest = []any{
		&s.id, &p.SKU, &p.Name, &p.Description, &s.status, &s.publishAt, &s.unpublishAt, &p.Price.Amount, &s.currency, &s.compareAt, &p.Backorder,
		&p.Group, &s.options, &p.Category, &s.tags, &p.Vendor, &p.Barcode, &p.WeightGrams, &s.images,
		&s.attributes, &p.Version, &s.createdAt, &s.updatedAt, &s.deletedAt,
	}
	return s
}

func (s *scanner) withStock() *scanner {
	s.dest = append(s.dest, &s.stockID, &s.stock.OnHand, &s.stock.Reserved, &s.stock.Version)
	return s
}

func (s *scanner) scanProduct() (product.Product, error) {
	s.product = product.Product{}
	if err := scan(s.rows, "product", s.dest...); err != nil {
		return product.Product{}, err
	}
	p := s.product
	if err := readID(&p.ID, s.id); err != nil {
		return p, corrupt("product", s.id, err)
	}
	p.Status = intern(s.status, product.StatusActive, product.StatusDraft, product.StatusArchived)
	p.Price.Currency = intern(s.currency, "EUR", "USD", "GBP", "JPY")
	if s.compareAt.Valid {
		p.CompareAt = &product.Money{Amount: s.compareAt.Int64, Currency: p.Price.Currency}
	}
	if len(s.attributes) > 0 {
		p.Attributes = append(json.RawMessage(nil), s.attributes...)
	}
	for _, member := range []struct {
		text sql.RawBytes
		into any
	}{{s.options, &p.Options}, {s.tags, &p.Tags}, {s.images, &p.Images}} {
		if len(member.text) == 0 {
			continue
		}
		if err := json.Unmarshal(member.text, member.into); err != nil {
			return p, corrupt("product", s.id, err)
		}
	}
	if s.publishAt.Valid {
		p.PublishAt = fromMicros(s.publishAt.Int64)
	}
	if s.unpublishAt.Valid {
		p.UnpublishAt = fromMicros(s.unpublishAt.Int64)
	}
	p.CreatedAt = fromMicros(s.createdAt)
	p.UpdatedAt = fromMicros(s.updatedAt)
	if s.deletedAt != 0 {
		p.DeletedAt = fromMicros(s.deletedAt)
	}
	return p, nil
}

func (s *scanner) scanRow() (product.Row, error) {
	p, err := s.scanProduct()
	if err != nil {
		return product.Row{}, err
	}
	row := product.Row{Product: p, Stock: s.stock}
	row.Stock.ProductID = p.ID
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

func changeValues(c *product.Change) ([]any, error) {
	fields, err := jsonText(c.Fields, len(c.Fields))
	if err != nil {
		return nil, fmt.Errorf("%w: change of product %s: %w", errOurs, c.ProductID, err)
	}
	return []any{c.ID[:], c.ProductID[:], subject(c.Kind), c.Version, c.SKU, string(c.Kind), c.At.UnixMicro(), c.Actor, c.Reason, fields}, nil
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
