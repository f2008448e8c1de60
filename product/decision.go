package product

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Row is a product, deleted or not, with its stock: what a [Store] locks and loads.
type Row struct {
	Product Product
	Stock   Stock
}

// Needs is what must be locked and loaded before a [Decision] can go on. Each list is sorted
// and without duplicates, so that everybody locks in the same order.
type Needs struct {
	IDs      []uuid.UUID  // of products, deleted ones too
	Groups   []string     // whose live products are asked for, [MaxVariants] and one more of each at most
	SKUs     []string     // of live products
	Variants []VariantKey // of live products

	// The others are looked up after the rows have been locked.
	Records      []RecordID
	Reservations []ReservationID
	Holds        []ReservationID // all that these hold
	Expired      []uuid.UUID     // what has expired by Time of these products
	Time         time.Time
}

// Empty reports whether nothing more is needed: all is decided.
func (n Needs) Empty() bool {
	return len(n.IDs)+len(n.Groups)+len(n.SKUs)+len(n.Variants)+
		len(n.Records)+len(n.Reservations)+len(n.Holds)+len(n.Expired) == 0
}

// Save is one product and its stock to be written.
type Save struct {
	Before *Row // nil: the product is new, and so is its stock
	After  *Row // not to be changed
}

// ProductChanged reports whether the product is new or has a new version.
func (s Save) ProductChanged() bool {
	return s.Before == nil || s.Before.Product.Version != s.After.Product.Version
}

// StockChanged reports whether the stock is new or has a new version.
func (s Save) StockChanged() bool {
	return s.Before == nil || s.Before.Stock.Version != s.After.Stock.Version
}

// Decision applies the catalogue's rules to a batch of writes in the order of their arrival,
// each on what the ones before it left, over rows that a [Store] holds locked. A rule that one
// write breaks is that write's [Outcome] and leaves the others standing; in an atomic batch it
// leaves nothing standing.
//
// A Store loads what [Decision.Needs] names until it names nothing more, then writes
// [Decision.Saves], [Decision.Changes], [Decision.Records], [Decision.Reservations] and
// [Decision.Holds] and commits:
//
//	d := product.NewDecision(batch)
//	for n := d.Needs(); !n.Empty(); n = d.Needs() {
//		d.Load(lockAndLoad(n))
//		d.LoadRecords(lookUp(n.Records))
//		d.LoadReservations(lookUp(n.Reservations))
//		d.LoadHolds(lookUp(n.Holds, n.Expired, n.Time))
//	}
//
// A Decision touches neither its writes nor its rows; after a transaction was lost a new one
// is made from the same writes. It is not safe for concurrent use.
type Decision struct {
	writes []Write
	atomic bool
	trust  bool // see Trust

	trustMerges bool // see TrustMerges

	// What has been loaded, and which keys have been asked for: one that was asked for and
	// did not come is free.
	loaded        map[uuid.UUID]*Row
	askedIDs      map[uuid.UUID]bool
	askedGroups   map[string]bool
	askedSKUs     map[string]bool
	askedVariants map[VariantKey]bool
	loadedRecords map[RecordID]*Record
	askedRecords  map[RecordID]bool
	holds         holds

	// The present attempt, thrown away when it finds that it needs more.
	rows     map[uuid.UUID]*Row
	skus     map[string]uuid.UUID
	variants map[VariantKey]uuid.UUID
	outcomes []Outcome
	changes  []Change
	records  []Record
	recorded map[RecordID]*Record
	trusted  []*Row // new products whose claims have not been looked for
	missing  missing
}

type missing struct {
	ids      map[uuid.UUID]bool
	groups   map[string]bool
	skus     map[string]bool
	variants map[VariantKey]bool
	records  map[RecordID]bool

	reservations, holds map[ReservationID]bool
	expired             map[uuid.UUID]bool
}

func newMissing() missing {
	return missing{
		make(map[uuid.UUID]bool), make(map[string]bool), make(map[string]bool), make(map[VariantKey]bool), make(map[RecordID]bool),
		make(map[ReservationID]bool), make(map[ReservationID]bool), make(map[uuid.UUID]bool),
	}
}

// NewDecision returns a Decision on the batch's writes, which have been checked by a [Service].
func NewDecision(b Batch) *Decision {
	return &Decision{
		writes:        b.Writes,
		atomic:        b.Atomic,
		loaded:        make(map[uuid.UUID]*Row, len(b.Writes)),
		askedIDs:      make(map[uuid.UUID]bool, len(b.Writes)),
		askedGroups:   make(map[string]bool),
		askedSKUs:     make(map[string]bool, len(b.Writes)),
		askedVariants: make(map[VariantKey]bool),
		loadedRecords: make(map[RecordID]*Record),
		askedRecords:  make(map[RecordID]bool),
		holds:         newHolds(),
		outcomes:      make([]Outcome, len(b.Writes)),
		changes:       make([]Change, 0, len(b.Writes)),
	}
}

// Needs decides as far as the loaded rows allow and returns what else is needed. It never
// names a key twice.
func (d *Decision) Needs() Needs {
	d.begin()
	d.missing = newMissing()
	for i := range d.writes {
		d.outcomes[i] = d.decideOnce(&d.writes[i])
	}
	d.checkTrust()

	byID := func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }
	byReservation := func(a, b ReservationID) int { return bytes.Compare(a[:], b[:]) }
	needs := Needs{
		IDs:          sorted(d.missing.ids, byID),
		Groups:       slices.Sorted(maps.Keys(d.missing.groups)),
		SKUs:         slices.Sorted(maps.Keys(d.missing.skus)),
		Variants:     sorted(d.missing.variants, func(a, b VariantKey) int { return bytes.Compare(a[:], b[:]) }),
		Records:      sorted(d.missing.records, func(a, b RecordID) int { return bytes.Compare(a[:], b[:]) }),
		Reservations: sorted(d.missing.reservations, byReservation),
		Holds:        sorted(d.missing.holds, byReservation),
		Expired:      sorted(d.missing.expired, byID),
	}
	for i := range d.writes {
		needs.Time = later(needs.Time, d.writes[i].At)
	}
	maps.Copy(d.askedIDs, d.missing.ids)
	maps.Copy(d.askedGroups, d.missing.groups)
	maps.Copy(d.askedSKUs, d.missing.skus)
	maps.Copy(d.askedVariants, d.missing.variants)
	maps.Copy(d.askedRecords, d.missing.records)
	maps.Copy(d.holds.asked, d.missing.reservations)
	maps.Copy(d.holds.askedHolds, d.missing.holds)
	maps.Copy(d.holds.askedExpired, d.missing.expired)
	if d.atomic && needs.Empty() {
		d.allOrNothing()
	}
	return needs
}

// begin starts an attempt from what has been loaded.
func (d *Decision) begin() {
	d.rows = make(map[uuid.UUID]*Row, len(d.loaded)+len(d.writes))
	d.skus = make(map[string]uuid.UUID, len(d.loaded)+len(d.writes))
	d.variants = make(map[VariantKey]uuid.UUID)
	d.changes, d.records, d.trusted = d.changes[:0], nil, nil
	d.recorded = maps.Clone(d.loadedRecords)
	d.holds.restart()
	for id, row := range d.loaded {
		d.rows[id] = row
		d.claim(&row.Product)
	}
}

// allOrNothing takes back what the writes did if one of them failed.
func (d *Decision) allOrNothing() {
	if abort(d.outcomes) {
		d.begin()
	}
}

// savepoint returns what takes back all that is decided after it, for a write of several steps.
func (d *Decision) savepoint() (rollback func()) {
	rows, skus, variants, changes := maps.Clone(d.rows), maps.Clone(d.skus), maps.Clone(d.variants), len(d.changes)
	return func() { d.rows, d.skus, d.variants, d.changes = rows, skus, variants, d.changes[:changes] }
}

func sorted[K comparable](keys map[K]bool, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(keys), compare)
}

// Load adds rows that are now locked, and keeps the slice. Every key of the last Needs that none of them answers is
// thereby known to be free.
func (d *Decision) Load(rows []Row) {
	for i := range rows {
		d.loaded[rows[i].Product.ID] = &rows[i]
	}
}

// LoadRecords adds the idempotency records that the last Needs named and that there are.
func (d *Decision) LoadRecords(records []Record) {
	for _, r := range records {
		d.loadedRecords[r.ID] = &r
	}
}

// Outcomes returns what became of each write, in order.
func (d *Decision) Outcomes() []Outcome { return d.outcomes }

// Changes returns the change records to be written.
func (d *Decision) Changes() []Change { return d.changes }

// Records returns the idempotency records to be written.
func (d *Decision) Records() []Record { return d.records }

// Empty reports whether there is nothing to be written: what changes is on record.
func (d *Decision) Empty() bool { return len(d.changes)+len(d.records) == 0 }

// Saves returns what is to be written, in the order of product IDs.
func (d *Decision) Saves() []Save {
	saves := make([]Save, 0, len(d.rows))
	for id, row := range d.rows {
		save := Save{Before: d.loaded[id], After: row}
		if save.ProductChanged() || save.StockChanged() {
			saves = append(saves, save)
		}
	}
	slices.SortFunc(saves, func(a, b Save) int {
		return bytes.Compare(a.After.Product.ID[:], b.After.Product.ID[:])
	})
	return saves
}

// byID finds a row, deleted or not. Known is false when it has to be loaded first.
func (d *Decision) byID(id uuid.UUID) (row *Row, known bool) {
	if row = d.rows[id]; row != nil {
		return row, true
	}
	if !d.askedIDs[id] {
		d.missing.ids[id] = true
		return nil, false
	}
	return nil, true
}

// byGroup finds the live rows of a group, by ID.
func (d *Decision) byGroup(group string) (rows []*Row, known bool) {
	if !d.askedGroups[group] {
		d.missing.groups[group] = true
		return nil, false
	}
	for _, row := range d.rows {
		if row.Product.Group == group && !row.Product.Deleted() {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *Row) int { return bytes.Compare(a.Product.ID[:], b.Product.ID[:]) })
	return rows, true
}

// bySKU finds the live row that claims a SKU. A write may have taken the SKU, or given it up,
// earlier in this batch; so it is only free if the table was asked too.
func (d *Decision) bySKU(sku string) (row *Row, known bool) {
	if id, ok := d.skus[sku]; ok {
		return d.rows[id], true
	}
	if !d.askedSKUs[sku] {
		d.missing.skus[sku] = true
		return nil, false
	}
	return nil, true
}

// byVariant finds the live row that claims a group's options.
func (d *Decision) byVariant(key VariantKey) (row *Row, known bool) {
	if id, ok := d.variants[key]; ok {
		return d.rows[id], true
	}
	if !d.askedVariants[key] {
		d.missing.variants[key] = true
		return nil, false
	}
	return nil, true
}

func (d *Decision) claim(p *Product) {
	if p.Deleted() {
		return
	}
	d.skus[p.SKU] = p.ID
	if key, ok := p.VariantKey(); ok {
		d.variants[key] = p.ID
	}
}

func (d *Decision) release(p *Product) {
	if p.Deleted() {
		return
	}
	delete(d.skus, p.SKU)
	if key, ok := p.VariantKey(); ok {
		delete(d.variants, key)
	}
}

// free checks that no other live product claims what next would.
func (d *Decision) free(next *Product) error {
	if next.Deleted() {
		return nil
	}
	other, skuKnown := d.bySKU(next.SKU)
	key, grouped := next.VariantKey()
	var twin *Row
	variantKnown := true
	if grouped {
		twin, variantKnown = d.byVariant(key)
	}
	switch {
	case !skuKnown || !variantKnown:
		return errUndecided
	case other != nil && other.Product.ID != next.ID:
		return &TakenError{Field: "sku", Value: next.SKU, By: other.Product.ID}
	case twin != nil && twin.Product.ID != next.ID:
		return &TakenError{Field: "options", Value: next.Group, By: twin.Product.ID}
	}
	return nil
}

// insert adds a new product with its stock.
func (d *Decision) insert(w *Write, p Product, onHand int64) Outcome {
	p.ID, p.Version, p.CreatedAt, p.UpdatedAt = w.ID, 1, w.At, w.At
	trusted := d.trusts(w, &p)
	if !trusted {
		if err := d.free(&p); err != nil {
			return Outcome{Err: err}
		}
	}
	row := &Row{Product: p, Stock: Stock{ProductID: p.ID, OnHand: onHand, Version: 1}}
	if trusted {
		d.trusted = append(d.trusted, row)
	}
	d.rows[p.ID] = row
	d.claim(&p)
	d.record(w, row, ChangeCreated, nil)
	if onHand != 0 {
		d.record(w, row, ChangeStock, []FieldChange{{Field: "on_hand", Before: jsonOf(int64(0)), After: jsonOf(onHand)}})
	}
	return row.outcome(Created)
}

// replace gives a product new content, or a new DeletedAt, as its next version.
func (d *Decision) replace(w *Write, row *Row, next Product, kind ChangeKind, result Result) Outcome {
	before := &row.Product
	fields := diff(before, &next)
	if len(fields) == 0 && before.DeletedAt.Equal(next.DeletedAt) {
		return row.outcome(Unchanged)
	}
	next.Version++
	next.UpdatedAt = later(w.At, before.UpdatedAt)
	if err := d.free(&next); err != nil {
		return Outcome{Err: err}
	}
	d.release(before)
	d.claim(&next)
	after := &Row{Product: next, Stock: row.Stock}
	d.rows[next.ID] = after
	d.record(w, after, kind, fields)
	return after.outcome(result)
}

// restock gives a product's stock new quantities as its next version.
func (d *Decision) restock(w *Write, row *Row, onHand, reserved int64) Outcome {
	var fields []FieldChange
	compare := func(field string, before, after int64) {
		if before != after {
			fields = append(fields, FieldChange{Field: field, Before: jsonOf(before), After: jsonOf(after)})
		}
	}
	compare("on_hand", row.Stock.OnHand, onHand)
	compare("reserved", row.Stock.Reserved, reserved)
	if fields == nil {
		return row.outcome(Unchanged)
	}
	after := &Row{Product: row.Product, Stock: row.Stock}
	after.Stock.OnHand, after.Stock.Reserved = onHand, reserved
	after.Stock.Version++
	d.rows[row.Product.ID] = after
	d.record(w, after, ChangeStock, fields)
	return after.outcome(Updated)
}

func (d *Decision) record(w *Write, after *Row, kind ChangeKind, fields []FieldChange) {
	change := Change{
		ID:        newID(),
		ProductID: after.Product.ID,
		SKU:       after.Product.SKU,
		Kind:      kind,
		Version:   after.Product.Version,
		At:        later(w.At, after.Product.UpdatedAt),
		Actor:     w.Actor,
		Reason:    w.Reason,
		Fields:    fields,
	}
	if kind == ChangeStock {
		change.Version = after.Stock.Version
		change.At = w.At
	}
	d.changes = append(d.changes, change)
}

func (r *Row) outcome(result Result) Outcome {
	return Outcome{Result: result, Product: r.Product, Stock: r.Stock}
}

// later keeps a product's times in the order of its versions although the clocks of several
// instances differ.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// newID returns a UUIDv7 (RFC 9562, section 5.7), so that inserts stay local in the index.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) } // fails only if crypto/rand does, which crashes by itself
