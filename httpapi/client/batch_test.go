package client_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

// told is what both sides tell of an outcome.
type told struct {
	result    product.Result
	id        uuid.UUID
	version   int64
	available int64
	replayed  bool
}

func tellOf(o product.Outcome, stock bool) told {
	t := told{result: o.Result, id: o.Product.ID, replayed: o.Replayed}
	if stock {
		t.id, t.version, t.available = o.Stock.ProductID, o.Stock.Version, o.Stock.Available()
		return t
	}
	t.version = o.Product.Version
	return t
}

func TestBatchesAreTheSameNearAndFar(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, c catalogue) {
		ctx := product.WithIdempotencyKey(t.Context(), "batch")
		p, err := c.Create(t.Context(), draft("A"))
		require.NoError(t, err)
		gone, err := c.Create(t.Context(), draft("G"))
		require.NoError(t, err)
		require.NoError(t, c.Delete(t.Context(), gone.ID, product.Expect{}))
		now := []product.Revision{p.Revision()}
		ops := []product.Operation{
			product.Create{Draft: draft("B")},
			product.Upsert{Draft: draft("C"), Expect: product.Expect{Absent: true}},
			product.Update{Key: product.ByID(p.ID), Patch: product.Patch{Name: new("New")}, Expect: product.IfVersion(1)},
			product.Update{Key: product.BySKU("A"), Patch: product.Patch{Name: new("Late")}, Expect: product.Expect{Match: now}},
			product.SetStock{Key: product.BySKU("A"), OnHand: 5},
			product.AdjustStock{Key: product.ByID(p.ID), Delta: -2, Reason: "order 17", Expect: product.IfVersion(2)},
			product.AdjustStock{Key: product.ByID(p.ID), Delta: -9},
			product.Delete{Key: product.BySKU("B")},
			product.Restore{ID: gone.ID},
			product.Create{Draft: draft("A")},
		}
		outcomes, err := c.Batch(ctx, ops)
		require.NoError(t, err)
		require.Equal(t, told{result: product.Created, id: outcomes[0].Product.ID, version: 1}, tellOf(outcomes[0], false))
		require.Equal(t, product.Created, outcomes[1].Result)
		require.Equal(t, told{result: product.Updated, id: p.ID, version: 2}, tellOf(outcomes[2], false))
		require.ErrorIs(t, outcomes[3].Err, product.ErrPreconditionFailed)
		require.Equal(t, told{result: product.Updated, id: p.ID, version: 2, available: 5}, tellOf(outcomes[4], true))
		require.Equal(t, told{result: product.Updated, id: p.ID, version: 3, available: 3}, tellOf(outcomes[5], true))
		var short *product.StockError
		require.ErrorAs(t, outcomes[6].Err, &short)
		require.Equal(t, product.StockError{ProductID: p.ID, SKU: "A", Wanted: 9, Available: 3}, *short)
		require.Equal(t, product.Deleted, outcomes[7].Result)
		require.Equal(t, told{result: product.Restored, id: gone.ID, version: 3}, tellOf(outcomes[8], false))
		var taken *product.TakenError
		require.ErrorAs(t, outcomes[9].Err, &taken)
		require.Equal(t, p.ID, taken.By)

		again, err := c.Batch(ctx, ops)
		require.NoError(t, err)
		require.Equal(t, outcomes[0].Product.ID, again[0].Product.ID)
		require.True(t, again[0].Replayed)
		require.False(t, product.Replayed(ctx), "those that failed were tried anew")

		outcomes, err = c.AtomicBatch(t.Context(), []product.Operation{
			product.Create{Draft: draft("D")},
			product.Update{Key: product.BySKU("none"), Patch: product.Patch{Name: new("New")}},
		})
		require.ErrorIs(t, err, product.ErrNotFound)
		require.ErrorContains(t, err, "operation 1 of the batch")
		require.Equal(t, &product.NotAppliedError{By: 1}, outcomes[0].Err)
		_, err = c.GetBySKU(t.Context(), "D")
		require.ErrorIs(t, err, product.ErrNotFound)
		outcomes, err = c.AtomicBatch(t.Context(), []product.Operation{product.Create{Draft: draft("D")}})
		require.NoError(t, err)
		require.Equal(t, product.Created, outcomes[0].Result)
		outcomes, err = c.Batch(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, outcomes)
	})
}

func TestGroupsAndCategoriesAreTheSameNearAndFar(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, c catalogue) {
		var ids []uuid.UUID
		for _, size := range []string{"S", "M"} {
			d := draft("shirt/" + size)
			d.Group, d.Options, d.Category, d.Status = "a/b", map[string]string{"Size": size}, "apparel/shirts", product.StatusActive
			p, err := c.Create(t.Context(), d)
			require.NoError(t, err)
			ids = append(ids, p.ID)
		}
		variants, err := c.UpdateGroup(t.Context(), "a/b", product.Patch{Vendor: new("Acme")})
		require.NoError(t, err)
		require.Len(t, variants, 2)
		require.Equal(t, "Acme", variants[1].Vendor)
		_, err = c.UpdateGroup(t.Context(), "..", product.Patch{})
		require.ErrorIs(t, err, product.ErrNotFound)
		_, err = c.UpdateGroup(t.Context(), "a/b", product.Patch{Options: &product.OptionsPatch{Set: map[string]*string{"Size": new("S")}}})
		require.ErrorIs(t, err, product.ErrTaken)
		var variant *product.VariantError
		require.ErrorAs(t, err, &variant)
		require.Equal(t, ids[1], variant.ID)

		root, err := c.Categories(t.Context(), product.CategoryQuery{Status: product.StatusActive, Published: new(true)})
		require.NoError(t, err)
		require.Equal(t, product.Category{Count: 2, Children: []product.Category{
			{Path: "apparel", Count: 2, Children: []product.Category{{Path: "apparel/shirts", Count: 2, Own: 2}}},
		}}, root)
		root, err = c.Categories(t.Context(), product.CategoryQuery{Under: "apparel", Depth: 1})
		require.NoError(t, err)
		require.Equal(t, "apparel", root.Path)

		page, err := c.List(t.Context(), product.Query{Text: "shirt m"})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		require.Equal(t, ids[1], page.Items[0].ID)
	})
}
