package feed_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

func TestShopifysSampleCataloguesComeOutAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file             string
		products, groups int
	}{
		{"apparel.csv", 22, 20},
		{"home-and-garden.csv", 21, 20},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			var r recorder
			events, summary := run(t, &r, testdata(t, c.file), euros())
			require.Empty(t, events)
			require.Equal(t, feed.Counts{Rows: int64(c.products), Created: int64(c.products)}, *summary.Counts)
			require.True(t, *summary.Complete)
			require.Len(t, r.groups(), c.groups)

			first := r.entries
			events, summary = run(t, &r, testdata(t, c.file), euros())
			require.Empty(t, events)
			require.Equal(t, feed.Counts{Rows: int64(c.products), Unchanged: int64(c.products)}, *summary.Counts)
			require.Equal(t, first, r.entries)
		})
	}
}

func TestRowsInheritAndShareImages(t *testing.T) {
	t.Parallel()
	var r recorder
	run(t, &r, testdata(t, "home-and-garden.csv"), euros())
	d := r.draft(t, "clay-plant-pot.Large")
	three := int64(3)
	require.Equal(t, product.Draft{
		Product: product.Product{
			SKU: "clay-plant-pot.Large", Name: "Clay Plant Pot", Description: "<p>Classic blown clay pot for plants</p>",
			Status: product.StatusActive, Price: product.Money{Amount: 1599, Currency: "EUR"},
			Group: "clay-plant-pot", Options: map[string]string{"Size": "Large"},
			Category: "Outdoor", Tags: []string{"Pot", "Plants"}, Vendor: "Company 123",
			Images: []product.Image{
				{URL: "https://burst.shopifycdn.com/photos/single-sprout-in-a-pot_925x.jpg"},
				{URL: "https://burst.shopifycdn.com/photos/pot-with-a-single-sprout_925x.jpg"},
			},
		},
		Stock: &three,
	}, d)
	require.Equal(t, d.Images, r.draft(t, "clay-plant-pot.Regular").Images)

	light := r.draft(t, "copper-light")
	require.Nil(t, light.Options)
	require.Equal(t, &product.Money{Amount: 7500, Currency: "EUR"}, light.CompareAt)
}

// sheet writes rows of named cells as CSV; columns are those of the first row, in order.
func sheet(columns string, rows ...string) string {
	return columns + "\n" + strings.Join(rows, "\n") + "\n"
}

func TestCellsBecomeMembers(t *testing.T) {
	t.Parallel()
	const base = "Handle,Title,Variant Price,"
	long := strings.Repeat("x", 70)
	for name, c := range map[string]struct {
		columns, cells string
		check          func(t *testing.T, d product.Draft, p product.Patch)
		warning        string
	}{
		"published": {"Published", "TRUE", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Equal(t, product.StatusActive, d.Status)
		}, ""},
		"not published": {"Published", "false", func(t *testing.T, d product.Draft, p product.Patch) {
			require.Equal(t, product.StatusDraft, d.Status)
			require.Equal(t, product.StatusDraft, *p.Status)
		}, ""},
		"blank published": {"Published", "", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Equal(t, product.StatusActive, d.Status)
		}, ""},
		"status archived": {"Published,Status", "true,archived", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Equal(t, product.StatusArchived, d.Status)
		}, ""},
		"active but hidden": {"Published,Status", "false,Active", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Equal(t, product.StatusDraft, d.Status)
		}, ""},
		"no status column": {"Vendor", "Acme", func(t *testing.T, d product.Draft, p product.Patch) {
			require.Empty(t, d.Status)
			require.Nil(t, p.Status)
			require.Nil(t, p.Description)
			require.Nil(t, p.Images)
			require.Nil(t, d.Stock)
			require.Equal(t, "Acme", *p.Vendor)
		}, ""},
		"blank cell empties": {"Vendor,Tags,Variant Compare At Price,Image Src", ",,,", func(t *testing.T, _ product.Draft, p product.Patch) {
			require.Equal(t, "", *p.Vendor)
			require.Empty(t, *p.Tags)
			require.True(t, p.CompareAt.Clear)
			require.Empty(t, *p.Images)
		}, ""},
		"backorder": {"Variant Inventory Policy,Variant Inventory Qty", "continue,-3", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.True(t, d.Backorder)
			require.EqualValues(t, -3, *d.Stock)
		}, ""},
		"oversold": {"Variant Inventory Policy,Variant Inventory Qty", "deny,-3", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.EqualValues(t, 0, *d.Stock)
		}, "stock"},
		"blank quantity": {"Variant Inventory Qty", "", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Nil(t, d.Stock)
		}, ""},
		"weight in decimals": {"Variant Grams", "226.796", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.EqualValues(t, 227, d.WeightGrams)
		}, ""},
		"barcode with apostrophe": {"Variant Barcode", "'4006381333931", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Equal(t, "4006381333931", d.Barcode)
		}, ""},
		"barcode of one's own": {"Variant Barcode", "SHELF-7", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Empty(t, d.Barcode)
			require.JSONEq(t, `{"variant_barcode":"SHELF-7"}`, string(d.Attributes))
		}, "barcode"},
		"tags": {"Tags", `"red, blue,, red ,Blue"`, func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Equal(t, []string{"red", "blue", "Blue"}, d.Tags)
		}, ""},
		"type as category": {"Type", "Tops / T-Shirts", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Equal(t, "Tops/T-Shirts", d.Category)
			require.Nil(t, d.Attributes)
		}, ""},
		"taxonomy before type": {"Type,Product Category", "Tee,Apparel & Accessories > Clothing > Shirts/Tops", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Equal(t, "Apparel & Accessories/Clothing/Shirts-Tops", d.Category)
			require.JSONEq(t, `{"type":"Tee"}`, string(d.Attributes))
		}, ""},
		"numeric taxonomy": {"Type,Google Shopping / Google Product Category", "Tee,212", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Equal(t, "Tee", d.Category)
			require.JSONEq(t, `{"google_product_category":"212"}`, string(d.Attributes))
		}, ""},
		"other columns": {"SEO Title,Gift Card,Google Shopping / MPN,Color (product.metafields.shopify.color-pattern),Cost per item,Variant Taxable,Price / Europe", "Hi,false,M1,red,3.20,true,9", func(t *testing.T, d product.Draft, p product.Patch) {
			require.JSONEq(t, `{"seo_title":"Hi","google_shopping_mpn":"M1","color_product_metafields_shopify_color_pattern":"red"}`, string(d.Attributes))
			require.Contains(t, string(p.Attributes.Merge), `"gift_card":null`)
		}, ""},
		"own image first": {"Image Src,Image Alt Text,Variant Image", "https://a.example/1.png,one,https://a.example/2.png", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Equal(t, []product.Image{{URL: "https://a.example/2.png"}, {URL: "https://a.example/1.png", Alt: "one"}}, d.Images)
		}, ""},
		"newer column names": {"URL,SKU,Barcode,Compare-at price,Inventory quantity,Continue selling when out of stock,Weight value (grams),Product image URL,Published on online store", "x,A-1,4006381333931,20,5,DENY,100,https://a.example/1.png,TRUE", func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Equal(t, "A-1", d.SKU)
			require.Equal(t, "4006381333931", d.Barcode)
			require.EqualValues(t, 2000, d.CompareAt.Amount)
			require.EqualValues(t, 5, *d.Stock)
			require.EqualValues(t, 100, d.WeightGrams)
			require.Len(t, d.Images, 1)
			require.Equal(t, product.StatusActive, d.Status)
		}, ""},
		"long value": {"Option1 Name,Option1 Value", "Size," + long, func(t *testing.T, d product.Draft, _ product.Patch) {
			require.Len(t, d.SKU, product.MaxSKULen)
			require.Equal(t, long, d.Options["Size"])
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r recorder
			events, summary := run(t, &r, sheet(base+c.columns, "tee,T-shirt,19.90,"+c.cells), euros())
			require.EqualValues(t, 1, summary.Created, "%+v", events)
			if c.warning == "" {
				require.Empty(t, events)
			} else {
				require.Len(t, events, 1)
				require.Equal(t, feed.EventWarning, events[0].Kind)
				require.Equal(t, c.warning, events[0].Field)
				require.Equal(t, 2, events[0].Line)
			}
			for _, e := range r.entries {
				require.Equal(t, product.Money{Amount: 1990, Currency: "EUR"}, e.Draft.Price)
				c.check(t, e.Draft, e.Patch)
			}
		})
	}
}

func TestSKUsAreMadeAlikeInEveryRunAndNeverShared(t *testing.T) {
	t.Parallel()
	rows := []struct{ handle, value string }{
		{"tee", "Small"}, {"tee", "Extra Large"}, {"tee", "Extra_Large"}, {"tee", "Extra-Large"}, {"tee", "1.5"},
		{"tee", "Größe"}, {"tee", "Gr–ße"}, {"tee.Small", "x"}, {"tee", "Small.x"}, {"tee", "日本"}, {"日本", "a"},
		{"tee", strings.Repeat("a", 100) + "1"}, {"tee", strings.Repeat("a", 100) + "2"}, {"tee", "~"},
	}
	lines := make([]string, 0, len(rows))
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%s,T,1,Size,%s", r.handle, r.value))
	}
	var r recorder
	_, summary := run(t, &r, sheet("Handle,Title,Variant Price,Option1 Name,Option1 Value", lines...), euros())
	require.EqualValues(t, len(rows), summary.Created)
	require.Len(t, r.entries, len(rows))
	for sku := range r.entries {
		require.True(t, product.ValidSKU(sku), sku)
	}
	require.Equal(t, []string{"tee.Small", "tee.Extra_Large"}, r.order[:2])
	require.Equal(t, "tee.1-5~05ade2f34a3ee94b568b", r.order[4], "what is stored depends on it: it must never change")
}

func TestWrongRowsAreRefusedAndOthersLand(t *testing.T) {
	t.Parallel()
	const columns = "Handle,Title,Variant Price,Variant SKU,Option1 Name,Option1 Value,Image Src,Variant Inventory Qty,Published"
	for name, c := range map[string]struct {
		row, field, code, says string
	}{
		"negative price":      {"tee,T,-1,A,,,,,", "price", "format", "decimal number"},
		"too exact":           {"tee,T,1.999,A,,,,,", "price", "format", "digits"},
		"no price":            {"tee,T,,A,,,,,", "price", "required", "Variant Price"},
		"no title":            {"tee,,1,A,,,,,", "name", "required", "Title"},
		"no handle":           {",T,1,A,,,,,", "group", "required", "Handle"},
		"image of nobody":     {"tee,,,,,,https://a.example/1.png,,", "name", "required", "Title"},
		"bad image":           {"tee,T,1,A,,,ftp://a.example/1.png,,", "images", "format", "http"},
		"bad quantity":        {"tee,T,1,A,,,,1.5,", "stock", "format", "whole number"},
		"bad published":       {"tee,T,1,A,,,,,maybe", "status", "format", "true or false"},
		"option without name": {"tee,T,1,A,,Red,,,", "options", "required", "Option1 Name"},
		"too few cells":       {"tee,T,1", "", "columns", "3 cells"},
		"too many cells":      {"tee,T,1,A,,,,,,,,", "", "columns", "12 cells"},
		"stray quote":         {`tee,5" nail,1,A,,,,,`, "", "quotes", "line 3, column 6"},
		"text after quote":    {`tee,"5" nail",1,A,,,,,`, "", "quotes", "twice"},
		"not UTF-8":           {"tee,T\xff,1,A,,,,,", "", "encoding", "UTF-8"},
		"a NUL":               {"tee,T\x00,1,A,,,,,", "", "encoding", "NUL"},
		"SKU given twice":     {"tee,T,1,first,,,,,", "sku", "duplicate", "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r recorder
			events, summary := run(t, &r, sheet(columns, "a,A,1,first,,,,,", c.row, "z,Z,1,last,,,,,"), euros())
			require.Len(t, events, 1, "%+v", events)
			e := events[0]
			require.Equal(t, feed.EventRefused, e.Kind)
			require.Equal(t, 3, e.Line)
			require.Equal(t, c.field, e.Field)
			require.Equal(t, c.code, e.Code)
			require.Contains(t, e.Message, c.says)
			require.Equal(t, feed.Counts{Rows: 3, Created: 2, Refused: 1}, *summary.Counts)
			require.True(t, *summary.Complete)
			require.Equal(t, []string{"first", "last"}, r.order)
		})
	}
}

func TestARowTellsAllItsFaults(t *testing.T) {
	t.Parallel()
	var r recorder
	events, _ := run(t, &r, sheet("Handle,Title,Variant Price,Variant Grams", "tee,,x,y"), euros())
	require.Len(t, events, 1)
	require.Equal(t, "name", events[0].Field)
	require.Len(t, events[0].More, 2)
	require.Equal(t, "price", events[0].More[0].Field)
	require.Equal(t, "weight_grams", events[0].More[1].Field)
}

func TestImagesOfLaterRowsReachEveryVariantByPosition(t *testing.T) {
	t.Parallel()
	var r recorder
	_, summary := run(t, &r, sheet("Handle,Title,Option1 Name,Option1 Value,Variant Price,Image Src,Image Position,Image Alt Text",
		"tee,T,Size,S,1,https://a.example/3.png,3,",
		"tee,,,M,1,,,",
		"tee,,,,,https://a.example/9.png,,nine",
		"tee,,,,,https://a.example/1.png,1,",
		"tee,,,,,https://a.example/3.png,2,again",
	), euros())
	require.Equal(t, feed.Counts{Rows: 5, Created: 2}, *summary.Counts)
	want := []product.Image{{URL: "https://a.example/1.png"}, {URL: "https://a.example/3.png", Alt: "again"}, {URL: "https://a.example/9.png", Alt: "nine"}}
	require.Equal(t, want, r.draft(t, "tee.S").Images)
	require.Equal(t, want, r.draft(t, "tee.M").Images)
}

func TestAHandleIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("Handle,Title,Option1 Name,Option1 Value,Variant Price\n")
	for i := range 4001 {
		fmt.Fprintf(&b, "tee,T,Size,%d,1\n", i)
	}
	var r recorder
	events, summary := run(t, &r, b.String(), euros())
	require.Equal(t, feed.Counts{Rows: 4001, Created: 4000, Refused: 1}, *summary.Counts)
	require.Equal(t, "too_many", events[0].Code)
	require.Equal(t, 4002, events[0].Line)
	require.Equal(t, []int{500, 500, 500, 500, 500, 500, 500, 500}, r.batches)
}
