package product

import (
	"errors"
	"fmt"
)

// errUndecided is the outcome of a write for which rows must be loaded first. It never leaves
// a Decision.
var errUndecided = errors.New("product: undecided")

// decideOnce applies one write, unless one with the same idempotency key has succeeded before,
// in this batch too.
func (d *Decision) decideOnce(w *Write) Outcome {
	if w.Record == nil {
		return d.decide(w)
	}
	if r := d.recorded[*w.Record]; r != nil {
		return w.replay(r)
	}
	outcome := d.decide(w) // also to ask for its rows in the same round as for the record
	if !d.askedRecords[*w.Record] {
		d.missing.records[*w.Record] = true
		return Outcome{Err: errUndecided}
	}
	if outcome.Err == nil {
		r := recordOf(w, outcome)
		d.records = append(d.records, r)
		d.recorded[r.ID] = &r
	}
	return outcome
}

// decide applies one write.
func (d *Decision) decide(w *Write) Outcome {
	switch w.Op {
	case OpCreate:
		return d.insert(w, w.Draft.Product, value(w.Draft.Stock))
	case OpUpsert:
		return d.upsert(w)
	case OpRestore:
		return d.restore(w)
	case OpUpdateGroup:
		return d.updateGroup(w)
	case OpReserve:
		return d.reserve(w)
	case OpCommit, OpRelease:
		return d.settle(w)
	case OpExpire:
		return d.expire(w)
	}
	row, known := d.target(w)
	switch {
	case !known:
		if w.Patch != nil && w.Patch.SKU != nil {
			d.bySKU(*w.Patch.SKU) // asks for it in the same round
		}
		return Outcome{Err: errUndecided}
	case row == nil || row.Product.Deleted():
		return Outcome{Err: ErrNotFound}
	}

	if row, known = d.current(row, w.At); !known {
		return Outcome{Err: errUndecided}
	}
	present := row.Product.Revision()
	if w.Op == OpAdjustStock || w.Op == OpSetStock {
		present = row.Stock.Revision()
	}
	if !w.Expect.met(&present) {
		return Outcome{Err: ErrPreconditionFailed}
	}
	switch w.Op {
	case OpUpdate:
		return d.update(w, row)
	case OpDelete:
		next := row.Product
		next.DeletedAt = later(w.At, row.Product.UpdatedAt)
		return d.replace(w, row, next, ChangeDeleted, Deleted)
	case OpAdjustStock:
		return d.adjust(w, row)
	case OpSetStock:
		return d.setStock(w, row, *w.OnHand)
	}
	return Outcome{Err: fmt.Errorf("product: unknown operation %d", w.Op)}
}

// target finds the row that a write is about, by its ID deleted or not.
func (d *Decision) target(w *Write) (row *Row, known bool) {
	if w.SKU != "" {
		return d.bySKU(w.SKU)
	}
	return d.byID(w.ID)
}

func (d *Decision) update(w *Write, row *Row) Outcome {
	next, err := w.Patch.apply(row)
	if err != nil {
		return Outcome{Err: err}
	}
	return d.replace(w, row, next, ChangeUpdated, Updated)
}

// apply merges the patch into the row's product and checks the result against every rule.
func (d *Patch) apply(row *Row) (Product, error) {
	next, mergeErr := d.merge(row.Product)
	if err := errors.Join(d.Assert.check(row), mergeErr, next.normalize()); err != nil {
		return Product{}, joinFaults(err)
	}
	return next, nil
}

func (d *Decision) upsert(w *Write) Outcome {
	if d.trusts(w, &w.Draft.Product) {
		return d.upsertNew(w)
	}
	row, known := d.bySKU(w.Draft.SKU)
	if !known {
		return Outcome{Err: errUndecided}
	}
	if row == nil {
		return d.upsertNew(w)
	}
	if row, known = d.current(row, w.At); !known {
		return Outcome{Err: errUndecided}
	}
	present := row.Product.Revision()
	if !w.Expect.met(&present) {
		return Outcome{Err: ErrPreconditionFailed}
	}
	if w.Patch != nil {
		return d.upsertPatch(w, row)
	}
	next, asserts := w.Draft.replacement(&row.Product)
	if err := asserts.check(row); err != nil {
		return Outcome{Err: err}
	}
	return d.replace(w, row, next, ChangeUpdated, Updated)
}

func (d *Decision) upsertNew(w *Write) Outcome {
	if !w.Expect.met(nil) {
		return Outcome{Err: ErrPreconditionFailed}
	}
	if err := w.Draft.unassigned(); err != nil {
		return Outcome{Err: err}
	}
	return d.insert(w, w.Draft.Product, value(w.Draft.Stock))
}

// upsertPatch gives a known product the patch and the stock of an import's row.
func (d *Decision) upsertPatch(w *Write, row *Row) Outcome {
	before := row
	outcome := d.update(w, row)
	if outcome.Err != nil || w.OnHand == nil {
		return outcome
	}
	result := outcome.Result
	row, _ = d.byID(outcome.Product.ID)
	if outcome = d.setStock(w, row, *w.OnHand); outcome.Err != nil {
		// All of a row lands or none of it: undo the product's part.
		d.undo(before, row)
		return outcome
	}
	outcome.Result = max(result, outcome.Result)
	return outcome
}

// undo takes back the replacement of before by after, and its record.
func (d *Decision) undo(before, after *Row) {
	if before == after {
		return
	}
	d.release(&after.Product)
	d.claim(&before.Product)
	d.rows[before.Product.ID] = before
	d.changes = d.changes[:len(d.changes)-1]
}

func (d *Decision) restore(w *Write) Outcome {
	row, known := d.byID(w.ID)
	switch {
	case !known:
		return Outcome{Err: errUndecided}
	case row == nil:
		return Outcome{Err: ErrNotFound}
	}
	if row, known = d.current(row, w.At); !known {
		return Outcome{Err: errUndecided}
	}
	present := row.Product.Revision()
	if !w.Expect.met(&present) {
		return Outcome{Err: ErrPreconditionFailed}
	}
	if !row.Product.Deleted() {
		return row.outcome(Unchanged)
	}
	return d.replace(w, row, row.Product.clone(), ChangeRestored, Restored)
}

func (d *Decision) adjust(w *Write, row *Row) Outcome {
	stock := row.Stock
	onHand := stock.OnHand + w.Delta
	if onHand > MaxQuantity || onHand < -MaxQuantity {
		var f faults
		f.add("delta", "range", "would bring the stock to %d; it must stay within %d", onHand, MaxQuantity)
		return Outcome{Err: f.err()}
	}
	if w.Delta < 0 && !row.Product.Backorder && stock.Available()+w.Delta < 0 {
		return Outcome{Err: &StockError{ProductID: row.Product.ID, SKU: row.Product.SKU, Wanted: -w.Delta, Available: stock.Available()}}
	}
	return d.restock(w, row, onHand, stock.Reserved)
}

func (d *Decision) setStock(w *Write, row *Row, onHand int64) Outcome {
	if onHand < row.Stock.Reserved && !row.Product.Backorder {
		return Outcome{Err: &StockError{ProductID: row.Product.ID, SKU: row.Product.SKU, Wanted: row.Stock.Reserved, Available: onHand}}
	}
	return d.restock(w, row, onHand, row.Stock.Reserved)
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// joinFaults folds several InvalidErrors into one, so that every fault is reported at once.
func joinFaults(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var all faults
	for _, err := range joined.Unwrap() {
		var invalid *InvalidError
		if !errors.As(err, &invalid) {
			return err
		}
		all = append(all, invalid.Faults...)
	}
	return all.err()
}
