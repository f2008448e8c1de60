package feed_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// awkward are products that a file could lose something of.
func awkward() []product.Entry {
	text := func(sku, name string) product.Product {
		return product.Product{SKU: sku, Name: name, Price: product.Money{Amount: 1999, Currency: "EUR"}}
	}
	full := text("FULL", `Say "hello", friend; ＝ ä 日本 🎉`)
	full.Description = "  first\r\nsecond\nthird\rfourth\t\"quoted\", and so on \n"
	full.Status = product.StatusArchived
	full.CompareAt = &product.Money{Amount: 0, Currency: "EUR"}
	full.Group, full.Options = "a > b/c", map[string]string{"Size": "M, L", "Cölor": `"r"`, "a.b": "<&>"}
	full.PublishAt, full.UnpublishAt = time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC), time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)
	full.Category, full.Vendor, full.Barcode, full.WeightGrams = "a > b,c/d", "'tis", "4006381333931", 180
	full.Tags = []string{"[x", "a,b", "c;d", "two  spaces", "\"q\""}
	full.Images = []product.Image{{URL: "https://example.com/a,b.png", Alt: "front; <back>"}, {URL: "https://example.com/a,b.png"}}
	full.Attributes = json.RawMessage(`{"a":null,"b":{"c":[1.10,null,"\u2028<"]},"d":""}`)
	simple := text("-SIMPLE", "=1+1")
	simple.Tags, simple.Backorder = []string{"=cmd", "+b"}, true
	yen := text("@YEN", "\u00a0@x'")
	yen.Name = "'=x"
	yen.Price = product.Money{Amount: 1234, Currency: "JPY"}
	yen.Description = "\t=leading"
	dinar := text("'D", "''")
	dinar.Price, dinar.CompareAt = product.Money{Amount: 1, Currency: "KWD"}, &product.Money{Amount: 2001, Currency: "KWD"}
	dinar.Description = "\r\n+x"
	entries := []product.Entry{{Draft: product.Draft{Product: full, Stock: new(int64(12))}}, {Draft: product.Draft{Product: simple, Stock: new(int64(-5))}}, {Draft: product.Draft{Product: yen}}, {Draft: product.Draft{Product: dinar}}}
	for i := range 30 {
		entries = append(entries, product.Entry{Draft: product.Draft{Product: text(fmt.Sprintf("P-%d", i), "P"), Stock: new(int64(i))}})
	}
	return entries
}

func merge(t *testing.T, svc *product.Service, entries []product.Entry) {
	t.Helper()
	outcomes, err := svc.Merge(t.Context(), entries)
	require.NoError(t, err)
	for _, o := range outcomes {
		require.NoError(t, o.Err)
	}
}

func exported(t *testing.T, svc *product.Service, format feed.Format) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, feed.Export(t.Context(), svc, &b, product.Query{}, format))
	return b.String()
}

func TestAnExportImportedElsewhereExportsTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, format := range []feed.Format{feed.Native, feed.NDJSON} {
		from, to := newCatalogue(t), newCatalogue(t)
		merge(t, from, awkward())
		file := exported(t, from, format)
		events, summary := run(t, to, file, feed.Config{Format: format, ProgressEvery: euros().ProgressEvery})
		require.Empty(t, events)
		require.EqualValues(t, len(awkward()), summary.Created)
		require.Equal(t, file, exported(t, to, format))
		other := map[feed.Format]feed.Format{feed.Native: feed.NDJSON, feed.NDJSON: feed.Native}[format]
		again := exported(t, to, other)

		// Importing again, in either format, changes nothing.
		for f, file := range map[feed.Format]string{format: file, other: again} {
			events, summary = run(t, to, file, feed.Config{Format: f, ProgressEvery: euros().ProgressEvery})
			require.Empty(t, events)
			require.EqualValues(t, len(awkward()), summary.Unchanged, "%s", f)
		}
	}
}
