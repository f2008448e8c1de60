package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	sq "github.com/Masterminds/squirrel"

	"github.com/productkit-go/productkit/product"
)

var recordColumns = []string{"id", "fingerprint", "recorded_at", "outcome"}

// lockRecords selects idempotency records and locks them, which waits for whoever is about to
// commit one, and reads what was committed although the host's transaction has an older view.
func (t tables) lockRecords(ids []any, noWait bool) (string, []any, error) {
	q := sq.Select(recordColumns...).From(t.byIndex(t.idempotency, "PRIMARY")).Where(in("id", ids))
	return t.forUpdate(q, noWait).ToSql()
}

// pruneRecords removes a bounded number of old records.
func (t tables) pruneRecords(before time.Time) (string, []any, error) {
	return t.pruneOldest(t.idempotency, "recorded_at", before)
}

// pruneOldest removes a bounded number of rows whose time is before another.
func (t tables) pruneOldest(table, column string, before time.Time) (string, []any, error) {
	old := sq.Lt{column: before.UnixMicro()}
	if t.dialect == SQLite { // which does not know LIMIT in DELETE
		oldest := sq.Select("id").From(table).Where(old).OrderBy(column).Limit(pruneStep)
		return sq.Delete(table).Where(sq.Expr("id IN (?)", oldest)).ToSql()
	}
	return sq.Delete(table).Where(old).OrderBy(column).Limit(pruneStep).ToSql()
}

// records looks idempotency records up. Rows must have been locked before: whoever had them
// first has then committed its record.
func (w *writer) records(ctx context.Context, ids []product.RecordID, noWait bool) ([]product.Record, error) {
	return lookUp(ctx, w.q, digests(ids), func(ids []any) (string, []any, error) {
		return w.tables.lockRecords(ids, noWait)
	}, scanRecord)
}

// recorded is an outcome as text. What is zero is left out.
type recorded struct {
	Result  product.Result `json:"result"`
	Product *plainProduct  `json:"product,omitempty"`
	Stock   product.Stock  `json:"stock"`

	Variants []plainProduct `json:"variants,omitempty"`
}

// plainProduct has a product's members and not its own way of writing them, which nothing
// reads back.
type plainProduct product.Product

func recordValues(r *product.Record) ([]any, error) {
	outcome := recorded{Result: r.Outcome.Result, Stock: r.Outcome.Stock}
	if r.Outcome.Product.Version != 0 {
		outcome.Product = (*plainProduct)(&r.Outcome.Product)
	}
	for _, p := range r.Outcome.Variants {
		outcome.Variants = append(outcome.Variants, plainProduct(p))
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // attributes come back byte for byte
	if err := e.Encode(outcome); err != nil {
		return nil, fmt.Errorf("%w: idempotency record %x: %w", errOurs, r.ID, err)
	}
	return []any{r.ID[:], r.Fingerprint[:], r.At.UnixMicro(), text.String()}, nil
}

func scanRecord(rows *sql.Rows) (product.Record, error) {
	var r product.Record
	var id, fingerprint, text sql.RawBytes
	var at int64
	if err := scan(rows, "idempotency record", &id, &fingerprint, &at, &text); err != nil {
		return r, err
	}
	var outcome recorded
	err := json.Unmarshal(text, &outcome)
	if err == nil && (len(id) != len(r.ID) || len(fingerprint) != len(r.Fingerprint)) {
		err = fmt.Errorf("digests have %d and %d bytes", len(id), len(fingerprint))
	}
	if err != nil {
		return r, corrupt("idempotency record", id, err)
	}
	copy(r.ID[:], id)
	copy(r.Fingerprint[:], fingerprint)
	r.At = fromMicros(at)
	r.Outcome = product.Outcome{Result: outcome.Result, Stock: outcome.Stock}
	if outcome.Product != nil {
		r.Outcome.Product = product.Product(*outcome.Product)
	}
	for _, p := range outcome.Variants {
		r.Outcome.Variants = append(r.Outcome.Variants, product.Product(p))
	}
	return r, nil
}
