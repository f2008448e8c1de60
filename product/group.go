package product

import "context"

// MaxVariants is how many variants a group may have to be patched as one.
const MaxVariants = 500

// maxGroupRecord bounds what one idempotency record holds: an answer of a whole group stays a
// quarter of what MariaDB takes in one packet, however its text is escaped.
const maxGroupRecord = 2 << 20

// UpdateGroup merges a patch into every live variant of a group, in one transaction: into all or
// none. It returns the group by ID, those that the patch does not change included.
//
// All variants that are in the group when their rows are locked are patched, and nobody changes
// them, or moves them out, until all are. One that somebody creates or moves in meanwhile comes
// after the patch and keeps its own content.
//
// Errors: [ErrNotFound] for a group without variants; [InvalidError] for one with more than
// [MaxVariants]; [VariantError], around what [Service.Update] would say of that variant, such as
// a [TakenError] where two would become equal; otherwise as Update.
func (s *Service) UpdateGroup(ctx context.Context, group string, p Patch) ([]Product, error) {
	var f faults
	f.required("group", group)
	f.line("group", group, MaxNameLen)
	if p.SKU != nil {
		f.add("sku", "read_only", "is each variant's own; leave it out here, and rename the products one by one")
	}
	if a := p.Assert; a.OnHand != nil || a.Reserved != nil || a.Available != nil {
		f.add("stock", "read_only", "is each variant's own; leave it out here")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	w := Write{Op: OpUpdateGroup, Group: group, Patch: &p}
	if err := s.ready(ctx, &w); err != nil {
		return nil, err
	}
	outcomes, err := s.alone.do(ctx, Batch{Writes: []Write{w}, Atomic: true}, errUnderway)
	if err != nil {
		return nil, s.underway.explain(ctx, err, w.Record)
	}
	answered(ctx, outcomes)
	return outcomes[0].Variants, outcomes[0].Err
}

// updateGroup patches every variant, or none if one of them refuses.
func (d *Decision) updateGroup(w *Write) Outcome {
	rows, known := d.byGroup(w.Group)
	switch {
	case !known:
		return Outcome{Err: errUndecided}
	case len(rows) == 0:
		return Outcome{Err: ErrNotFound}
	case len(rows) > MaxVariants:
		var f faults
		f.add("group", "too_many", "has more than %d variants, which is the most that are patched as one; patch them in batches", MaxVariants)
		return Outcome{Err: f.err()}
	}
	rollback := d.savepoint()
	group := Outcome{Variants: make([]Product, len(rows))}
	var undecided bool
	size := 0
	for i, row := range rows {
		outcome := d.update(w, row)
		if outcome.Err == errUndecided {
			undecided = true // the others ask for what they need in the same round
			continue
		}
		if outcome.Err != nil && !undecided {
			rollback()
			return Outcome{Err: &VariantError{ID: row.Product.ID, SKU: row.Product.SKU, Err: outcome.Err}}
		}
		group.Variants[i] = outcome.Product
		group.Result = max(group.Result, outcome.Result)
		size += outcome.Product.size()
	}
	switch {
	case undecided:
		rollback()
		return Outcome{Err: errUndecided}
	case w.Record != nil && size > maxGroupRecord:
		rollback()
		var f faults
		f.add("group", "too_long", "has %d bytes in all its variants; at most %d are recorded under an idempotency key, so patch them in batches", size, maxGroupRecord)
		return Outcome{Err: f.err()}
	}
	return group
}
