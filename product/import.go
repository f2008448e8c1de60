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
	if len(entries) > MaxMerge {
		var f faults
		f.add("", "too_many", "%d entries are given; give at most %d at once", len(entries), MaxMerge)
		return nil, f.err()
	}
	outcomes := make([]Outcome, len(entries))
	writes := make([]Write, 0, len(entries))
	places := make([]int, 0, len(entries)) // of writes in outcomes
	for i := range entries {
		draft, err := entries[i].Draft.checked()
		if err != nil {
			outcomes[i] = Outcome{Err: err}
			continue
		}
		w := Write{Op: OpUpsert, ID: newID(), Draft: &draft, Patch: &entries[i].Patch, OnHand: draft.Stock}
		if err := s.stamp(ctx, &w); err != nil {
			return nil, err
		}
		writes = append(writes, w)
		places = append(places, i)
	}
	calls, err := s.writes.enqueue(ctx, writes)
	if err != nil {
		return nil, err
	}
	for i, c := range calls {
		outcome, err := s.writes.wait(ctx, c, errUnderway)
		outcome.Err = err
		outcomes[places[i]] = outcome
	}
	return outcomes, nil
}
