package product

import (
	"context"
)

// MaxMerge is how many entries one [Service.Merge] takes at most.
const MaxMerge = 1000

// Entry is one product of an import. A new SKU is created from Draft; a product that is known
// by the SKU takes Patch and keeps what Patch leaves out. Draft.Stock becomes the stock of
// either; nil leaves a known product's stock alone.
type Entry struct {
	Draft Draft
	Patch Patch
}

// Merge applies the entries of an import, at most [MaxMerge], and returns an [Outcome] for
// each, in order. They are folded into batches like all writes, so one wrong entry stops no
// other, and merging the same entries again changes nothing.
//
// Errors: [ErrOverloaded], [ErrClosed], the context's: nothing was tried.
func (s *Service) Merge(ctx context.Context, entries []Entry) ([]Outcome, error) {
	m, err := s.merging(ctx, entries)
	if err != nil {
		return nil, err
	}
	calls, err := s.writes.enqueue(ctx, m.writes)
	if err != nil {
		return nil, err
	}
	for i, c := range calls {
		outcome, err := s.writes.wait(ctx, c, errUnderway)
		outcome.Err = err
		m.outcomes[m.places[i]] = outcome
	}
	return m.outcomes, nil
}

// Preview returns what [Service.Merge] would, and changes nothing. It reads without locks, so
// what others write meanwhile may decide otherwise.
//
// Errors: as [Service.Lookup].
func (s *Service) Preview(ctx context.Context, entries []Entry) ([]Outcome, error) {
	m, err := s.merging(ctx, entries)
	if err != nil {
		return nil, err
	}
	ctx, cancel, err := s.direct(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	decided, err := s.store.Preview(ctx, m.writes)
	if err != nil {
		return nil, err
	}
	for i, outcome := range decided {
		m.outcomes[m.places[i]] = outcome
	}
	return m.outcomes, nil
}

// merging is entries on their way to outcomes.
type merging struct {
	outcomes []Outcome // of all entries; so far, of those that break a rule by themselves
	writes   []Write   // of the others
	places   []int     // of writes in outcomes
}

// merging checks the entries and makes writes of them.
func (s *Service) merging(ctx context.Context, entries []Entry) (merging, error) {
	var m merging
	if len(entries) > MaxMerge {
		var f faults
		f.add("", "too_many", "%d entries are given; give at most %d at once", len(entries), MaxMerge)
		return m, f.err()
	}
	m.outcomes = make([]Outcome, len(entries))
	m.writes = make([]Write, 0, len(entries))
	for i := range entries {
		draft, err := entries[i].Draft.checked()
		if err != nil {
			m.outcomes[i] = Outcome{Err: err}
			continue
		}
		w := Write{Op: OpUpsert, ID: newID(), Draft: &draft, Patch: &entries[i].Patch, OnHand: draft.Stock}
		if err := s.stamp(ctx, &w); err != nil {
			return m, err
		}
		m.writes = append(m.writes, w)
		m.places = append(m.places, i)
	}
	return m, nil
}
