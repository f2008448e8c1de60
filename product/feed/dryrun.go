package feed

import (
	"context"
	"sync"

	"github.com/google/uuid"

	"github.com/productkit-go/productkit/product"
)

// Previewer says what a merge would come to. It is [*product.Service].
type Previewer interface {
	Preview(ctx context.Context, entries []product.Entry) ([]product.Outcome, error)
}

// DryRun returns a Merger for one [Import] that decides every row and changes nothing. It reads
// the catalogue without locks and remembers which variants the file's rows so far would have
// taken, as far as they are among the first 262,144; so the events are those of an import that
// starts now, unless others write meanwhile. One thing it cannot see: that an earlier batch of the
// same file would have given the options of a known product free for another.
func DryRun(catalogue Previewer) Merger {
	return &dryRun{catalogue: catalogue, variants: make(map[product.VariantKey]uuid.UUID)}
}

type dryRun struct {
	catalogue Previewer

	mu       sync.Mutex
	variants map[product.VariantKey]uuid.UUID
}

func (d *dryRun) Merge(ctx context.Context, entries []product.Entry) ([]product.Outcome, error) {
	outcomes, err := d.catalogue.Preview(ctx, entries)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range outcomes {
		o := &outcomes[i]
		key, ok := o.Product.VariantKey()
		if o.Err != nil || !ok {
			continue
		}
		if by, taken := d.variants[key]; taken && by != o.Product.ID {
			*o = product.Outcome{Err: &product.TakenError{Field: "options", Value: o.Product.Group, By: by}}
		} else if len(d.variants) < maxSeen {
			d.variants[key] = o.Product.ID
		}
	}
	return outcomes, nil
}
