package product

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/google/uuid"
)

// Store keeps products. It is implemented by packages such as sqlstore, called by [Service]
// only, and safe for concurrent use. Package storetest holds what every Store must do.
//
// It speaks in batches, so that one round trip and one commit serve every caller who waits.
type Store interface {
	// Find returns the live products with these keys, each once, in any order. Keys of no
	// product are left out.
	Find(ctx context.Context, keys []Key) ([]Product, error)

	// FindDeleted returns the deleted products with these IDs, each once, in any order.
	FindDeleted(ctx context.Context, ids []uuid.UUID) ([]Product, error)

	// Stock returns the stock of the live products with these IDs, each once, in any order. What
	// has expired by now counts as released, each [Hold] in a version of its own.
	Stock(ctx context.Context, ids []uuid.UUID, now time.Time) ([]Stock, error)

	// Reservations returns the reservations with these IDs as they were written last, each once,
	// in any order.
	Reservations(ctx context.Context, ids []ReservationID) ([]Reservation, error)

	// Expired returns at most limit products, each once, of which something has expired by now
	// and still waits to be released.
	Expired(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error)

	// List returns at most q.Limit products after q.After, in q's order. It ignores q.Cursor.
	//
	// Of a q.Text it knows the best [MaxHits]. Without a q.Sort they come by how well they match, and
	// it goes on behind the product q.After.ID, or behind the first q.After.Int if that is no longer
	// among them. Errors: [ErrSearchOff].
	List(ctx context.Context, q Query) ([]Product, error)

	// Export calls each with every live product of q and its stock, ordered by SKU, all as of one
	// moment: what is written meanwhile is not seen, and what has expired by q.Now counts as
	// released. It ignores q.Deleted, q.Sort, q.Limit and q.Cursor, holds few rows in memory, and
	// ends with the first error of each.
	Export(ctx context.Context, q Query, each func(Row) error) error

	// Preview returns the outcomes that Apply would, decided by the same [Decision] on what is
	// there now. It keeps nothing and locks nothing.
	Preview(ctx context.Context, b Batch) ([]Outcome, error)

	// Count returns how many products q selects in all, whatever its Limit, After and Sort. It
	// stops counting at most. Errors: [ErrSearchOff].
	Count(ctx context.Context, q Query, most int) (int, error)

	// Categories calls each with the category of every product of q, each category once and in
	// byte order, and with how many of q's products have it; the empty one stands for none. It
	// looks at q.Category, q.Status, q.Published and q.Now, and ends with the first error of each.
	Categories(ctx context.Context, q Query, each func(path string, products int) error) error

	// Limits returns the bounds that the store keeps.
	Limits() StoreLimits

	// History returns at most limit changes of a product, deleted or not, after a position: those
	// of the product by version, then those of its stock by version. A nil position stands before
	// the first.
	History(ctx context.Context, id uuid.UUID, after *HistoryPosition, limit int) ([]Change, error)

	// Changes returns the records of all products that follow a position in the feed, by position:
	// at most limit, and fewer where they are big. It returns none only when nothing follows that
	// was committed before the call.
	//
	// No record ever appears at or before a position that has been returned, and one product's
	// records, those of its stock included, are in the order of the changes. A record that is not
	// committed holds nobody up. Errors: [ChangesExpiredError]; [InvalidError] for a position
	// behind the end.
	Changes(ctx context.Context, after Seq, limit int) ([]Change, error)

	// PruneChanges lets positions expire up to the first record that is not older than before, and
	// removes those of stock from the history too. It does a bounded number at a time and reports
	// whether there are more.
	PruneChanges(ctx context.Context, before time.Time) (more bool, err error)

	// Apply decides the batch by a [Decision] over locked rows and keeps the result, its
	// change records, its idempotency records and its reservations in one transaction. It returns an [Outcome] for each write, in order; or
	// an error, and then nothing was applied; or [ErrOutcomeUnknown].
	//
	// An error that matches [ErrBusy] or that one write may have caused makes the Service try
	// again in halves. One that matches [ErrUnavailable] is told to every caller.
	Apply(ctx context.Context, b Batch) ([]Outcome, error)
}

// Batch is the writes of one transaction.
type Batch struct {
	Writes []Write
	Atomic bool // a write that fails takes all others with it; see [NotAppliedError]
	NoWait bool // fail with [ErrBusy] at once where a row is locked, instead of waiting for it

	// Locked, if not nil, may be called once all known rows that the writes need are locked, from where on
	// another batch may be applied at the same time: two that lock rows at once could meet in a deadlock.
	// A Store that applies one batch after the other does not call it. It may be called more than once.
	Locked func()
}

// Op is what a [Write] does.
type Op uint8

// The operations.
const (
	OpCreate Op = iota + 1
	OpUpdate
	OpUpsert
	OpDelete
	OpRestore
	OpAdjustStock
	OpSetStock
	OpUpdateGroup
	OpReserve
	OpCommit
	OpRelease
	OpExpire // releases what has expired of a product
)

// Write is one change that a caller asks for. Writes are made by [Service], carried by a
// [Store] and decided by a [Decision].
type Write struct {
	Op     Op
	ID     uuid.UUID // the product's; for OpCreate and OpUpsert, the one that a new product gets
	SKU    string    // of the live product that is meant, where ID is zero; not for OpRestore
	Group  string    // OpUpdateGroup
	Draft  *Draft    // OpCreate, OpUpsert; the SKU of an OpUpsert is its key
	Patch  *Patch    // OpUpdate, OpUpdateGroup; in an OpUpsert what a known product takes instead of being replaced
	Delta  int64     // OpAdjustStock
	OnHand *int64    // OpSetStock; in an OpUpsert with Patch, the stock that a known product gets
	Expect Expect
	Reason string
	Actor  string
	At     time.Time // UTC, microseconds

	// Reservation is what an OpReserve makes, and of an OpCommit or OpRelease the ID counts. The
	// products of its items are those to be locked first.
	Reservation *Reservation

	// Record names the idempotency record of a write that is to happen once, and Fingerprint
	// says what it asks for. Nil: it happens as often as it is applied.
	Record      *RecordID
	Fingerprint [sha256.Size]byte
}

// Result says what a write came to.
type Result uint8

// The results.
const (
	Unchanged Result = iota
	Created
	Updated
	Deleted
	Restored
)

// Outcome is what became of one write: an error, and then the write changed nothing, or the
// product and its stock as the write left them.
type Outcome struct {
	Result   Result
	Product  Product
	Stock    Stock
	Variants []Product // of OpUpdateGroup, instead of Product and Stock: the whole group by ID
	Err      error

	Reservation Reservation // of an OpReserve, OpCommit or OpRelease, which leave the others out

	Replayed bool // an earlier write with the same idempotency key came to this
}
