package product

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

const (
	// MaxBatch is how many operations one [Service.Batch] or [Service.AtomicBatch] takes.
	MaxBatch = 1000

	// MaxAtomicBytes is about how much content one atomic batch carries: it is one transaction,
	// whose locks nobody else should wait for long.
	MaxAtomicBytes = 16 << 20
)

// Batch applies the operations, at most [MaxBatch], each for itself, and returns an [Outcome] for
// each, in order. Later operations see what earlier ones did. They are folded into transactions
// with everybody else's writes; one that fails stops no other.
//
// Under [WithIdempotencyKey] each operation has a record of its own, by the key and its index, so
// that repeating a batch completes what was left undone. [Outcome].Replayed tells which had been
// done before, and [Replayed] whether all had.
//
// Errors: [InvalidError] for too many operations, [ErrOverloaded], [ErrClosed], the context's:
// nothing was tried. Whatever befalls single operations is in their outcomes.
func (s *Service) Batch(ctx context.Context, ops []Operation) ([]Outcome, error) {
	p, err := prepare(ctx, s, ops)
	if err != nil {
		return nil, err
	}
	if err := p.once(ctx); err != nil {
		return nil, err
	}
	for done, n := 0, 0; done < len(p.writes); done += n {
		n = s.fitting(p.writes[done:])
		calls, err := s.writes.enqueueUnit(ctx, p.writes[done:done+n])
		switch {
		case err == nil:
			p.await(ctx, s, s.writes, calls, p.places[done:])
		case done == 0:
			return nil, err
		default:
			for _, place := range p.places[done : done+n] {
				p.outcomes[place].Err = err
			}
		}
	}
	answered(ctx, p.outcomes)
	return p.outcomes, nil
}

// fitting returns how many of the writes, one at least, fit into one transaction.
func (s *Service) fitting(writes []Write) int {
	n, bytes := 1, writes[0].size()
	for n < min(len(writes), s.opts.WriteBatchSize) {
		if bytes += writes[n].size(); bytes > s.opts.WriteBatchBytes {
			break
		}
		n++
	}
	return n
}

// AtomicBatch applies all of the operations, at most [MaxBatch] and about [MaxAtomicBytes], in one
// transaction of their own, or none. Later operations see what earlier ones did.
//
// When operations fail, nothing is changed, and it returns the error of the first, with its index, together
// with the outcomes: those that failed have their own errors, and the others a [NotAppliedError].
// Any other error comes without outcomes: as [Service.Batch], or those that concern a transaction
// as a whole, [ErrBusy], [ErrUnavailable] and [ErrOutcomeUnknown].
func (s *Service) AtomicBatch(ctx context.Context, ops []Operation) ([]Outcome, error) {
	p, err := prepare(ctx, s, ops)
	if err != nil || len(ops) == 0 {
		return nil, err
	}
	if len(p.writes) < len(ops) {
		abort(p.outcomes)
		return p.outcomes, firstError(p.outcomes)
	}
	size := 0
	for i := range p.writes {
		size += p.writes[i].size()
	}
	if size > MaxAtomicBytes {
		var f faults
		f.add("", "too_long", "the operations have about %d bytes of content; at most %d are applied at once, so make several batches of them", size, MaxAtomicBytes)
		return nil, f.err()
	}
	if err := p.once(ctx); err != nil {
		return nil, err
	}
	outcomes, err := s.alone.do(ctx, Batch{Writes: p.writes, Atomic: true}, errUnderway)
	if err != nil {
		return nil, s.underway.explain(ctx, err, recordsOf(p.writes)...)
	}
	answered(ctx, outcomes)
	return outcomes, firstError(outcomes)
}

// abort gives every write that did not fail by itself the error that it was not applied, if one
// failed. It reports whether one did.
func abort(outcomes []Outcome) bool {
	first := slices.IndexFunc(outcomes, func(o Outcome) bool { return o.Err != nil })
	if first < 0 {
		return false
	}
	for i := range outcomes {
		if outcomes[i].Err == nil {
			outcomes[i] = Outcome{Err: &NotAppliedError{By: first}}
		}
	}
	return true
}

// firstError returns the first error that an atomic batch failed of.
func firstError(outcomes []Outcome) error {
	for i, o := range outcomes {
		if o.Err != nil && !errors.Is(o.Err, ErrNotApplied) {
			return fmt.Errorf("operation %d of the batch: %w", i, o.Err)
		}
	}
	return nil
}

// prepared is operations on their way to outcomes.
type prepared struct {
	outcomes []Outcome // of all; so far, of those that break a rule by themselves
	writes   []Write   // of the others
	places   []int     // of writes in outcomes
}

// prepare checks operations and makes writes of them.
func prepare[O Operation](ctx context.Context, s *Service, ops []O) (prepared, error) {
	var p prepared
	if len(ops) > MaxBatch {
		var f faults
		f.add("", "too_many", "%d operations are given; give at most %d at once", len(ops), MaxBatch)
		return p, f.err()
	}
	p.outcomes = make([]Outcome, len(ops))
	p.writes = make([]Write, 0, len(ops))
	p.places = make([]int, 0, len(ops))
	for i, op := range ops {
		w, err := op.write()
		if err != nil {
			p.outcomes[i].Err = err
			continue
		}
		if err := s.stamp(ctx, &w); err != nil {
			return p, err
		}
		p.writes = append(p.writes, w)
		p.places = append(p.places, i)
	}
	return p, nil
}

// once makes each of the writes one that happens once, if the context has a key.
func (p *prepared) once(ctx context.Context) error {
	key := idempotentOf(ctx)
	if key == nil {
		return nil
	}
	for i := range p.writes {
		if err := p.writes[i].once(key.key, strconv.Itoa(p.places[i])); err != nil {
			return err
		}
	}
	return nil
}

// await waits for the outcomes of calls and puts them into their places.
func (p *prepared) await(ctx context.Context, s *Service, from *coalescer[Write, Outcome], calls []*writeCall, places []int) {
	for i, c := range calls {
		outcome, err := from.wait(ctx, c, errUnderway)
		outcome.Err = s.underway.explain(ctx, err, c.question.Record)
		p.outcomes[places[i]] = outcome
	}
}
