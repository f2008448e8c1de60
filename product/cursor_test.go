package product_test

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

func FuzzCursor(f *testing.F) {
	svc := newService(f, nil)
	for _, sku := range []string{"A", "B", "C"} {
		_, err := svc.Create(f.Context(), draft(sku))
		require.NoError(f, err)
	}
	for _, sort := range product.Sorts() {
		page, err := svc.List(f.Context(), product.Query{Sort: sort, Currency: "EUR", Limit: 1})
		require.NoError(f, err)
		raw, err := base64.RawURLEncoding.DecodeString(page.Next)
		require.NoError(f, err)
		f.Add(raw, string(sort))
	}
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, raw []byte, sort string) {
		q := product.Query{Sort: product.Sort(sort), Currency: "EUR", Limit: 1, Cursor: base64.RawURLEncoding.EncodeToString(raw)}
		page, err := svc.List(t.Context(), q)
		if err != nil {
			require.True(t, errors.Is(err, product.ErrBadCursor) || errors.Is(err, product.ErrInvalid), "%v", err)
			return
		}
		require.LessOrEqual(t, len(page.Items), 1)
	})
}
