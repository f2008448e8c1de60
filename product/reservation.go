package product

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Limits of reservations.
const (
	MaxReservationKeyLen = 200 // characters
	MaxReservationItems  = 100
	DefaultExpiry        = 15 * time.Minute // a checkout's
	MaxExpiry            = 30 * 24 * time.Hour
)

// ReservationState says what has become of a reservation.
type ReservationState string

// The states. A reservation leaves [Held] once and stays as it is then.
const (
	Held      ReservationState = "held"
	Committed ReservationState = "committed" // its stock has left
	Released  ReservationState = "released"  // its stock was given back
	Expired   ReservationState = "expired"   // its stock came back by itself
)

// Reservation holds stock of one or several products for somebody, a cart for instance, until it
// is committed, released or expires.
type Reservation struct {
	ID        ReservationID     `json:"-"`
	Key       string            `json:"key"`
	State     ReservationState  `json:"state"`
	Items     []ReservationItem `json:"items"`
	CreatedAt time.Time         `json:"created_at"`
	ExpiresAt time.Time         `json:"expires_at"`          // held before this moment, and not at it
	SettledAt time.Time         `json:"settled_at,omitzero"` // when it was committed or released; else zero
}

// ReservationItem is a quantity of one product.
type ReservationItem struct {
	SKU       string    `json:"sku"` // as the reservation was asked for
	ProductID uuid.UUID `json:"product_id"`
	Quantity  int64     `json:"quantity"` // 1 to [MaxQuantity]
}

// ReservationID names a reservation: a digest of its actor and key.
type ReservationID [sha256.Size]byte

func reservationID(actor, key string) ReservationID { return digest([]string{actor, key}) }

// Hold is what one reservation keeps of one product: it counts in [Stock].Reserved for as long as
// it is there. A hold that has expired is removed by the next write to the product, or by
// [Service.Prune], and nobody who is told the stock counts it until then.
type Hold struct {
	ID          uuid.UUID
	Reservation ReservationID
	ProductID   uuid.UUID
	Quantity    int64
	ExpiresAt   time.Time
	Key         string // the reservation's, for the history
}

// MarshalJSON returns the representation that [Reservation.AppendJSON] appends.
func (r Reservation) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

// AppendJSON appends the reservation's JSON representation to b and returns the result. The ID is
// no part of it.
func (r *Reservation) AppendJSON(b []byte) []byte {
	b = appendString(append(b, `{"key":`...), r.Key)
	b = appendString(append(b, `,"state":`...), string(r.State))
	b = append(b, `,"items":[`...)
	for i, item := range r.Items {
		b = appendString(append(appendComma(b, i), `{"sku":`...), item.SKU)
		b = appendID(append(b, `,"product_id":"`...), item.ProductID)
		b = append(strconv.AppendInt(append(b, `","quantity":`...), item.Quantity, 10), '}')
	}
	b = appendTime(append(b, ']'), `,"created_at":"`, r.CreatedAt)
	b = appendTime(b, `,"expires_at":"`, r.ExpiresAt)
	return append(appendMoment(b, `,"settled_at":"`, r.SettledAt), '}')
}

// asOf returns the reservation as it is at a moment: its expiry needs nobody to note it.
func (r Reservation) asOf(now time.Time) Reservation {
	if r.State == Held && !now.Before(r.ExpiresAt) {
		r.State = Expired
	}
	return r
}

// sameItems reports whether two lists ask for the same, in whatever order.
func sameItems(a, b []ReservationItem) bool {
	bySKU := func(a, b ReservationItem) int { return cmp.Compare(a.SKU, b.SKU) }
	return slices.EqualFunc(slices.SortedFunc(slices.Values(a), bySKU), slices.SortedFunc(slices.Values(b), bySKU),
		func(a, b ReservationItem) bool { return a.SKU == b.SKU && a.Quantity == b.Quantity })
}

// ValidReservationKey reports whether s can be the key of a reservation: one line of 1 to
// [MaxReservationKeyLen] characters, and like a SKU not ".", ".." or "/", see [ValidSKU].
func ValidReservationKey(s string) bool {
	var f faults
	f.line("key", s, MaxReservationKeyLen)
	return s != "" && s != "." && s != ".." && s != "/" && f == nil
}

// ValidateReservation returns an [InvalidError] with all that [Service.Reserve] would refuse in what
// it is given, whatever the catalogue holds, or nil.
func ValidateReservation(key string, items []ReservationItem, expiry time.Duration) error {
	def(&expiry, DefaultExpiry)
	var f faults
	f.reservationKey(key)
	f.items(items)
	f.expiry(expiry)
	return f.err()
}

func (f *faults) reservationKey(key string) {
	if !ValidReservationKey(key) {
		f.add("key", "format", "must be one line of 1 to %d characters, and not just . or .. or /", MaxReservationKeyLen)
	}
}

func (f *faults) items(items []ReservationItem) {
	switch n := len(items); {
	case n == 0:
		f.add("items", "required", "is empty; name at least one product")
	case n > MaxReservationItems:
		f.add("items", "too_many", "has %d members; reserve at most %d products at once", n, MaxReservationItems)
		return
	}
	seen := make(map[string]bool, len(items))
	for i, item := range items {
		field := fmt.Sprintf("items[%d]", i)
		f.sku(field+".sku", item.SKU)
		if item.SKU != "" && seen[item.SKU] {
			f.add(field+".sku", "duplicate", "is there already: %q; add the quantities up", abbreviate(item.SKU))
		}
		seen[item.SKU] = true
		if item.Quantity < 1 || item.Quantity > MaxQuantity {
			f.add(field+".quantity", "range", "is %d; it must be 1 to %d", item.Quantity, MaxQuantity)
		}
	}
}

func (f *faults) expiry(expiry time.Duration) {
	if expiry < time.Millisecond || expiry > MaxExpiry {
		f.add("expiry", "range", "is %v; it must be 1ms to %v", expiry, MaxExpiry)
	}
}
