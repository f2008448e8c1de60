package feed_test

import (
	"encoding/csv"
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
	`"GTIN, UPC, EAN, or ISBN:barcode",Attribute 1 name:option_name.1,Attribute 1 value(s):option_value.1,` +
	`Attribute 2 name:attribute_name.2,Attribute 2 value(s):attribute_value.2`

func mapped(t *testing.T, m string) feed.Config {
	t.Helper()
	parsed, err := feed.ParseMap(m)
	require.NoError(t, err)
	return feed.Config{Map: parsed, Currency: "EUR", ProgressEvery: time.Hour}
}

// kinds are what events tell, without the words.
func kinds(events []feed.Event) []string {
	var told []string
	for _, e := range events {
		told = append(told, strings.Join([]string{string(e.Kind), e.SKU, e.Field, e.Code}, " "))
	}
	return told
}

func TestWooCommercesExportGoesInByAMap(t *testing.T) {
	t.Parallel()
	svc := newCatalogue(t)
	events, summary := run(t, svc, testdata(t, "woocommerce.csv"), mapped(t, wooCommerce))
	require.Equal(t, feed.Counts{Rows: 5, Created: 3, Refused: 2, Warnings: 2}, *summary.Counts)
	require.Equal(t, []string{"warning   unmapped", "refused vneck price required", "refused beanie compare_at format", "warning cap category too_many"}, kinds(events))
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
		Attributes: []byte(`{"Fabric":"Cotton"}`), Version: 1, CreatedAt: shirt.CreatedAt, UpdatedAt: shirt.UpdatedAt,
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

// magento maps the columns of Magento's product export. README shows it.
const magento = `sku:sku,name:name,description:description,product_online:status,special_price:price,price:compare_at,qty:stock,` +
	`allow_backorders:backorder,categories:category,meta_keywords:tags,base_image:images,additional_images:images,weight:weight_kg,` +
	`additional_attributes:attribute_pairs,additional_attributes[size]:options.Size,additional_attributes[color]:options.Color`

func TestMagentosExportGoesInByAMap(t *testing.T) {
	t.Parallel()
	svc := newCatalogue(t)
	cfg := mapped(t, magento)
	cfg.ImageBase = "https://shop.example/media/catalog/product/"
	events, summary := run(t, svc, testdata(t, "magento.csv"), cfg)
	require.Equal(t, feed.Counts{Rows: 5, Created: 3, Refused: 2, Warnings: 2}, *summary.Counts)
	require.Equal(t, []string{"warning   unmapped", "refused TEE price required", "refused MUG-1 status unknown", "warning TEE-S-RED category too_many"}, kinds(events))
	require.Contains(t, events[0].Message, "product_type")
	var more []string
	for _, f := range events[2].More {
		more = append(more, f.Field+" "+f.Code)
	}
	require.Equal(t, []string{"compare_at format", "stock format", "backorder format", "attribute_pairs format"}, more)

	bag := all(t, svc)["DUFFLE-1"]
	require.Equal(t, product.Product{
		ID: bag.ID, SKU: "DUFFLE-1", Name: "Weekend Duffle", Description: "<p>Carries a weekend.</p>", Status: product.StatusActive,
		Price: product.Money{Amount: 2999, Currency: "EUR"}, CompareAt: &product.Money{Amount: 3400, Currency: "EUR"},
		Category: "Gear/Bags", Tags: []string{"bag", "weekend"}, WeightGrams: 1200,
		Images:     []product.Image{{URL: "https://shop.example/media/catalog/product/d/u/duffle-front.jpg"}, {URL: "https://shop.example/media/catalog/product/d/u/duffle-back.jpg"}},
		Attributes: []byte(`{"activity":"Gym|Hiking","features":"Audio pocket, waterproof","has_strap":"Yes","maker":"Ropes, \"Knots\" & Co, x=y"}`),
		Version:    1, CreatedAt: bag.CreatedAt, UpdatedAt: bag.UpdatedAt,
	}, bag)
	stock, err := svc.Stock(t.Context(), bag.ID)
	require.NoError(t, err)
	require.EqualValues(t, 100, stock.OnHand)
	small, medium := all(t, svc)["TEE-S-RED"], all(t, svc)["TEE-M-RED"]
	require.Equal(t, map[string]string{"Size": "S", "Color": "Red"}, small.Options)
	require.True(t, small.Backorder)
	require.Equal(t, "Men/Tops", small.Category)
	require.Equal(t, product.StatusDraft, medium.Status)
	require.Nil(t, medium.CompareAt)

	_, summary = run(t, svc, testdata(t, "magento.csv"), cfg)
	require.EqualValues(t, 3, summary.Unchanged)
}

func TestCellsOfOtherShops(t *testing.T) {
	t.Parallel()
	const header = "sku,name,price,currency,category,tags,images,attribute_pairs,option_value.a,option_name.a,stock,more"
	cfg := mapped(t, "sku:sku,name:name,price:price,currency:currency,category:category,tags:tags,more:tags,images:images,attribute_pairs:attribute_pairs,"+
		"option_value.a:option_value.1,option_name.a:option_name.1,stock:stock,attribute_pairs[ x ]:attributes.none")
	for row, check := range map[string]func(product.Draft){
		`A,N,1,EUR,"Clothing, Clothing > Shirts > Tees, Clothing > Shirts",,,,,,,`: func(d product.Draft) { require.Equal(t, "Clothing/Shirts/Tees", d.Category) },
		`A,N,1,EUR,"Hats\, caps > Wool",,,,,,,`:                                    func(d product.Draft) { require.Equal(t, "Hats, caps/Wool", d.Category) },
		`A,N,1,EUR,Default Category,,,,,,,`:                                        func(d product.Draft) { require.Empty(t, d.Category) },
		`A,N,1,EUR,Default Category/Default Category,,,,,,,`:                       func(d product.Draft) { require.Equal(t, "Default Category", d.Category) },
		`A,N,1,EUR,,"a,b",,,,,,"c,a"`:                                              func(d product.Draft) { require.Equal(t, []string{"a", "b", "c"}, d.Tags) },
		`A,N,1,EUR,,,,,,,,c`:                                                       func(d product.Draft) { require.Equal(t, []string{"c"}, d.Tags) },
		`A,N,1,EUR,,,,,Blue,Color,parent,`: func(d product.Draft) {
			require.Equal(t, map[string]string{"Color": "Blue"}, d.Options)
			require.Nil(t, d.Stock)
		},
		`A,N,1,EUR,,,,,Blue,,,`:     func(d product.Draft) { require.Empty(t, d.Options) },
		`A,N,1,EUR,,,,,"a, b",,,`:   func(d product.Draft) { require.Empty(t, d.Options) },
		`A,N,1,EUR,,,,"a=b, c",,,,`: func(d product.Draft) { require.JSONEq(t, `{"a":"b, c"}`, string(d.Attributes)) },
	} {
		var r recorder
		events, summary := run(t, &r, sheet(header, row), cfg)
		require.Empty(t, events, row)
		require.EqualValues(t, 1, summary.Created)
		check(r.draft(t, "A"))
	}
}

func TestImageBaseIsAnURL(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, feed.Config{ImageBase: "media"}.Validate(), "image_base")
	require.ErrorContains(t, feed.Config{Format: feed.NDJSON, ImageBase: "https://shop.example"}.Validate(), "leave it out")
	require.NoError(t, feed.Config{ImageBase: "https://shop.example/media"}.Validate())
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
		"A:option_value.1":            "option_value.1 and no option_name.1",
		"A:attribute_name.x":          "attribute_name.x and no attribute_value.x",
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

func FuzzCellsOfOtherShops(f *testing.F) {
	f.Add("Clothing > Tshirts, Hats\\, caps|Default Category/Gear", `a=b,c="d, e=f",g`, "a.png,https://example.com/b.png", "Size", "M", "12.0000", "1.50")
	f.Add(",|>", `="`, ",", "", "", "parent", ".")
	f.Fuzz(func(t *testing.T, category, pairs, images, name, value, stock, price string) {
		var file strings.Builder
		w := csv.NewWriter(&file)
		header := []string{"sku", "name", "category", "pairs", "images", "n", "v", "stock", "price"}
		require.NoError(t, w.WriteAll([][]string{header, {"A", "N", category, pairs, images, name, value, stock, price}}))
		cfg := mapped(t, "sku:sku,name:name,category:category,pairs:attribute_pairs,pairs[a]:options.A,images:images,n:option_name.1,v:option_value.1,stock:stock,price:price")
		cfg.ImageBase = "https://example.com/media"
		_, summary := run(t, &recorder{}, file.String(), cfg)
		require.Equal(t, summary.Rows, summary.Created+summary.Refused)
	})
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
