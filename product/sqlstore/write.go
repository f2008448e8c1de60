package sqlstore

import (
	"context"
	"slices"
	"strings"

	sq "github.com/Masterminds/squirrel"

	"github.com/productkit-go/productkit/internal/searchtext"
	"github.com/productkit-go/productkit/product"
)

// maxRows is how many rows one statement writes on servers: from 200 to 2,000 they cost the same per row.
const maxRows = 500

// maxText is how long the text of such a statement gets: as long as package pool keeps prepared. A
// server needs a fifth longer for one that it has to parse.
const maxText = 8 << 10

// writer runs a batch's statements inside a transaction that somebody else began and ends.
type writer struct {
	tables tables
	packet int // bytes of values per statement
	q      querier

	unlocked bool // only looks, and writes nothing
	hosted   bool // the transaction is the host's, at whatever isolation level
	noSearch bool
	trust    bool // see [product.Decision.Trust]

	trustMerges bool // and TrustMerges
}

// decide locks and loads what the batch's writes need, until all is decided.
func (w *writer) decide(ctx context.Context, b product.Batch) (*product.Decision, error) {
	d := product.NewDecision(b)
	switch {
	case w.trustMerges:
		d.TrustMerges()
	case w.trust:
		d.Trust()
	}
	for need := d.Needs(); !need.Empty(); need = d.Needs() {
		rows, err := w.lockAndLoad(ctx, need, b.NoWait)
		if err != nil {
			return nil, err
		}
		records, err := w.records(ctx, need.Records, b.NoWait)
		if err != nil {
			return nil, err
		}
		reservations, err := w.reservations(ctx, need.Reservations, b.NoWait)
		if err != nil {
			return nil, err
		}
		holds, err := w.holds(ctx, need, b.NoWait)
		if err != nil {
			return nil, err
		}
		d.Load(rows)
		d.LoadRecords(records)
		d.LoadReservations(reservations)
		d.LoadHolds(holds)
	}
	return d, nil
}

// locking has a query lock what it selects, unless nothing is to be locked.
func (w *writer) locking(q sq.SelectBuilder, noWait bool) sq.SelectBuilder {
	if w.unlocked {
		return q
	}
	return w.tables.forUpdate(q, noWait)
}

func (w *writer) lockAndLoad(ctx context.Context, need product.Needs, noWait bool) ([]product.Row, error) {
	skus := make([]any, 0, len(need.SKUs))
	for _, sku := range need.SKUs {
		if product.ValidSKU(sku) { // another one is nobody's, and may not be compared (error 1267)
			skus = append(skus, sku)
		}
	}
	variants := make([]any, len(need.Variants))
	for i := range need.Variants {
		variants[i] = need.Variants[i][:]
	}
	rows := make([]product.Row, 0, len(need.IDs)) // of new SKUs and variants there are mostly none
	for _, group := range need.Groups {
		query, args, err := w.locking(w.tables.lookGroup(group), noWait).ToSql()
		if err != nil {
			return nil, err
		}
		if rows, err = w.readRows(ctx, rows, query, args); err != nil {
			return nil, err
		}
	}
	for _, lookup := range []struct {
		column, index string
		keys          []any
	}{
		{"id", "PRIMARY", idKeys(need.IDs)},
		{"live_sku", "live_sku", skus},
		{"variant_key", "variant_key", variants},
	} {
		for chunk := range slices.Chunk(lookup.keys, maxKeys) {
			query, args, err := w.locking(w.tables.look(lookup.column, lookup.index, chunk), noWait).ToSql()
			if err != nil {
				return nil, err
			}
			if rows, err = w.readRows(ctx, rows, query, args); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

func (w *writer) readRows(ctx context.Context, into []product.Row, query string, args []any) ([]product.Row, error) {
	err := streamRows(ctx, w.q, query, args, func(r product.Row) error {
		into = append(into, r)
		return nil
	})
	return into, err
}

// write writes what a decision came to. The rows of known products are locked.
func (w *writer) write(ctx context.Context, d *product.Decision) error {
	var newProducts, oldProducts, newStock, oldStock, newTags, oldTags, newDocuments, oldDocuments, changes, records [][]any
	var reclaiming []any
	var document searchtext.Document
	for _, s := range d.Saves() {
		before, after := s.Before, &s.After.Product
		if s.ProductChanged() {
			values, err := productValues(after)
			if err != nil {
				return err
			}
			if before == nil {
				newProducts = append(newProducts, values)
			} else {
				oldProducts = append(oldProducts, values)
				if reclaims(&before.Product, after) {
					reclaiming = append(reclaiming, after.ID[:])
				}
			}
			var tagsBefore []string
			if before != nil {
				tagsBefore = before.Product.Tags
			}
			newTags = appendTags(newTags, after, after.Tags, tagsBefore)
			oldTags = appendTags(oldTags, after, tagsBefore, after.Tags)
		}
		switch {
		case w.noSearch:
		case before == nil:
			newDocuments = append(newDocuments, documentValues(&document, after))
		case s.ProductChanged() && !sameText(&before.Product, after):
			oldDocuments = append(oldDocuments, documentValues(&document, after))
		}
		if s.StockChanged() {
			values := stockValues(&s.After.Stock)
			if before == nil {
				newStock = append(newStock, values)
			} else {
				oldStock = append(oldStock, values)
			}
		}
	}
	history := d.Changes()
	for i := range history {
		changes = append(changes, changeValues(&history[i]))
	}
	for _, r := range d.Records() {
		values, err := recordValues(&r)
		if err != nil {
			return err
		}
		records = append(records, values)
	}
	newHolds, ending := holdRows(d)
	newReservations, oldReservations, err := reservationRows(d)
	if err != nil {
		return err
	}

	columns := slices.Concat(productColumns, claimColumns)
	t := w.tables
	return firstError(
		func() error { return execKeys(ctx, w, t.releaseClaims, reclaiming) },
		func() error { return w.insert(ctx, t.products, columns, oldProducts, t.overwrite(columns)) },
		func() error { return w.insert(ctx, t.products, columns, newProducts, "") },
		func() error { return w.insert(ctx, t.stock, stockColumns, oldStock, t.overwrite(stockColumns)) },
		func() error { return w.insert(ctx, t.stock, stockColumns, newStock, "") },
		func() error { return execKeys(ctx, w, t.deleteTags, oldTags) },
		func() error { return w.insert(ctx, t.tags, tagColumns, newTags, "") },
		func() error { return execKeys(ctx, w, t.deleteHolds, ending) },
		func() error { return w.insert(ctx, t.holds, holdColumns, newHolds, "") },
		func() error {
			return w.insert(ctx, t.reservations, reservationColumns, oldReservations, t.overwrite(reservationColumns))
		},
		func() error { return w.insert(ctx, t.reservations, reservationColumns, newReservations, "") },
		func() error { return w.index(ctx, newDocuments, oldDocuments) },
		func() error { return w.insert(ctx, t.changes, changeColumns, changes, "") },
		func() error { return w.insert(ctx, t.idempotency, recordColumns, records, "") },
	)
}

// appendTags appends the rows of the tags that a product has and others do not.
func appendTags(rows [][]any, p *product.Product, tags, others []string) [][]any {
	for _, tag := range tags {
		if !slices.Contains(others, tag) {
			rows = append(rows, []any{tag, p.ID[:]})
		}
	}
	return rows
}

// reclaims reports whether a product gives up a SKU or a variant that another one of the batch
// may take.
func reclaims(before, after *product.Product) bool {
	if before.Deleted() {
		return false
	}
	old, _ := before.VariantKey()
	next, _ := after.VariantKey()
	return after.Deleted() || before.SKU != after.SKU || old != next
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// execKeys runs a statement that takes a list of keys.
func execKeys[K any](ctx context.Context, w *writer, build func([]K) (string, []any, error), keys []K) error {
	for chunk := range slices.Chunk(keys, maxKeys) {
		query, args, err := build(chunk)
		if err != nil {
			return err
		}
		if err := w.exec(ctx, query, args); err != nil {
			return err
		}
	}
	return nil
}

// exec runs a statement without a result, which a session may put off until one with a result or its flush.
func (w *writer) exec(ctx context.Context, query string, args []any) error {
	if t, ok := w.q.(*session); ok {
		return t.later(ctx, query, args)
	}
	_, err := w.q.ExecContext(ctx, query, args...)
	return classify(err)
}

// insert inserts rows in as few statements as rows, text and bytes allow. A single row is tried
// whatever its size.
func (w *writer) insert(ctx context.Context, table string, columns []string, rows [][]any, suffix string) error {
	if w.tables.dialect == SQLite {
		_, err := w.insertEach(ctx, table, columns, rows, suffix)
		return err
	}
	if suffix == "" && len(rows) > 0 {
		columns, rows = withoutDefaults(columns, rows)
	}
	most := mostRows(table, columns, suffix)
	for len(rows) > 0 {
		n, bytes := 1, size(rows[0])
		for n < min(len(rows), most) {
			if bytes += size(rows[n]); bytes > w.packet {
				break
			}
			n++
		}
		query, args := insert(table, columns, rows[:n], suffix)
		if err := w.exec(ctx, query, args); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// insertEach is insert for SQLite, and returns the rows' own IDs. As it runs in this process, calling it for each
// row costs less than the parsing of a text with several, and the copies of pages by which it could take
// back one of several rows.
func (w *writer) insertEach(ctx context.Context, table string, columns []string, rows [][]any, suffix string) (rowIDs []int64, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	query, _ := insert(table, columns, rows[:1], suffix)
	stmt, err := w.q.PrepareContext(ctx, query)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = stmt.Close() }()
	rowIDs = make([]int64, len(rows))
	whole := context.WithoutCancel(ctx) // the driver starts a goroutine for each statement whose context may end
	for i, row := range rows {
		if err := ctx.Err(); err != nil {
			return nil, classify(err)
		}
		result, err := stmt.ExecContext(whole, row...)
		if err != nil {
			return nil, classify(err)
		}
		if rowIDs[i], err = result.LastInsertId(); err != nil {
			return nil, classify(err)
		}
	}
	return rowIDs, nil
}

// mostRows is how many rows one statement writes. Where it is not all of maxRows it is a power of two,
// so that the batches of an import, which are full, come to few texts.
func mostRows(table string, columns []string, suffix string) int {
	head := len("INSERT INTO  () VALUES ") + len(table) + len(strings.Join(columns, ",")) + len(" "+suffix)
	n, row := maxRows, len(placeholders(len(columns)))
	for power := 512; n > 1 && head+n*row > maxText; power /= 2 {
		n = min(n, power)
	}
	return n
}

func size(row []any) int {
	n := 0
	for _, value := range row {
		switch v := value.(type) {
		case string:
			n += len(v) + 3
		case []byte:
			n += len(v) + 10
		default:
			n += 21
		}
	}
	return n
}
