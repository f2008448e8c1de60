package product

import (
	"context"
)

// MaxMerge is how many entries one [Service.Merge] takes at most.
const MaxMerge = MaxBatch

// Entry is one product of an import. A new SKU is created from Draft; a product that is known
// by the SKU takes Patch and keeps what Patch leaves out. Draft.Stock becomes the stock of
// either; nil leaves a known product's stock alone.
type Entry struct {
	Draft Draft
	Patch Patch
}

func (e Entry) write() (Write, error) {
	d, err := e.Draft.checked()
	return Write{Op: OpUpsert, ID: newID(), Draft: &d, Patch: &e.Patch, OnHand: d.Stock}, err
}

// Merge applies the entries of an import, at most [MaxMerge], and returns an [Outcome] for
// each, in order. They are folded into batches like all writes, so one wrong entry stops no
// other, and merging the same entries again changes nothing.
//
// Errors: [ErrOverloaded], [ErrClosed], the context's: nothing was tried.
func (s *Service) Merge(ctx context.Context, entries []Entry) ([]Outcome, error) {
	p, err := prepare(ctx, s, entries)
	if err != nil {
		return nil, err
	}
	calls, err := s.writes.enqueue(ctx, p.writes)
	if err != nil {
		return nil, err
	}
	p.await(ctx, s, calls, p.places)
	return p.outcomes, nil
}

// Preview returns what [Service.Merge] would, and changes nothing. It reads without locks, so
// what others write meanwhile may decide otherwise.
//
// Errors: as [Service.Lookup].
func (s *Service) Preview(ctx context.Context, entries []Entry) ([]Outcome, error) {
	p, err := prepare(ctx, s, entries)
	if err != nil {
		return nil, err
	}
	ctx, cancel, err := s.direct(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	decided, err := s.store.Preview(ctx, Batch{Writes: p.writes})
	if err != nil {
		return nil, err
	}
	for i, outcome := range decided {
		p.outcomes[p.places[i]] = outcome
	}
	return p.outcomes, nil
}
