package product

import (
	"context"
	"errors"
)

// newAlone returns the coalescer of batches that share their transaction with nobody. It folds
// nothing: it queues them, and keeps few in flight.
func newAlone(s *Service) *coalescer[Batch, []Outcome] {
	return &coalescer[Batch, []Outcome]{
		lanes:      s.opts.WriteBatches,
		maxCalls:   1,
		maxWaiting: s.opts.MaxWaiting,
		size:       func(Batch) int { return 0 },
		enter:      func(b Batch) func() { return s.underway.enter(recordsOf(b.Writes)...) },
		run: func(calls []*call[Batch, []Outcome], _ func()) {
			for _, c := range calls {
				c.settle(s.applyAlone(c.question))
			}
		},
	}
}

// aloneTries is how often a batch of its own meets locked rows, or a deadlock, before it is told
// so: it cannot be halved to find out which of its writes is to blame.
const aloneTries = 3

// applyAlone brings one batch to its end.
func (s *Service) applyAlone(b Batch) (outcomes []Outcome, err error) {
	ctx, cancel := context.WithTimeout(s.alive, s.opts.BatchTimeout)
	defer cancel()
	for range aloneTries {
		outcomes, err = s.applySafely(ctx, b)
		if !errors.Is(err, ErrBusy) {
			break
		}
		pause(ctx)
	}
	if err == nil {
		s.tail.rouse()
	}
	return outcomes, err
}
