package product

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Options tunes a [Service]. The zero value, and nil, mean the defaults.
type Options struct {
	// Now is the clock of created_at, updated_at and history. Default [time.Now].
	Now func() time.Time

	// Logger gets what no caller can be told, such as writes that were split to find the one
	// that failed. Default: nothing is logged.
	Logger *slog.Logger

	// ReadBatches and WriteBatches are how many batches of each kind are in flight at once; of
	// those that an AtomicBatch or UpdateGroup has for itself, and of those of Merge, as many again as
	// WriteBatches each.
	// Default 2, so that the service works on one while the database does on the other, and one stalled
	// connection does not stop everybody. The further ones start only for calls that are worth it, 4 reads
	// or 16 writes, or while all before them have been in flight for more than 1 ms, of writes 50 ms: one
	// full batch costs less than two half full ones. Together with lists they should fit the pool's
	// connections.
	ReadBatches  int
	WriteBatches int

	// ReadBatchSize is how many keys one query looks up at most. Default 200.
	ReadBatchSize int

	// WriteBatchSize is how many writes one transaction holds at most. Default 500: from 200
	// to 2,000 rows batches run equally fast.
	WriteBatchSize int

	// WriteBatchBytes bounds one transaction's content. Default 4 MiB, far below MariaDB's
	// max_allowed_packet of 16 MiB. A single write is taken whatever its size.
	WriteBatchBytes int

	// MaxWaiting is how many calls of each kind may wait for a batch; more are refused with
	// [ErrOverloaded]. Default 10,000. Negative: unlimited.
	MaxWaiting int

	// BatchTimeout bounds one batch, from its start to its last answer. It does not end when a
	// caller leaves. Default 10 s.
	BatchTimeout time.Duration

	// FollowInterval is how often the change feed is asked, while somebody waits at its end, for
	// what others than this Service have written; beginning with 10 ms after a change, and then
	// less and less often. Default 1 s, one cheap query however many wait. Negative: not at all,
	// where only this Service writes.
	FollowInterval time.Duration

	// KeepChanges is how far the change feed reaches back after [Service.Prune]. Default 30
	// days: a consumer that was away for longer had better read the catalogue anew. Negative:
	// for ever.
	KeepChanges time.Duration
}

// WithDefaults returns the options with every zero replaced by its default.
func (o Options) WithDefaults() Options {
	def(&o.ReadBatches, 2)
	def(&o.WriteBatches, 2)
	def(&o.ReadBatchSize, 200)
	def(&o.WriteBatchSize, 500)
	def(&o.WriteBatchBytes, 4<<20)
	def(&o.MaxWaiting, 10_000)
	def(&o.BatchTimeout, 10*time.Second)
	def(&o.FollowInterval, time.Second)
	def(&o.KeepChanges, 30*24*time.Hour)
	if o.MaxWaiting < 0 {
		o.MaxWaiting = int(^uint(0) >> 1)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func def[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// Service is the catalogue. It checks and stamps what callers ask for, folds concurrent
// callers into batches, and leaves keeping them to a [Store].
//
// It is safe for concurrent use. Whoever makes it calls [Service.Close].
type Service struct {
	store  Store
	opts   Options
	finds  *coalescer[Key, *Product]
	stocks *coalescer[uuid.UUID, *Stock]
	lists  *coalescer[Query, []Product]
	trees  *coalescer[categoryKey, *categoryAnswer]
	writes *coalescer[Write, Outcome]
	merges *coalescer[Write, Outcome]
	alone  *coalescer[Batch, []Outcome] // batches that share no transaction
	tail   *tail

	reservations *coalescer[ReservationID, *Reservation]

	underway    underway
	patient     *coalescer[*writeCall, struct{}] // writes to rows that were found locked
	lockedUntil atomic.Int64                     // nanoseconds since 1970: until then batches do not wait for locks

	closed atomic.Bool
	alive  context.Context // ends when Close has returned
	abort  context.CancelFunc
}

// NewService returns a Service on the store. It starts no goroutine before the first call and
// keeps none while nobody calls.
func NewService(store Store, opts *Options) *Service {
	if opts == nil {
		opts = &Options{}
	}
	s := &Service{store: store, opts: opts.WithDefaults()}
	s.alive, s.abort = context.WithCancel(context.Background())
	s.finds = newReader(s, store.Find, func(keys []Key, p *Product) []Key { return append(keys, ByID(p.ID), BySKU(p.SKU)) })
	stockNow := func(ctx context.Context, ids []uuid.UUID) ([]Stock, error) { return store.Stock(ctx, ids, s.now()) }
	s.stocks = newReader(s, stockNow, func(ids []uuid.UUID, s *Stock) []uuid.UUID { return append(ids, s.ProductID) })
	s.reservations = newReader(s, store.Reservations, func(ids []ReservationID, r *Reservation) []ReservationID { return append(ids, r.ID) })
	s.lists = newLists(s)
	s.trees = newCategoryReader(s)
	s.writes = newWriter(s)
	s.merges = newMerger(s)
	s.alone = newAlone(s)
	s.patient = newPatient(s)
	s.tail = newTail(s)
	return s
}

// Get returns the live product with this ID. A Get that begins after a write was acknowledged
// sees it.
//
// Errors: [ErrNotFound], [ErrOverloaded], [ErrUnavailable], [ErrClosed], the context's.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (Product, error) {
	return read(ctx, s.finds, ByID(id))
}

// GetBySKU returns the live product with this SKU, otherwise as [Service.Get].
func (s *Service) GetBySKU(ctx context.Context, sku string) (Product, error) {
	if !ValidSKU(sku) {
		return Product{}, ErrNotFound
	}
	return read(ctx, s.finds, BySKU(sku))
}

// Stock returns the stock of a live product, otherwise as [Service.Get].
func (s *Service) Stock(ctx context.Context, id uuid.UUID) (Stock, error) {
	return read(ctx, s.stocks, id)
}

// Create adds a product. Status defaults to draft and stock to 0.
//
// Errors: [InvalidError] with every fault, [TakenError], and as [Service.Update].
func (s *Service) Create(ctx context.Context, d Draft) (Product, error) {
	outcome, err := s.write(ctx, Create{Draft: d})
	return outcome.Product, err
}

// Update merges a patch into a product. A patch that changes nothing makes no new version.
//
// Errors: [InvalidError], [ErrNotFound], [ErrPreconditionFailed], [TakenError], [ErrBusy],
// [ErrOverloaded], [ErrUnavailable], [ErrClosed]: nothing was changed. [ErrOutcomeUnknown]:
// it may have been; the context's error comes together with it when the context ended after
// the write's transaction had begun, and alone when the write was withdrawn before.
func (s *Service) Update(ctx context.Context, id uuid.UUID, p Patch, e Expect) (Product, error) {
	outcome, err := s.write(ctx, Update{Key: ByID(id), Patch: p, Expect: e})
	return outcome.Product, err
}

// Upsert creates the product with the draft's SKU or replaces its content, and says which:
// [Created], [Updated] or [Unchanged]. Expect{Absent: true} only creates.
//
// Errors: as [Service.Create] and [Service.Update]. Of a known product ID, Version, times and
// Stock are not changed; given, they must equal the present ones.
func (s *Service) Upsert(ctx context.Context, d Draft, e Expect) (Product, Result, error) {
	outcome, err := s.write(ctx, Upsert{Draft: d, Expect: e})
	return outcome.Product, outcome.Result, err
}

// Delete marks a product as deleted. Its SKU becomes free, and [Service.Restore] brings it
// back.
//
// Errors: as [Service.Update].
func (s *Service) Delete(ctx context.Context, id uuid.UUID, e Expect) error {
	_, err := s.write(ctx, Delete{Key: ByID(id), Expect: e})
	return err
}

// Restore brings a deleted product back. Of a live one it changes nothing.
//
// Errors: as [Service.Update]; [TakenError] if its SKU or options were taken meanwhile.
func (s *Service) Restore(ctx context.Context, id uuid.UUID, e Expect) (Product, error) {
	outcome, err := s.write(ctx, Restore{ID: id, Expect: e})
	return outcome.Product, err
}

// AdjustStock adds delta to the quantity on hand, atomically. The reason, at most
// [MaxReasonLen] characters, stands in the history.
//
// Errors: [StockError] if delta is negative, less is available and the product does not allow
// Backorder; and as [Service.Update].
func (s *Service) AdjustStock(ctx context.Context, id uuid.UUID, delta int64, reason string, e Expect) (Stock, error) {
	outcome, err := s.write(ctx, AdjustStock{Key: ByID(id), Delta: delta, Reason: reason, Expect: e})
	return outcome.Stock, err
}

// SetStock sets the quantity on hand, as after a stocktaking. Expect the version of the stock
// that was counted, [IfVersion], so that what was sold meanwhile is not undone.
//
// Errors: [StockError] if more is reserved and the product does not allow Backorder; and as
// [Service.Update].
func (s *Service) SetStock(ctx context.Context, id uuid.UUID, onHand int64, e Expect) (Stock, error) {
	outcome, err := s.write(ctx, SetStock{Key: ByID(id), OnHand: onHand, Expect: e})
	return outcome.Stock, err
}

// Stats is a snapshot of a Service's work.
type Stats struct {
	Reads  LaneStats // Get and GetBySKU
	Stocks LaneStats // Stock
	Lists  LaneStats // List, as far as the store is a [Lister]
	Trees  LaneStats // Categories
	Writes LaneStats
	Merges LaneStats // Merge
	Alone  LaneStats // AtomicBatch and UpdateGroup, each a transaction of its own

	Reservations LaneStats // Reservation; also looked at by Commit and Release
}

// Stats returns how busy the Service is.
func (s *Service) Stats() Stats {
	return Stats{
		Reads: s.finds.stats(), Stocks: s.stocks.stats(), Lists: s.lists.stats(), Trees: s.trees.stats(), Writes: s.writes.stats(),
		Merges: s.merges.stats(), Alone: s.alone.stats(),
		Reservations: s.reservations.stats(),
	}
}

// Close refuses new calls with [ErrClosed], ends those who wait for changes, and waits until every
// other call that was accepted has been answered. When ctx ends first, what still runs is cancelled and answered, and Close returns
// an error that matches the context's. It may be called more than once.
func (s *Service) Close(ctx context.Context) error {
	defer s.abort()
	s.closed.Store(true)
	s.finds.close()
	s.stocks.close()
	s.reservations.close()
	s.lists.close()
	s.trees.close()
	s.writes.close()
	s.merges.close()
	s.alone.close()
	s.tail.close()
	// Writes may hand calls to the patient lane until they have ended.
	for _, ended := range []func() <-chan struct{}{
		s.finds.close, s.stocks.close, s.lists.close, s.trees.close, s.reservations.close, s.writes.close, s.merges.close, s.alone.close, s.patient.close, s.tail.close,
	} {
		select {
		case <-ended():
		case <-ctx.Done():
			stats := s.Stats()
			return fmt.Errorf("product: closed with %d reads and %d writes in flight and %d waiting: %w",
				stats.Reads.Running+stats.Stocks.Running+stats.Lists.Running+stats.Trees.Running+stats.Reservations.Running,
				stats.Writes.Running+stats.Merges.Running+stats.Alone.Running,
				stats.Reads.Waiting+stats.Stocks.Waiting+stats.Lists.Waiting+stats.Trees.Waiting+stats.Reservations.Waiting+stats.Writes.Waiting+stats.Merges.Waiting+stats.Alone.Waiting,
				ctx.Err())
		}
	}
	return nil
}

// checked returns a copy of the draft in normal form.
func (d Draft) checked() (Draft, error) {
	d.Product = d.Product.clone()
	def(&d.Status, StatusDraft)
	err := d.normalize()
	if d.Stock != nil {
		var f faults
		if n := *d.Stock; !d.Backorder || n < -MaxQuantity || n > MaxQuantity {
			f.quantity("stock", n)
		}
		if f != nil {
			err = joinFaults(errors.Join(err, f.err()))
		}
		stock := *d.Stock
		d.Stock = &stock
	}
	return d, err
}

// now is the Service's time, in the precision that is kept.
func (s *Service) now() time.Time { return s.opts.Now().UTC().Truncate(time.Microsecond) }
