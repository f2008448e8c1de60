package sqlstore_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

func shelve(t testing.TB, svc *product.Service, n int) {
	t.Helper()
	for first := 0; first < n; first += product.MaxMerge {
		entries := make([]product.Entry, min(product.MaxMerge, n-first))
		for i := range entries {
			sku := fmt.Sprintf("S-%05d", first+i)
			entries[i].Draft = product.Draft{Product: product.Product{SKU: sku, Name: sku, Price: product.Money{Amount: 1, Currency: "EUR"}}}
		}
		outcomes, err := svc.Merge(t.Context(), entries)
		require.NoError(t, err)
		for _, o := range outcomes {
			require.NoError(t, o.Err)
		}
	}
}

func TestAnExportDoesNotSeeWhatIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := migrated(t, db, nil)
		// The later queries would see what was written after the first.
		const snapshotRows, page = 250, 100
		store.PageExports(page)
		svc := storetest.NewService(t, store, nil)
		shelve(t, svc, snapshotRows)
		last, err := svc.GetBySKU(t.Context(), fmt.Sprintf("S-%05d", snapshotRows-1))
		require.NoError(t, err)
		n := 0
		require.NoError(t, svc.Export(t.Context(), product.Query{}, func(r product.Row) error {
			if n == 0 {
				_, err := svc.Update(t.Context(), last.ID, product.Patch{Name: new("later")}, product.Expect{})
				require.NoError(t, err)
				_, err = svc.AdjustStock(t.Context(), last.ID, 5, "", product.Expect{})
				require.NoError(t, err)
				_, err = svc.Create(t.Context(), product.Draft{Product: product.Product{SKU: "T", Name: "T", Price: last.Price}})
				require.NoError(t, err)
			}
			require.Equal(t, fmt.Sprintf("S-%05d", n), r.Product.SKU)
			require.Equal(t, r.Product.SKU, r.Product.Name)
			require.Zero(t, r.Stock.OnHand)
			n++
			return nil
		}))
		require.Equal(t, snapshotRows, n)
		require.Zero(t, db.Stats().InUse, "the connection is back")
	})
}
