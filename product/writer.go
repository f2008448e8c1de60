package product

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

type writeCall = call[Write, Outcome]

// newWriter returns the coalescer of writes.
func newWriter(s *Service) *coalescer[Write, Outcome] {
	return &coalescer[Write, Outcome]{
		lanes:      s.opts.WriteBatches,
		crowd:      writeCrowd,
		shy:        true,
		patience:   writePatience,
		maxCalls:   s.opts.WriteBatchSize,
		maxBytes:   s.opts.WriteBatchBytes,
		maxWaiting: s.opts.MaxWaiting,
		size:       Write.size,
		enter:      func(w Write) func() { return s.underway.enter(w.Record) },
		run:        s.applyBatch,
	}
}

const (
	// writeCrowd is how many writes are worth a transaction beside one that has locked its rows and now writes
	// them and waits for the disk: a transaction costs about as much as seven of its writes do.
	writeCrowd = 16

	// writePatience is how long a batch of writes has the coalescer to itself where fewer wait: longer than
	// one of a few hundred writes takes, and a wait behind a stalled connection that people hardly notice.
	writePatience = 50 * time.Millisecond
)

// write does one operation and waits for its outcome.
func (s *Service) write(ctx context.Context, op Operation) (Outcome, error) {
	w, err := op.write()
	if err != nil {
		return Outcome{}, err
	}
	if err := s.ready(ctx, &w); err != nil {
		return Outcome{}, err
	}
	outcome, err := s.writes.do(ctx, w, errUnderway)
	err = s.underway.explain(ctx, err, w.Record)
	answered(ctx, []Outcome{outcome})
	if into, ok := ctx.Value(outcomeKey{}).(*Outcome); ok {
		*into = outcome
	}
	return outcome, err
}

// ready stamps one write and gives it the context's idempotency key.
func (s *Service) ready(ctx context.Context, w *Write) error {
	if err := s.stamp(ctx, w); err != nil {
		return err
	}
	if key := idempotentOf(ctx); key != nil {
		return w.once(key.key)
	}
	return nil
}

func (s *Service) stamp(ctx context.Context, w *Write) error {
	w.At = s.now()
	w.Actor = actorOf(ctx)
	var f faults
	f.line("actor", w.Actor, MaxReasonLen)
	return f.err()
}

// errUnderway tells a caller who leaves while its write is in flight that nobody knows yet.
func errUnderway(ctx context.Context) error {
	return fmt.Errorf("%w: the caller left while it was being written: %w", ErrOutcomeUnknown, ctx.Err())
}

// applyBatch brings a batch to its end: every call is settled when it returns, or handed to
// the patient lane.
//
// When a batch fails it is tried again in halves, so that whatever made it fail is told to the
// write that caused it and to nobody else. A locked row is waited for in the first attempt;
// the halves do not wait, which finds the rows that are still locked quickly and lets
// everybody else through. The writes to those rows then wait once more in a lane of their own.
// For a while after, batches do not wait at all, so that a row which a person holds locked
// does not make every batch with a write to it late; and none begins beside another, or it would be
// refused the rows of that.
func (s *Service) applyBatch(batch []*writeCall, locked func()) {
	ctx, cancel := context.WithTimeout(s.alive, s.opts.BatchTimeout)
	defer cancel()
	noWait := time.Now().UnixNano() < s.lockedUntil.Load()
	if noWait {
		locked = nil
	}
	err := s.apply(ctx, batch, noWait, locked)
	stuck := s.isolate(ctx, batch, err, noWait)
	if len(stuck) == 0 {
		return
	}
	s.lockedUntil.Store(time.Now().Add(lockMemory).UnixNano())
	if _, err := s.patient.enqueue(ctx, stuck); err != nil {
		settleAll(stuck, ErrBusy)
	}
}

// lockMemory is how long a row that was found locked is taken to be locked still: as long as
// a store waits for it.
const lockMemory = time.Second

// newPatient returns the coalescer of writes to locked rows.
func newPatient(s *Service) *coalescer[*writeCall, struct{}] {
	return &coalescer[*writeCall, struct{}]{
		lanes:      1,
		maxCalls:   s.opts.WriteBatchSize,
		maxBytes:   s.opts.WriteBatchBytes,
		maxWaiting: s.opts.MaxWaiting,
		size:       func(c *writeCall) int { return c.question.size() },
		run: func(calls []*call[*writeCall, struct{}], _ func()) {
			ctx, cancel := context.WithTimeout(s.alive, s.opts.BatchTimeout)
			defer cancel()
			batch := make([]*writeCall, len(calls))
			for i, c := range calls {
				batch[i] = c.question
			}
			err := s.apply(ctx, batch, false, nil)
			settleAll(s.isolate(ctx, batch, err, false), ErrBusy)
		},
	}
}

// isolate deals with what the attempt at a batch came to. It returns the calls that met a
// locked row; all others are settled.
func (s *Service) isolate(ctx context.Context, batch []*writeCall, err error, noWait bool) (stuck []*writeCall) {
	busy := errors.Is(err, ErrBusy)
	switch {
	case err == nil:
		return nil
	case settled(err), len(batch) == 1 && !busy:
		settleAll(batch, err)
		return nil
	case len(batch) == 1:
		return batch
	}
	s.opts.Logger.Debug("product: splitting a batch of writes that failed", "writes", len(batch), "error", err)
	middle := len(batch) / 2
	for _, half := range [][]*writeCall{batch[:middle], batch[middle:]} {
		pause(ctx)
		err := s.apply(ctx, half, noWait || busy, nil)
		stuck = append(stuck, s.isolate(ctx, half, err, noWait || busy)...)
	}
	return stuck
}

// settled reports whether an error holds for each write of a batch, so that trying parts of it
// would be in vain, or wrong.
func settled(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrOutcomeUnknown) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// apply hands writes to the store and settles them, unless the store applied nothing.
func (s *Service) apply(ctx context.Context, batch []*writeCall, noWait bool, locked func()) error {
	writes := make([]Write, len(batch))
	for i, c := range batch {
		writes[i] = c.question
	}
	outcomes, err := s.applySafely(ctx, Batch{Writes: writes, NoWait: noWait, Locked: locked})
	if err != nil {
		return err
	}
	s.tail.rouse()
	for i, c := range batch {
		c.settle(outcomes[i], outcomes[i].Err)
	}
	return nil
}

// applySafely keeps a panic in a Store from ending the host's process: on a goroutine of ours
// no HTTP server would recover it. What the Store had done by then nobody knows.
func (s *Service) applySafely(ctx context.Context, b Batch) (outcomes []Outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the store panicked: %v\n%s", ErrOutcomeUnknown, r, debug.Stack())
		}
	}()
	return s.store.Apply(ctx, b)
}

func settleAll(batch []*writeCall, err error) {
	for _, c := range batch {
		c.settle(Outcome{Err: err}, err)
	}
}

// pause waits a few milliseconds, drawn at random so that instances which met in a deadlock
// do not meet again.
func pause(ctx context.Context) {
	timer := time.NewTimer(time.Millisecond + rand.N(4*time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// size estimates the bytes that a write puts on the wire.
func (w Write) size() int {
	const row = 256 // fixed columns and the change record
	n := row + len(w.Reason) + len(w.Actor)
	if w.Draft != nil {
		n += w.Draft.size()
	}
	if p := w.Patch; p != nil {
		n += row
		if p.Description != nil {
			n += 3 * len(*p.Description) // the row, and before and after in the history
		}
		if p.Attributes != nil {
			n += 3 * len(p.Attributes.Merge)
		}
	}
	if w.Reservation != nil {
		n += 3 * row * len(w.Reservation.Items) // stock, hold and change record
	}
	if w.Record != nil {
		n += row
		if w.Draft != nil {
			n += w.Draft.size() // the product once more
		}
	}
	return n
}

func (p *Product) size() int {
	n := len(p.SKU) + len(p.Name) + len(p.Description) + len(p.Group) + len(p.Category) + len(p.Vendor) + len(p.Attributes)
	for name, value := range p.Options {
		n += len(name) + len(value)
	}
	for _, tag := range p.Tags {
		n += len(tag)
	}
	for _, image := range p.Images {
		n += len(image.URL) + len(image.Alt)
	}
	return n
}
