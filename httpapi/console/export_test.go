package console_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnExportIsOfTheFilterThatIsSeen(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	fill(t, svc, 20)
	v := visit(t, newHandler(t, svc, nil))
	require.Contains(t, v.get("/products?vendor=Vendor+3&sort=name").body, `href="/products/export?format=native&amp;vendor=Vendor&#43;3"`)
	csv := v.get("/products/export?format=native&vendor=Vendor+3")
	require.Equal(t, 200, csv.status)
	require.Equal(t, `attachment; filename="products.csv"`, csv.header.Get("Content-Disposition"))
	require.Equal(t, 1+3, strings.Count(csv.body, "\n"), csv.body) // SKU-00003, -10, -17
	lines := v.get("/products/export?format=ndjson&currency=EUR&price_max=10.01")
	require.Equal(t, "application/x-ndjson", lines.header.Get("Content-Type"))
	require.Equal(t, 2, strings.Count(lines.body, `"sku":`))

	require.Contains(t, v.get("/products?q=mug").body, "clear the search to export")
	for _, query := range []string{"?q=mug", "?format=xml", "?price_min=1", "?status=odd"} {
		require.Equal(t, 422, v.get("/products/export"+query).status, query)
	}
}
