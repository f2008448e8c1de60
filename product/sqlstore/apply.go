package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

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
// When the answer to COMMIT is lost, the same batch is decided once more. With its rows locked the history
// tells whether the first transaction was committed: then what that decided stands, and otherwise the
// batch is applied now. Where COMMIT travels with what is written, a connection that breaks under them
// leaves as open what happened as one that breaks under COMMIT alone.
func (s *Store) Apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	if len(b.Writes) == 0 {
		return nil, nil
	}
	var races, stale, broken int
	for {
		d, stage, err := s.attempt(ctx, b, nil)
		switch {
		case err == nil:
			return d.Outcomes(), nil
		case stage == committing:
			s.opts.Logger.Warn("sqlstore: the answer to COMMIT was lost; finding out", "writes", len(b.Writes), "error", err)
			return s.settle(ctx, b, d, err)
		case ctx.Err() != nil:
			return nil, err
		case stage == writing && duplicate(err) && races < maxRaces:
			races++
			s.distrust()
		case stage == beginning && errors.Is(err, driver.ErrBadConn) && stale < maxStale:
			stale++
		case stage >= deciding && lost(err) && broken < maxLost:
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
func (s *Store) settle(ctx context.Context, b product.Batch, inDoubt *product.Decision, cause error) ([]product.Outcome, error) {
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
		d, stage, err := s.attempt(ctx, b, inDoubt)
		switch {
		case err == nil:
			return d.Outcomes(), nil
		case stage == committing:
			inDoubt, cause = d, unknown(err) // what this one wrote keeps the one before from being committed
		case stage == writing && duplicate(err) && races < maxRaces:
			s.distrust() // by the one in doubt, maybe: the next attempt will see
			races++
		case stage == writing && lost(err):
			cause = err // the one in doubt was not committed: nothing had been applied, and nothing is
		case stage == writing:
			return nil, err
		default:
			s.opts.Logger.Warn("sqlstore: a lost COMMIT is not settled yet", "writes", len(b.Writes), "error", err)
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
	deciding         // locking and reading; after a lost COMMIT, asking for what it had to tell, too
	writing          // after a lost COMMIT: that was found not to have happened
	committing       // COMMIT was sent
)

// attempt runs the batch's transaction once. With stage committing it returns the decision together
// with an error: it stands if the transaction was committed. With one in doubt, it returns that if it
// turns out to have been committed, and waits for the answer to what is written before it
// sends COMMIT, so that the stage tells which failed.
func (s *Store) attempt(ctx context.Context, b product.Batch, inDoubt *product.Decision) (*product.Decision, stage, error) {
	t, err := s.pin(ctx)
	if err != nil {
		return nil, connecting, err
	}
	defer t.end(ctx)
	if err := t.begin(ctx, b.NoWait); err != nil {
		return nil, beginning, err
	}
	w := s.writer(t)
	w.trust = !b.NoWait && s.wary.Add(-1) < 0 // an insert waits for whoever is about to take the SKU too
	w.trustMerges = w.trust && s.fresh.Load()
	d, err := w.decide(ctx, b)
	if err != nil {
		return nil, t.atLeast(deciding), err
	}
	if b.Locked != nil && s.queue == nil { // others could only queue
		b.Locked()
	}
	if inDoubt != nil {
		switch committed, err := s.committed(ctx, t, inDoubt); {
		case err != nil:
			return nil, t.atLeast(deciding), err
		case committed:
			return inDoubt, deciding, nil
		}
	}
	if d.Empty() {
		return d, writing, nil // nothing to commit
	}
	if err := w.write(ctx, d); err != nil {
		return nil, t.atLeast(writing), err
	}
	if inDoubt != nil {
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
		return d, committing, err
	}
	s.learn(b, d.Outcomes())
	made, _ := d.Reservations()
	added := int64(len(d.Records()) + len(made))
	if n := s.added.Add(added); n/pruneEvery != (n-added)/pruneEvery {
		s.prune(ctx, t)
	}
	return d, committing, nil
}

// committed reports whether the transaction of a decision was committed, by the first record of history that it
// wrote, and waits for it where it is under way. Asked when the batch's rows have been locked once more, a
// "no" is final, though the server may come to that transaction's statements later, when the connection
// has gone: what had locked rows has ended, and what had not makes products, whose IDs or SKUs are taken by then.
//
// A decision without history has only idempotency records, and deciding it once more finds them.
func (s *Store) committed(ctx context.Context, q querier, d *product.Decision) (bool, error) {
	if len(d.Changes()) == 0 {
		return false, nil
	}
	first := &d.Changes()[0]
	query, args, err := s.tables.changeIDs(first)
	if err != nil {
		return false, err
	}
	ids, err := readAll(ctx, q, nil, query, args, scanID("change"))
	return slices.Contains(ids, first.ID), err
}

const (
	// pruneEvery is after how many new idempotency records and reservations old ones are removed, and
	// pruneStep how many of each at most: enough to catch up.
	pruneEvery = 256
	pruneStep  = 1000
)

// prune removes old idempotency records and reservations: each is one short range at the beginning of
// an index.
func (s *Store) prune(ctx context.Context, q querier) {
	remove := func(what string, keep time.Duration, build func(before time.Time) (string, []any, error)) {
		if keep <= 0 {
			return
		}
		query, args, err := build(time.Now().Add(-keep))
		if err == nil {
			_, err = q.ExecContext(ctx, query, args...)
		}
		if err != nil {
			s.opts.Logger.Warn("sqlstore: old "+what+" could not be removed; trying again later", "error", err)
		}
	}
	remove("idempotency records", s.opts.KeepIdempotency, s.tables.pruneRecords)
	remove("reservations", s.opts.KeepReservations, s.tables.pruneReservations)
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
