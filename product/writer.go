package product

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

type writeCall = call[Write, Outcome]

// newWriter returns the coalescer of writes.
func newWriter(s *Service) *coalescer[Write, Outcome] {
	return &coalescer[Write, Outcome]{
		lanes:      s.opts.WriteBatches,
		maxCalls:   s.opts.WriteBatchSize,
		maxBytes:   s.opts.WriteBatchBytes,
		maxWaiting: s.opts.MaxWaiting,
		size:       Write.size,
		run:        s.applyBatch,
	}
}

// write stamps one write and waits for its outcome.
func (s *Service) write(ctx context.Context, w Write) (Outcome, error) {
	if err := s.stamp(ctx, &w); err != nil {
		return Outcome{}, err
	}
	return s.writes.do(ctx, w, errUnderway)
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

// applyBatch brings a batch to its end: every call is settled when it returns.
//
// When a batch fails it is tried again in halves, so that whatever made it fail is told to the
// write that caused it and to nobody else. A locked row was waited for in the first attempt;
// the halves do not wait, which finds the rows that are still locked quickly and lets
// everybody else through. Those few then wait once more, together.
func (s *Service) applyBatch(batch []*writeCall) {
	ctx, cancel := context.WithTimeout(s.alive, s.opts.BatchTimeout)
	defer cancel()
	err := s.apply(ctx, batch, false)
	if err == nil {
		return
	}
	busy := errors.Is(err, ErrBusy)
	if settled(err) || len(batch) == 1 && !busy {
		settleAll(batch, err)
		return
	}
	s.opts.Logger.Warn("product: splitting a failed batch of writes", "writes", len(batch), "error", err)
	stuck := batch
	if len(batch) > 1 {
		stuck = s.applyHalves(ctx, batch, busy)
	}
	if len(stuck) == 0 {
		return
	}
	pause(ctx)
	if err := s.apply(ctx, stuck, false); err != nil {
		settleAll(stuck, err)
	}
}

// applyHalves applies each half of a batch that failed, and their halves, and returns the
// calls that met a locked row.
func (s *Service) applyHalves(ctx context.Context, batch []*writeCall, noWait bool) (stuck []*writeCall) {
	middle := len(batch) / 2
	for _, half := range [][]*writeCall{batch[:middle], batch[middle:]} {
		pause(ctx)
		err := s.apply(ctx, half, noWait)
		switch busy := errors.Is(err, ErrBusy); {
		case err == nil:
		case settled(err):
			settleAll(half, err)
		case len(half) > 1:
			stuck = append(stuck, s.applyHalves(ctx, half, noWait || busy)...)
		case busy:
			stuck = append(stuck, half...)
		default:
			settleAll(half, err)
		}
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
func (s *Service) apply(ctx context.Context, batch []*writeCall, noWait bool) error {
	writes := make([]Write, len(batch))
	for i, c := range batch {
		writes[i] = c.question
	}
	outcomes, err := s.store.Apply(ctx, Batch{Writes: writes, NoWait: noWait})
	if err != nil {
		return err
	}
	for i, c := range batch {
		c.settle(outcomes[i], outcomes[i].Err)
	}
	return nil
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
