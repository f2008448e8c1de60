package feed_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// wooCommerce maps the columns of WooCommerce's product export. README shows it.
const wooCommerce = `SKU:sku,Name:name,Description:description,Published:status,Sale price:price,Regular price:compare_at,Stock:stock,` +
	`Backorders allowed?:backorder,Parent:group,Categories:category,Tags:tags,Images:images,Weight (kg):weight_kg,` +
	`"GTIN, UPC, EAN, or ISBN:barcode",Attribute 1 value(s):options.Size,Attribute 2 value(s):attributes.fabric`

func mapped(t *testing.T, m string) feed.Config {
	t.Helper()
	parsed, err := feed.ParseMap(m)
	require.NoError(t, err)
	return feed.Config{Map: parsed, Currency: "EUR", ProgressEvery: time.Hour}
}

func TestWooCommercesExportGoesInByAMap(t *testing.T) {
	t.Parallel()
	svc := newCatalogue(t)
	events, summary := run(t, svc, testdata(t, "woocommerce.csv"), mapped(t, wooCommerce))
	require.Equal(t, feed.Counts{Rows: 5, Created: 3, Refused: 2, Warnings: 2}, *summary.Counts)
	var told []string
	for _, e := range events {
		told = append(told, strings.Join([]string{string(e.Kind), e.SKU, e.Field, e.Code}, " "))
	}
	require.Equal(t, []string{"warning   unmapped", "refused vneck price required", "refused beanie compare_at format", "warning cap category too_many"}, told)
	require.Contains(t, events[0].Message, "Is featured?")
	require.Equal(t, 2, events[1].Line, "a variable product has no price of its own")
	require.Equal(t, 6, events[2].Line)
	require.Equal(t, "stock", events[2].More[0].Field)
	require.Equal(t, "backorder", events[2].More[1].Field)

	shirt := all(t, svc)["vneck-s"]
	require.Equal(t, product.Product{
		ID: shirt.ID, SKU: "vneck-s", Name: "V-neck shirt - S", Status: product.StatusActive, Barcode: "4006381333931",
		Price: product.Money{Amount: 1550, Currency: "EUR"}, CompareAt: &product.Money{Amount: 2000, Currency: "EUR"},
		Group: "vneck", Options: map[string]string{"Size": "S"}, Category: "Clothing/Tshirts", Tags: []string{"men", "summer"},
		WeightGrams: 180, Images: []product.Image{{URL: "https://example.com/vneck-1.jpg"}, {URL: "https://example.com/vneck-2.jpg"}},
		Attributes: []byte(`{"fabric":"Cotton"}`), Version: 1, CreatedAt: shirt.CreatedAt, UpdatedAt: shirt.UpdatedAt,
	}, shirt)
	require.True(t, all(t, svc)["vneck-m"].Backorder)
	require.Nil(t, all(t, svc)["vneck-m"].CompareAt)
	cap := all(t, svc)["cap"]
	require.Equal(t, product.StatusDraft, cap.Status)
	require.Equal(t, "Clothing/Accessories", cap.Category)
	require.Equal(t, "-5 % while it lasts", cap.Description, "WooCommerce guards formulas likewise")

	_, summary = run(t, svc, testdata(t, "woocommerce.csv"), mapped(t, wooCommerce))
	require.EqualValues(t, 3, summary.Unchanged)
}

func TestWrongMapsAreNamed(t *testing.T) {
	t.Parallel()
	for m, says := range map[string]string{
		"SKU:sku,Name:title":          `"title", which is no field; use sku, name`,
		"SKU":                         "no colon",
		`"SKU:sku`:                    "cannot be read",
		"SKU:sku,SKU:name":            "twice",
		"A:sku,B:sku":                 "more than one header for sku",
		"A:options,B:options.Size":    "more than one header",
		"A:options.":                  "no field",
		"A:sku\nB:name":               "line break",
		"A:weight_kg,B:weight_grams,": "",
	} {
		_, err := feed.ParseMap(m)
		require.ErrorIs(t, err, product.ErrInvalid, m)
		require.ErrorContains(t, err, says, m)
	}
	m, err := feed.ParseMap(`Size: EU:options.Size:EU,"Price, net:price"`)
	require.NoError(t, err)
	require.Equal(t, feed.Map{{"Size: EU", "options.Size:EU"}, {"Price, net", "price"}}, m)

	var r recorder
	for m, code := range map[string]string{"A:sku,B:name,C:price": "missing_column", "X:sku,B:name": "missing_column"} {
		events, _ := run(t, &r, "X,B\n1,2\n", mapped(t, m))
		require.Equal(t, feed.EventFailed, events[0].Kind)
		require.Equal(t, code, events[0].Code)
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	const file = "sku,name,price,currency\r\nA,Käse für 1 €,1,EUR\r\n"
	encode := func(e interface{ String(string) (string, error) }) string {
		s, err := e.String(file)
		require.NoError(t, err)
		return s
	}
	le, be := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	for name, c := range map[string]struct{ file, encoding string }{
		"UTF-8":                 {file, ""},
		"UTF-8 with a mark":     {"\ufeff" + file, ""},
		"CR":                    {strings.ReplaceAll(file, "\r\n", "\r"), ""},
		"Windows-1252":          {encode(charmap.Windows1252.NewEncoder()), "windows-1252"},
		"UTF-16LE":              {encode(le.NewEncoder()), ""},
		"UTF-16BE":              {encode(be.NewEncoder()), ""},
		"UTF-16LE with a mark":  {"\xff\xfe" + encode(le.NewEncoder()), ""},
		"UTF-16BE with a mark":  {"\xfe\xff" + encode(be.NewEncoder()), ""},
		"UTF-16BE that is said": {encode(be.NewEncoder()), "utf-16be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r recorder
			events, _ := run(t, &r, c.file, feed.Config{Encoding: c.encoding, ProgressEvery: time.Hour})
			require.Empty(t, events)
			require.Equal(t, "Käse für 1 €", r.draft(t, "A").Name)
		})
	}
	events, summary := run(t, &recorder{}, encode(charmap.Windows1252.NewEncoder()), feed.Config{ProgressEvery: time.Hour})
	require.EqualValues(t, 1, summary.Refused)
	require.Equal(t, "encoding", events[0].Code)
	require.Contains(t, events[0].Message, "windows-1252")
}

func FuzzRoundTrip(f *testing.F) {
	for _, seed := range []string{
		"sku,name,price,currency,tags,options,images,attributes\nA,'=x,1.50,EUR,a;b,\"{\"\"S\"\":\"\"M\"\"}\",,{}\n",
		"{\"sku\":\"A\",\"name\":\"n\",\"price\":{\"amount\":1,\"currency\":\"EUR\"},\"stock\":2,\"attributes\":{\"a\":null}}\n",
		"\xff\xfes\x00k\x00", "sku,name,price,currency\r\rA", "sku,name,price,currency\nA,\"x\r\ny\",,", "{}\n[]\nnull\n",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	from, to := newCatalogue(f), newCatalogue(f)
	empty := func(t *testing.T, svc *product.Service) {
		for _, p := range all(t, svc) {
			require.NoError(t, svc.Delete(t.Context(), p.ID, product.Expect{}))
		}
	}
	f.Fuzz(func(t *testing.T, file []byte, lines bool) {
		cfg := feed.Config{ProgressEvery: time.Hour}
		if lines {
			cfg.Format = feed.NDJSON
		}
		empty(t, from)
		_, summary := run(t, from, string(file), cfg)
		c := summary.Counts
		require.Equal(t, c.Rows, c.Created+c.Updated+c.Unchanged+c.Refused)
		for _, format := range []feed.Format{feed.Native, feed.NDJSON} {
			empty(t, to)
			out := exported(t, from, format)
			events, _ := run(t, to, out, feed.Config{Format: format, ProgressEvery: time.Hour})
			require.Empty(t, events, out)
			require.Equal(t, out, exported(t, to, format))
		}
	})
}
