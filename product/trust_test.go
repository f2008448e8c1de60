package product_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

func TestTrustAsksOnlyWhereNothingWouldCollide(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	create := func(sku string) product.Write {
		d := draft(sku)
		d.Status = product.StatusDraft
		return product.Write{Op: product.OpCreate, ID: uuid.Must(uuid.NewV7()), Draft: &d, At: now}
	}
	remove := product.Write{Op: product.OpDelete, SKU: "A", At: now}
	rename := product.Write{Op: product.OpUpdate, SKU: "A", Patch: &product.Patch{SKU: ptr("B")}, At: now}
	upsert := create("A")
	upsert.Op = product.OpUpsert
	row := upsert
	row.Patch = &product.Patch{}
	for name, c := range map[string]struct {
		batch product.Batch
		asked []string
	}{
		"creations":                 {product.Batch{Writes: []product.Write{create("A"), create("B")}}, nil},
		"one of them twice":         {product.Batch{Writes: []product.Write{create("A"), create("A")}}, nil},
		"an upsert":                 {product.Batch{Writes: []product.Write{upsert}}, []string{"A"}},
		"rows of an import":         {product.Batch{Writes: []product.Write{row, row}}, nil},
		"created and deleted":       {product.Batch{Writes: []product.Write{create("A"), remove}}, []string{"A"}},
		"deleted and created again": {product.Batch{Writes: []product.Write{create("A"), remove, create("A")}}, []string{"A"}},
		"renamed":                   {product.Batch{Writes: []product.Write{create("A"), rename}}, []string{"B", "A"}}, // one round after the other
		"all or nothing":            {product.Batch{Atomic: true, Writes: []product.Write{create("A")}}, []string{"A"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := product.NewDecision(c.batch)
			d.TrustMerges()
			var asked []string
			for need := d.Needs(); !need.Empty(); need = d.Needs() {
				asked = append(asked, need.SKUs...)
			}
			require.Equal(t, c.asked, asked)
		})
	}
	d := product.NewDecision(product.Batch{Writes: []product.Write{row}})
	d.Trust()
	require.Equal(t, []string{"A"}, d.Needs().SKUs, "an import's row that may be known")
}
