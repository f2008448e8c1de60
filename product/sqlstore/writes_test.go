package sqlstore_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

func draft(sku string) product.Draft {
	stock := int64(10)
	return product.Draft{Stock: &stock, Product: product.Product{
		SKU: sku, Name: "Name of " + sku, Price: product.Money{Amount: 1999, Currency: "EUR"},
		Options: map[string]string{"Size": sku}, Tags: []string{"men", "sale"},
	}}
}

func pointer[T any](v T) *T { return &v }

func id(t testing.TB) uuid.UUID {
	id, err := uuid.NewV7()
	require.NoError(t, err)
	return id
}

func create(t testing.TB, sku string) product.Write {
	d := draft(sku)
	d.Status = product.StatusActive
	return product.Write{Op: product.OpCreate, ID: id(t), Draft: &d, At: time.Now().UTC().Truncate(time.Microsecond)}
}

func rename(of product.Product, sku string) product.Write {
	return product.Write{Op: product.OpUpdate, ID: of.ID, Patch: &product.Patch{SKU: &sku}, At: time.Now().UTC().Truncate(time.Microsecond)}
}

// apply applies writes of which none may fail.
func apply(t testing.TB, store product.Store, writes ...product.Write) []product.Product {
	t.Helper()
	outcomes, err := store.Apply(t.Context(), product.Batch{Writes: writes})
	require.NoError(t, err)
	products := make([]product.Product, len(outcomes))
	for i, o := range outcomes {
		require.NoError(t, o.Err)
		products[i] = o.Product
	}
	return products
}

func findOne(t testing.TB, store product.Store, key product.Key) product.Product {
	t.Helper()
	found, err := store.Find(t.Context(), []product.Key{key})
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}
