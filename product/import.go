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

// Merges reports whether a write is an import's row.
func (w *Write) Merges() bool { return w.Op == OpUpsert && w.Patch != nil }

// newMerger returns the coalescer of imports. Their batches come full, so nobody would gain by sharing
// one, and single writes do not queue behind them. They run side by side, since the catalogue makes the
// next ready while the database keeps the last.
func newMerger(s *Service) *coalescer[Write, Outcome] {
	c := newWriter(s)
	c.crowd, c.shy = 0, false
	return c
}

// Merge applies the entries of an import, at most [MaxMerge], and returns an [Outcome] for
// each, in order. They are folded into batches with those of other imports, so one wrong entry stops
// no other, and merging the same entries again changes nothing.
//
// Errors: [ErrOverloaded], [ErrClosed], the context's: nothing was tried.
func (s *Service) Merge(ctx context.Context, entries []Entry) ([]Outcome, error) {
	p, err := prepare(ctx, s, entries)
	if err != nil {
		return nil, err
	}
	calls, err := s.merges.enqueue(ctx, p.writes)
	if err != nil {
		return nil, err
	}
	p.await(ctx, s, s.merges, calls, p.places)
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
