package product

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// holds is what a [Decision] knows of reservations and of what they hold.
type holds struct {
	loaded       map[ReservationID]*Reservation
	loadedHolds  map[uuid.UUID]Hold
	asked        map[ReservationID]bool // reservations
	askedHolds   map[ReservationID]bool // all that they hold
	askedExpired map[uuid.UUID]bool     // what has expired of products

	// The present attempt.
	reservations map[ReservationID]*Reservation
	byProduct    map[uuid.UUID][]Hold // in the order of expiry
}

func newHolds() holds {
	return holds{
		loaded:       make(map[ReservationID]*Reservation),
		loadedHolds:  make(map[uuid.UUID]Hold),
		asked:        make(map[ReservationID]bool),
		askedHolds:   make(map[ReservationID]bool),
		askedExpired: make(map[uuid.UUID]bool),
	}
}

// restart begins an attempt.
func (h *holds) restart() {
	h.reservations = maps.Clone(h.loaded)
	h.byProduct = make(map[uuid.UUID][]Hold, len(h.loadedHolds))
	for _, hold := range h.loadedHolds {
		h.add(hold)
	}
}

func (h *holds) add(hold Hold) {
	held := h.byProduct[hold.ProductID]
	i, _ := slices.BinarySearchFunc(held, hold, soonest)
	h.byProduct[hold.ProductID] = slices.Insert(held, i, hold)
}

// remove ends what a reservation holds of a product, if it still does.
func (h *holds) remove(r ReservationID, product uuid.UUID) {
	h.byProduct[product] = slices.DeleteFunc(h.byProduct[product], func(hold Hold) bool { return hold.Reservation == r })
}

// has reports whether a reservation still holds something of each of its products.
func (h *holds) has(r *Reservation) bool {
	for _, item := range r.Items {
		if !slices.ContainsFunc(h.byProduct[item.ProductID], func(hold Hold) bool { return hold.Reservation == r.ID }) {
			return false
		}
	}
	return true
}

func soonest(a, b Hold) int {
	return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt), slices.Compare(a.ID[:], b.ID[:]))
}

// LoadReservations adds reservations that the last Needs named and that there are.
func (d *Decision) LoadReservations(reservations []Reservation) {
	for _, r := range reservations {
		d.holds.loaded[r.ID] = &r
	}
}

// LoadHolds adds holds that the last Needs asked for.
func (d *Decision) LoadHolds(holds []Hold) {
	for _, h := range holds {
		d.holds.loadedHolds[h.ID] = h
	}
}

// Reservations returns the new reservations and the known ones that have changed.
func (d *Decision) Reservations() (made, changed []Reservation) {
	for id, r := range d.holds.reservations {
		switch before := d.holds.loaded[id]; {
		case before == nil:
			made = append(made, *r)
		case before != r:
			changed = append(changed, *r)
		}
	}
	return made, changed
}

// Holds returns the holds to be added and those to be removed.
func (d *Decision) Holds() (made, ended []Hold) {
	left := make(map[uuid.UUID]bool, len(d.holds.loadedHolds))
	for _, held := range d.holds.byProduct {
		for _, h := range held {
			left[h.ID] = true
			if _, known := d.holds.loadedHolds[h.ID]; !known {
				made = append(made, h)
			}
		}
	}
	for id, h := range d.holds.loadedHolds {
		if !left[id] {
			ended = append(ended, h)
		}
	}
	return made, ended
}

// current returns a row with its stock as it is at a moment: what has expired until then is
// released, each in a change of its own. Known is false when that has to be loaded first.
func (d *Decision) current(row *Row, at time.Time) (now *Row, known bool) {
	id := row.Product.ID
	if before := d.loaded[id]; before != nil && before.Stock.Reserved != 0 && !d.holds.askedExpired[id] {
		d.missing.expired[id] = true
		return nil, false
	}
	held := d.holds.byProduct[id]
	n := 0
	for ; n < len(held) && !at.Before(held[n].ExpiresAt); n++ {
		h := held[n]
		d.restock(&Write{At: h.ExpiresAt, Reason: "expired: " + h.Key}, row, row.Stock.OnHand, row.Stock.Reserved-h.Quantity)
		row = d.rows[id]
	}
	d.holds.byProduct[id] = slices.Clone(held[n:])
	return row, true
}

// reservation finds a reservation, and nil if there is none. Its products and those that the write
// expects it to have are locked first, all in the same round.
func (d *Decision) reservation(w *Write) (r *Reservation, known bool) {
	known = true
	for _, item := range w.Reservation.Items {
		if item.ProductID != uuid.Nil {
			_, locked := d.byID(item.ProductID)
			known = known && locked
		}
	}
	id := w.Reservation.ID
	if r = d.holds.reservations[id]; r == nil {
		if !d.holds.asked[id] {
			d.missing.reservations[id] = true
			known = false
		}
		return nil, known
	}
	for _, item := range r.Items {
		_, locked := d.byID(item.ProductID)
		known = known && locked
	}
	if known && d.holds.loaded[id] != nil && !d.holds.askedHolds[id] {
		d.missing.holds[id] = true
		known = false
	}
	return r, known
}

// stateOf is what a reservation is at a moment. One whose hold somebody has released with a clock
// that is ahead has expired, too.
func (d *Decision) stateOf(r *Reservation, at time.Time) ReservationState {
	if state := r.asOf(at).State; state != Held || d.holds.has(r) {
		return state
	}
	return Expired
}

func (d *Decision) reserve(w *Write) Outcome {
	r, known := d.reservation(w)
	switch {
	case !known:
		return Outcome{Err: errUndecided}
	case r != nil && !sameItems(r.Items, w.Reservation.Items):
		return Outcome{Err: ErrKeyReused}
	case r != nil:
		return d.reservedBefore(w, r)
	}
	made := *w.Reservation
	made.Items = slices.Clone(made.Items)
	rows, err := d.available(w, made.Items)
	if err != nil {
		return Outcome{Err: err}
	}
	for i, row := range rows {
		item := &made.Items[i]
		d.holds.add(Hold{ID: newID(), Reservation: made.ID, ProductID: item.ProductID, Quantity: item.Quantity, ExpiresAt: made.ExpiresAt, Key: made.Key})
		d.restock(w.because("reserved", &made), row, row.Stock.OnHand, row.Stock.Reserved+item.Quantity)
	}
	d.holds.reservations[made.ID] = &made
	return Outcome{Result: Created, Reservation: made}
}

// reservedBefore answers whoever asks for the same again. An answer says that the stock is his.
func (d *Decision) reservedBefore(w *Write, r *Reservation) Outcome {
	switch d.stateOf(r, w.At) {
	case Expired:
		return Outcome{Err: ErrReservationExpired}
	case Released:
		return Outcome{Err: ErrReservationReleased}
	}
	return Outcome{Reservation: *r}
}

// available finds the rows of what is to be reserved, and all that is wrong with it.
func (d *Decision) available(w *Write, items []ReservationItem) ([]*Row, error) {
	rows := make([]*Row, len(items))
	var f faults
	var short []StockError
	undecided := false
	for i := range items {
		item := &items[i]
		row, known := d.bySKU(item.SKU)
		if row != nil {
			row, known = d.current(row, w.At)
		}
		switch {
		case !known:
			undecided = true
			continue
		case row == nil:
			f.add(fmt.Sprintf("items[%d].sku", i), "unknown", "is no product's: %q", item.SKU)
			continue
		}
		item.ProductID, rows[i] = row.Product.ID, row
		left := row.Stock.Available() - item.Quantity
		switch {
		case left < 0 && !row.Product.Backorder:
			short = append(short, StockError{ProductID: row.Product.ID, SKU: item.SKU, Wanted: item.Quantity, Available: row.Stock.Available()})
		case left < -MaxQuantity, row.Stock.Reserved+item.Quantity > MaxQuantity:
			f.add(fmt.Sprintf("items[%d].quantity", i), "range", "would leave %d available; the stock must stay within %d", left, MaxQuantity)
		}
	}
	switch {
	case undecided:
		return nil, errUndecided
	case f != nil:
		return nil, f.err()
	case short != nil:
		return nil, &ShortageError{Short: short}
	}
	return rows, nil
}

// settle commits or releases a reservation. A product that has been deleted meanwhile stands in
// nobody's way.
func (d *Decision) settle(w *Write) Outcome {
	r, known := d.reservation(w)
	switch {
	case !known:
		return Outcome{Err: errUndecided}
	case r == nil:
		return Outcome{Err: ErrReservationNotFound}
	}
	goal := map[Op]ReservationState{OpCommit: Committed, OpRelease: Released}[w.Op]
	switch state := d.stateOf(r, w.At); {
	case state == goal:
		return Outcome{Reservation: *r}
	case state == Expired && goal == Released:
		return Outcome{Reservation: r.asOf(r.ExpiresAt)}
	case state == Expired:
		return Outcome{Err: ErrReservationExpired}
	case state == Released:
		return Outcome{Err: ErrReservationReleased}
	case state == Committed:
		return Outcome{Err: ErrReservationCommitted}
	}
	rows := make([]*Row, len(r.Items))
	for i, item := range r.Items {
		row, _ := d.byID(item.ProductID)
		if row == nil {
			return Outcome{Err: ErrNotFound}
		}
		var now bool
		rows[i], now = d.current(row, w.At)
		known = known && now
	}
	if !known {
		return Outcome{Err: errUndecided}
	}
	for i, item := range r.Items {
		stock := rows[i].Stock
		if goal == Committed {
			stock.OnHand -= item.Quantity
		}
		d.restock(w.because(string(goal), r), rows[i], stock.OnHand, stock.Reserved-item.Quantity)
		d.holds.remove(r.ID, item.ProductID)
	}
	after := *r
	after.State, after.SettledAt = goal, w.At
	d.holds.reservations[after.ID] = &after
	return Outcome{Result: Updated, Reservation: after}
}

// because returns the write with what the history says of it.
func (w *Write) because(what string, r *Reservation) *Write {
	told := *w
	told.Reason = what + ": " + r.Key
	return &told
}

// expire releases what has expired of a product.
func (d *Decision) expire(w *Write) Outcome {
	row, known := d.byID(w.ID)
	if row != nil {
		before := row.Stock.Version
		if row, known = d.current(row, w.At); known && row.Stock.Version != before {
			return row.outcome(Updated)
		}
	}
	switch {
	case !known:
		return Outcome{Err: errUndecided}
	case row == nil:
		return Outcome{Err: ErrNotFound}
	}
	return row.outcome(Unchanged)
}
