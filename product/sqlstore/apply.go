package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/internal/txretry"
	"github.com/productkit-go/productkit/product"
)

const (
	// maxRaces is how often a batch begins again because somebody else took a SKU or a variant
	// between the look and the insert. Each time the look then sees it; more needs an opponent
	// who takes another one each time.
	maxRaces = 5

	// wariness is how many batches look whether SKUs are free before they insert products, after
	// one had to begin again because it had not looked. Where collisions are rare nobody looks:
	// the insert finds out. With more than one in so many batches, looking is cheaper.
	wariness = 16

	// maxLost is how often it begins again because the connection broke before COMMIT.
	maxLost = 1

	// maxStale is how many connections may turn out to have died while they were idle: as many
	// as a big pool keeps, for each is found out without a round trip.
	maxStale = 1000
)

// Apply decides and keeps a batch in one transaction; see [product.Store].
//
// The transaction's first statement inserts the batch's own ID. When the answer to COMMIT is
// lost, the same batch runs once more: the insert waits for the old transaction, and a
// duplicate means that it was committed, so what it decided stands. Otherwise the batch is
// applied now. Where COMMIT travels with what is written, a connection that breaks under them leaves
// as open what happened as one that breaks under COMMIT alone.
func (s *Store) Apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	if len(b.Writes) == 0 {
		return nil, nil
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("sqlstore: making a batch ID: %w", err)
	}
	var races, stale, broken int
	for {
		outcomes, stage, err := s.attempt(ctx, id, b, false)
		switch {
		case err == nil:
			return outcomes, nil
		case stage == committing:
			s.opts.Logger.Warn("sqlstore: the answer to COMMIT was lost; finding out", "batch", id, "writes", len(b.Writes), "error", err)
			return s.settle(ctx, id, b, outcomes, err)
		case ctx.Err() != nil:
			return nil, err
		case stage == writing && duplicate(err) && races < maxRaces:
			races++
			s.distrust()
		case stage == beginning && errors.Is(err, driver.ErrBadConn) && stale < maxStale:
			stale++
		case stage >= marking && lost(err) && broken < maxLost:
			broken++
		default:
			return nil, err
		}
	}
}

// distrust has the next batches look before they insert.
func (s *Store) distrust() {
	s.wary.Store(wariness)
	s.fresh.Store(false)
}

// learn remembers whether the import whose rows are in a batch makes products: then the next batch need
// not look for them.
func (s *Store) learn(b product.Batch, outcomes []product.Outcome) {
	for i := range b.Writes {
		if b.Writes[i].Merges() {
			s.fresh.Store(outcomes[i].Err == nil && outcomes[i].Result == product.Created)
			return // the others are alike
		}
	}
}

// settle finds out what became of a batch whose COMMIT was not answered, until SettleTimeout or
// the context ends.
func (s *Store) settle(ctx context.Context, id uuid.UUID, b product.Batch, inDoubt []product.Outcome, cause error) ([]product.Outcome, error) {
	if s.opts.SettleTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.opts.SettleTimeout)
		defer cancel()
	}
	cause = unknown(cause)
	var races int
	var backoff txretry.Backoff
	for {
		if backoff.Wait(ctx) != nil {
			return nil, cause
		}
		outcomes, stage, err := s.attempt(ctx, id, b, true)
		switch {
		case err == nil:
			return outcomes, nil // the first one was not committed, this one is
		case stage == committing:
			inDoubt, cause = outcomes, unknown(err) // this one held the ID, so no earlier one was committed
		case stage == marking && duplicate(err):
			return inDoubt, nil
		case stage == writing && (lost(err) || duplicate(err) && races < maxRaces):
			s.distrust()
			cause = err // the ID was free: nothing had been applied, and nothing is
			races++
		case stage == writing:
			return nil, err
		default:
			s.opts.Logger.Warn("sqlstore: a lost COMMIT is not settled yet", "batch", id, "error", err)
		}
	}
}

func unknown(err error) error {
	return fmt.Errorf("%w: the answer to COMMIT was lost and the database cannot be asked: %w", product.ErrOutcomeUnknown, err)
}

// stage says how far an attempt came.
type stage int

const (
	connecting stage = iota
	beginning        // no statement of the transaction has been answered
	marking          // inserting the batch's ID
	writing          // deciding and writing; the ID was free
	committing       // COMMIT was sent
)

// attempt runs the batch's transaction once. With stage committing it returns outcomes together
// with an error: they stand if the transaction was committed. Stepwise it waits for the answers to the
// batch's ID and to what is written before it sends what follows, so that the stage tells which failed.
func (s *Store) attempt(ctx context.Context, id uuid.UUID, b product.Batch, stepwise bool) ([]product.Outcome, stage, error) {
	t, err := s.pin(ctx)
	if err != nil {
		return nil, connecting, err
	}
	defer t.end(ctx)
	if err := t.begin(ctx, b.NoWait); err != nil {
		return nil, beginning, err
	}
	query, args, err := s.tables.insertBatch(id)
	if err != nil {
		return nil, beginning, err
	}
	if err := t.later(ctx, query, args); err != nil {
		return nil, t.atLeast(marking), err
	}
	if stepwise {
		if err := t.flush(ctx); err != nil {
			return nil, t.atLeast(marking), err
		}
	}
	w := s.writer(t)
	w.trust = !b.NoWait && s.wary.Add(-1) < 0 // an insert waits for whoever is about to take the SKU too
	w.trustMerges = w.trust && s.fresh.Load()
	d, err := w.decide(ctx, b)
	if err != nil {
		return nil, t.atLeast(writing), err
	}
	if d.Empty() {
		return d.Outcomes(), writing, nil // nothing to commit
	}
	if err := w.write(ctx, d); err != nil {
		return nil, t.atLeast(writing), err
	}
	if stepwise {
		if err := t.flush(ctx); err != nil {
			return nil, t.atLeast(writing), err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, t.atLeast(writing), classify(err) // database/sql would not send COMMIT either
	}
	switch before, err := t.commit(ctx); {
	case before:
		return nil, writing, classify(err)
	case err != nil:
		return d.Outcomes(), committing, err
	}
	s.learn(b, d.Outcomes())
	made, _ := d.Reservations()
	added := int64(1 + len(d.Records()) + len(made))
	if n := s.added.Add(added); n/pruneEvery != (n-added)/pruneEvery {
		s.prune(ctx, t)
	}
	return d.Outcomes(), committing, nil
}

const (
	// pruneEvery is after how many new rows, batch IDs, idempotency records and reservations, old
	// ones are removed, and pruneStep how many of each at most: enough to catch up.
	pruneEvery = 256
	pruneStep  = 1000

	// keepBatches is far longer than anybody looks for a lost COMMIT, and than clocks differ.
	keepBatches = time.Hour
)

// prune removes old batch IDs, idempotency records and reservations: each is one short range at
// the beginning of an index.
func (s *Store) prune(ctx context.Context, q querier) {
	var before uuid.UUID // a UUIDv7 begins with milliseconds (RFC 9562, section 5.7)
	for i, ms := 5, time.Now().Add(-keepBatches).UnixMilli(); i >= 0; i, ms = i-1, ms>>8 {
		before[i] = byte(ms)
	}
	remove := func(what string, query string, args []any, err error) {
		if err == nil {
			_, err = q.ExecContext(ctx, query, args...)
		}
		if err != nil {
			s.opts.Logger.Warn("sqlstore: old "+what+" could not be removed; trying again later", "error", err)
		}
	}
	query, args, err := s.tables.pruneBatches(before)
	remove("batch IDs", query, args, err)
	if keep := s.opts.KeepIdempotency; keep > 0 {
		query, args, err = s.tables.pruneRecords(time.Now().Add(-keep))
		remove("idempotency records", query, args, err)
	}
	if keep := s.opts.KeepReservations; keep > 0 {
		query, args, err = s.tables.pruneReservations(time.Now().Add(-keep))
		remove("reservations", query, args, err)
	}
}

// writer returns what writes inside q's transaction.
func (s *Store) writer(q querier) *writer {
	return &writer{tables: s.tables, packet: s.packet(), q: q, noSearch: s.opts.NoSearch}
}

// packet is how many bytes of values one statement may carry: text that is escaped doubles.
func (s *Store) packet() int {
	const most = 4 << 20 // MariaDB takes 16 MiB by default
	if n, err := strconv.Atoi(s.abilities.Settings["max_allowed_packet"]); err == nil {
		return min(most, n/4)
	}
	return most
}
