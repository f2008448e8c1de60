package product

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// The errors that callers tell apart with [errors.Is]. Some come as types that carry more:
// [InvalidError], [TakenError], [VariantError], [StockError], [ShortageError], [NotAppliedError],
// [ChangesExpiredError].
var (
	// ErrInvalid: a rule for the content is broken. See [InvalidError].
	ErrInvalid = errors.New("product: invalid")
	// ErrNotFound: there is no such product, or it has been deleted.
	ErrNotFound = errors.New("product: not found")
	// ErrTaken: another live product has the SKU, or the group's options. See [TakenError].
	ErrTaken = errors.New("product: taken")
	// ErrKeyReused: the key was used for another write. See [WithIdempotencyKey] and
	// [Service.Reserve].
	ErrKeyReused = errors.New("product: the key was used for another write")
	// ErrNotApplied: another write of the same atomic batch failed. See [NotAppliedError].
	ErrNotApplied = errors.New("product: not applied")
	// ErrKeyUnderway: a write with the same idempotency key was still on its way when the caller's
	// context ended, or for as long as a locked row is waited for. Asking again is safe. It comes
	// together with what ended the waiting.
	ErrKeyUnderway = errors.New("product: a write with the same idempotency key is under way")
	// ErrPreconditionFailed: what the caller expects does not hold. See [Expect].
	ErrPreconditionFailed = errors.New("product: precondition failed")
	// ErrInsufficientStock: there is less available than asked for. See [StockError] and
	// [ShortageError].
	ErrInsufficientStock = errors.New("product: insufficient stock")
	// ErrReservationNotFound: the caller has no such reservation, or it ended long ago.
	ErrReservationNotFound = errors.New("product: reservation not found")
	// ErrReservationExpired: the reservation holds nothing any more. Make another one.
	ErrReservationExpired = errors.New("product: the reservation has expired")
	// ErrReservationReleased: the reservation was released. Make another one.
	ErrReservationReleased = errors.New("product: the reservation has been released")
	// ErrReservationCommitted: the reservation was committed, and its stock has left.
	ErrReservationCommitted = errors.New("product: the reservation has been committed")
	// ErrChangesExpired: the change feed does not reach back that far. See [ChangesExpiredError].
	ErrChangesExpired = errors.New("product: changes expired")
	// ErrBadCursor: the cursor is damaged, or belongs to another filter or order.
	ErrBadCursor = errors.New("product: bad cursor")

	// ErrSearchOff: the store keeps no index for [Query].Text.
	ErrSearchOff = errors.New("product: search is switched off")

	// ErrBusy: a row stayed locked for too long, or the database chose this transaction to
	// resolve a deadlock. Nothing was applied; trying again is safe.
	ErrBusy = errors.New("product: rows are locked by somebody else")
	// ErrOverloaded: too many callers wait already. Nothing was applied.
	ErrOverloaded = errors.New("product: too many callers are waiting")
	// ErrUnavailable: the database could not be reached or did not answer. Nothing was applied.
	ErrUnavailable = errors.New("product: database unavailable")
	// ErrOutcomeUnknown: the write may have been applied or not. Read before trying again.
	ErrOutcomeUnknown = errors.New("product: outcome unknown")
	// ErrClosed: the Service has been closed.
	ErrClosed = errors.New("product: service is closed")
)

// Fault is one broken rule.
type Fault struct {
	Field   string // as in JSON: price.currency, tags[3], options.Size; empty for the whole
	Code    string // stable: required, too_long, format, range, unknown, duplicate, read_only, …
	Message string // one sentence: the value's fault and the remedy
}

// InvalidError holds every fault of a request at once. It matches [ErrInvalid].
type InvalidError struct {
	Faults []Fault
}

// Error lists all faults.
func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString("product: invalid")
	for i, f := range e.Faults {
		b.WriteString([]string{": ", "; "}[min(i, 1)])
		if f.Field != "" {
			b.WriteString(f.Field + ": ")
		}
		b.WriteString(f.Message)
	}
	return b.String()
}

// Is matches [ErrInvalid].
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// TakenError says which product has the SKU or the options already. It matches [ErrTaken].
type TakenError struct {
	Field string    // sku or options
	Value string    // the SKU, or the group
	By    uuid.UUID // the product that has it
}

// Error names the field and the other product.
func (e *TakenError) Error() string {
	if e.Field == "options" {
		return fmt.Sprintf("product: another product of group %q has the same options: %s", e.Value, e.By)
	}
	return fmt.Sprintf("product: %s %q is taken by product %s", e.Field, e.Value, e.By)
}

// Is matches [ErrTaken].
func (e *TakenError) Is(target error) bool { return target == ErrTaken }

// VariantError says which variant keeps a group from being patched as one. It wraps that
// variant's own error: with a [TakenError] in it, both that would become equal are named.
type VariantError struct {
	ID  uuid.UUID
	SKU string
	Err error
}

// Error names the variant and its error.
func (e *VariantError) Error() string {
	return fmt.Sprintf("product: variant %s (%s) of the group: %v", e.SKU, e.ID, e.Err)
}

// Unwrap returns Err.
func (e *VariantError) Unwrap() error { return e.Err }

// NotAppliedError says that a write of an atomic batch was in order, but another one was not. It
// matches [ErrNotApplied].
type NotAppliedError struct {
	By int // the index of the first that failed
}

// Error names the write that failed.
func (e *NotAppliedError) Error() string {
	return fmt.Sprintf("product: not applied, because operation %d of the batch failed", e.By)
}

// Is matches [ErrNotApplied].
func (e *NotAppliedError) Is(target error) bool { return target == ErrNotApplied }

// StockError says how much was wanted and how much there is. It matches
// [ErrInsufficientStock].
type StockError struct {
	ProductID uuid.UUID
	SKU       string
	Wanted    int64
	Available int64
}

// Error names the product and both quantities.
func (e *StockError) Error() string {
	return fmt.Sprintf("product: %s has %d available, %d wanted", e.SKU, e.Available, e.Wanted)
}

// Is matches [ErrInsufficientStock].
func (e *StockError) Is(target error) bool { return target == ErrInsufficientStock }

// ShortageError names every product of a reservation of which too little is available. It matches
// [ErrInsufficientStock].
type ShortageError struct {
	Short []StockError // in the order of the reservation's items
}

// Error names each product and both quantities.
func (e *ShortageError) Error() string {
	texts := make([]string, len(e.Short))
	for i := range e.Short {
		texts[i] = strings.TrimPrefix(e.Short[i].Error(), "product: ")
	}
	return "product: " + strings.Join(texts, "; ")
}

// Is matches [ErrInsufficientStock].
func (e *ShortageError) Is(target error) bool { return target == ErrInsufficientStock }

// ChangesExpiredError says which positions of the change feed are left. It matches
// [ErrChangesExpired].
//
// A consumer that keeps a copy of the catalogue reads it all anew and then goes on after Newest,
// which was the end before it began to read. One that can do with a gap goes on after Oldest.
type ChangesExpiredError struct {
	After  Seq // what was asked for
	Oldest Seq // the least that can be
	Newest Seq // the greatest
}

// Error names the positions.
func (e *ChangesExpiredError) Error() string {
	return fmt.Sprintf("product: changes after %d have expired; the feed reaches back to %d", e.After, e.Oldest)
}

// Is matches [ErrChangesExpired].
func (e *ChangesExpiredError) Is(target error) bool { return target == ErrChangesExpired }
