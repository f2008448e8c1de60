package product_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"
	"time"

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

// Cursors outlive releases: the digest in them stays that of the parts as fmt once quoted them.
func TestDigestsOfListsStay(t *testing.T) {
	t.Parallel()
	for _, q := range []product.Query{
		{},
		{Sort: product.SortCreated, Category: "apparel/shirts", Status: product.StatusActive},
		{Sort: product.SortNameDesc, Tag: "a \"b\"\\", Vendor: "Böhm\u00a0\U0001f600\x01\xff", Group: "g", SKUPrefix: "S-", Currency: "EUR", PriceMin: new(int64), InStock: new(bool), Published: new(bool),
			UpdatedSince: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.FixedZone("", 3600)), Deleted: true, Text: "lamp"},
	} {
		shown := func(is bool, v any) string {
			if !is {
				return ""
			}
			return fmt.Sprint(v)
		}
		set := q.PriceMin != nil
		sum := sha256.Sum256(fmt.Appendf(nil, "%q", []string{
			string(q.Status), q.Category, q.Tag, q.Vendor, q.Group, q.SKUPrefix, q.Currency, shown(set, 0), "", shown(set, false), shown(set, false),
			q.UpdatedSince.UTC().Format(time.RFC3339Nano), fmt.Sprint(q.Deleted), string(q.Sort), q.Text,
		}))
		require.Equal(t, [8]byte(sum[:8]), q.Digest())
	}
}
