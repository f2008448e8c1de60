package productjson_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

const shirt = `{"sku":"TSHIRT-RED-M","name":"T-shirt","description":"Soft.","status":"active",
	"price":{"amount":1999,"currency":"EUR"},"compare_at":{"amount":2499,"currency":"EUR"},
	"backorder":true,"group":"tshirt","options":{"Size":"M","Color":"Red"},
	"category":"apparel/shirts","tags":["men","new"],"vendor":"Acme","barcode":"4006381333931","weight_grams":180,
	"images":[{"url":"https://example.com/1.png","alt":"front"},{"url":"https://example.com/2.png"}],
	"attributes":{"fabric":"cotton","care":{"wash":30}},"stock":12}`

func TestDraftTakesEveryMember(t *testing.T) {
	t.Parallel()
	d, err := productjson.DecodeDraft([]byte(shirt))
	require.NoError(t, err)
	require.Equal(t, product.Draft{Product: product.Product{
		SKU: "TSHIRT-RED-M", Name: "T-shirt", Description: "Soft.", Status: product.StatusActive,
		Price: product.Money{Amount: 1999, Currency: "EUR"}, CompareAt: &product.Money{Amount: 2499, Currency: "EUR"},
		Backorder: true, Group: "tshirt", Options: map[string]string{"Size": "M", "Color": "Red"},
		Category: "apparel/shirts", Tags: []string{"men", "new"}, Vendor: "Acme", Barcode: "4006381333931", WeightGrams: 180,
		Images:     []product.Image{{URL: "https://example.com/1.png", Alt: "front"}, {URL: "https://example.com/2.png"}},
		Attributes: json.RawMessage(`{"fabric":"cotton","care":{"wash":30}}`),
	}, Stock: new(int64(12))}, d)
	require.NoError(t, d.Validate())
}

// What a GET shows may be sent back as it is.
func TestRepresentationIsADraftAndAPatch(t *testing.T) {
	t.Parallel()
	d, err := productjson.DecodeDraft([]byte(shirt))
	require.NoError(t, err)
	p := d.Product
	p.ID = uuid.MustParse("0190a5d2-7c1e-7000-8000-000000000001")
	p.Version = 3
	p.CreatedAt = time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC)
	p.UpdatedAt = p.CreatedAt.Add(time.Microsecond)
	body := p.AppendJSON(nil)
	body = append(productjson.AppendStock(append(body[:len(body)-1], `,"stock":`...), product.Stock{OnHand: 7}), '}')

	again, err := productjson.DecodeDraft(body)
	require.NoError(t, err)
	require.Equal(t, product.Draft{Product: p, Stock: new(int64(7))}, again)

	patch, err := productjson.DecodePatch(body)
	require.NoError(t, err)
	require.Equal(t, product.Assert{ID: &p.ID, Version: new(int64(3)), CreatedAt: &p.CreatedAt, UpdatedAt: &p.UpdatedAt,
		OnHand: new(int64(7)), Reserved: new(int64(0)), Available: new(int64(7))}, patch.Assert)
	require.Equal(t, "T-shirt", *patch.Name)
}

func TestNullIsAbsentInADraft(t *testing.T) {
	t.Parallel()
	d, err := productjson.DecodeDraft([]byte(`{"sku":"A","name":"a","price":{"amount":0,"currency":"EUR"},"description":null,"status":null,
		"compare_at":null,"backorder":null,"options":{"Size":null},"tags":null,"images":null,"attributes":null,"weight_grams":null,"deleted_at":null}`))
	require.NoError(t, err)
	require.Equal(t, product.Draft{Product: product.Product{SKU: "A", Name: "a", Price: product.Money{Currency: "EUR"}}}, d)
}

func TestPatchMerges(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]product.Patch{
		`{}`:                                {},
		`{"name":"b"}`:                      {Name: new("b")},
		`{"vendor":null}`:                   {Vendor: new("")},
		`{"status":"archived"}`:             {Status: new(product.StatusArchived)},
		`{"price":{"amount":5}}`:            {Price: &product.MoneyPatch{Amount: new(int64(5))}},
		`{"compare_at":null}`:               {CompareAt: &product.MoneyPatch{Clear: true}},
		`{"backorder":false}`:               {Backorder: new(false)},
		`{"options":{"Size":null,"C":"R"}}`: {Options: &product.OptionsPatch{Set: map[string]*string{"Size": nil, "C": new("R")}}},
		`{"options":null}`:                  {Options: &product.OptionsPatch{Clear: true}},
		`{"tags":[]}`:                       {Tags: new([]string(nil))},
		`{"tags":["a"]}`:                    {Tags: new([]string{"a"})},
		`{"weight_grams":-0}`:               {WeightGrams: new(int64(0))},
		`{"attributes":{"a":null, "b":1}}`:  {Attributes: &product.AttributesPatch{Merge: json.RawMessage(`{"a":null, "b":1}`)}},
		`{"attributes":null}`:               {Attributes: &product.AttributesPatch{Clear: true}},
		`{"stock":{"on_hand":3}}`:           {Assert: product.Assert{OnHand: new(int64(3))}},
		`{"stock":3,"version":2}`:           {Assert: product.Assert{OnHand: new(int64(3)), Version: new(int64(2))}},
	} {
		got, err := productjson.DecodePatch([]byte(body))
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := productjson.DecodeDraft([]byte(`{"nmae":"x","sku":5,"name":["a"],"price":{"amount":19.99,"currency":978,"cents":1},
		"compare_at":{"currency":"EUR"},"backorder":"yes","options":{"Size":5},"tags":["ok",7,null],"images":[{"href":"x"},"y"],
		"attributes":[],"weight_grams":1e400,"id":"x","version":0,"created_at":"yesterday","updated_at":null,"deleted_at":"2026-01-02T03:04:05Z",
		"stock":{"on_hand":12345678901234567890,"sold":1},"vendor":{}}`))
	require.Equal(t, []string{
		"nmae unknown", "sku type", "name type", "price.amount type", "price.currency type", "price.cents unknown",
		"backorder type", "options.Size type", "tags[1] type", "tags[2] required", "images[0].href unknown", "images[1] type",
		"attributes type", "weight_grams type", "id format", "version read_only", "created_at format", "updated_at type", "deleted_at read_only",
		"stock.on_hand range", "stock.sold unknown", "vendor type", "compare_at.amount required",
	}, faults(t, err))
}

func TestDraftFaults(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`[]`:                {" type"},
		`null`:              {" type"},
		`{}`:                {"price required"},
		`{"price":null}`:    {"price required"},
		`{"price":"19.99"}`: {"price type"},
		`{"price":{}}`:      {"price.amount required"},
		`{"price":{"amount":null,"currency":"EUR"}}`:                          {"price.amount required"},
		`{"price":{"amount":9007199254740992,"currency":"EUR"}}`:              {"price.amount range"},
		`{"price":{"amount":-9007199254740992,"currency":"EUR"}}`:             {"price.amount range"},
		`{"price":{"amount":1},"stock":null}`:                                 {"stock type"},
		`{"price":{"amount":1},"stock":{"on_hand":3,"reserved":1}}`:           {"stock read_only"},
		`{"price":{"amount":1},"stock":{"on_hand":3,"available":2}}`:          {"stock read_only"},
		`{"price":{"amount":1},"id":"00000000-0000-0000-0000-000000000000"}`:  {"id format"},
		`{"price":{"amount":1},"id":"{0190a5d2-7c1e-7000-8000-00000000000}"}`: {"id format"},
		`{"price":{"amount":1},"created_at":"0001-01-01T00:00:00Z"}`:          {"created_at format"},
	} {
		_, err := productjson.DecodeDraft([]byte(body))
		require.Equal(t, want, faults(t, err), body)
	}
}

func TestListOfFaultsIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"` + strings.Repeat("x", 10_000) + `":1`)
	for i := range 5000 {
		b.WriteString(`,"u` + strings.Repeat("y", i%7) + string(rune('a'+i%26)) + uuid.NewString() + `":1`)
	}
	b.WriteString(`}`)
	_, err := productjson.DecodePatch([]byte(b.String()))
	list := faults(t, err)
	require.Len(t, list, 101)
	require.Equal(t, " more", list[100])
	require.Less(t, len(err.Error()), 20_000)
}

func TestMalformedJSONIsASyntaxErrorWithItsPosition(t *testing.T) {
	t.Parallel()
	deep := func(n int) string {
		return `{"attributes":` + strings.Repeat(`{"a":`, n) + `1` + strings.Repeat(`}`, n) + `}`
	}
	_, err := productjson.DecodePatch([]byte(deep(productjson.MaxDepth - 1)))
	require.NoError(t, err)

	for _, c := range []struct{ name, body, want string }{
		{"empty", "", "line 1, column 1: the JSON text is empty"},
		{"blank", " \n ", "line 2, column 2: the JSON text is empty"},
		{"cut", `{"name":"a`, "line 1, column 11: the JSON text ends too early"},
		{"no JSON", "name=a", "line 1, column 2: "},
		{"trailing comma", "{\n\"name\":\"a\",\n}", "line 2, column "},
		{"trailing bytes", `{"name":"a"} x`, "line 1, column 14: something follows"},
		{"two values", `{}{}`, "line 1, column 3: something follows"},
		{"duplicate member", `{"name":"a","name":"b"}`, `line 1, column 13: member "name" is given twice`},
		{"duplicate member by escape", `{"name":"a","n\u0061me":"b"}`, `member "name" is given twice`},
		{"duplicate in attributes", `{"attributes":{"a":{"b":1,"b":2}}}`, `member "b" is given twice`},
		{"duplicate unknown", `{"x":1,"x":1}`, `member "x" is given twice`},
		{"invalid UTF-8", "{\"name\":\"\xff\"}", "line 1, column 10: invalid UTF-8"},
		{"invalid UTF-8 in a name", "{\"n\xc3\":1}", "invalid UTF-8"},
		{"lone surrogate", `{"name":"\ud800"}`, "surrogate"},
		{"control character", "{\"name\":\"a\nb\"}", "line 1, column 11: "},
		{"byte order mark", "\ufeff{}", "line 1, column 1: "},
		{"leading zero", `{"weight_grams":007}`, "line 1, column 18: "},
		{"NaN", `{"weight_grams":NaN}`, "line 1, column 17: "},
		{"comment", `{/*x*/}`, "line 1, column 2: "},
		{"single quotes", `{'a':1}`, "line 1, column 2: "},
		{"deep", deep(productjson.MaxDepth), "is nested more than 32 levels deep"},
		{"very deep", strings.Repeat("[", 500_000), "line 1, column 33: is nested more than 32 levels deep"},
	} {
		for _, decode := range []func([]byte) error{
			func(b []byte) error { _, err := productjson.DecodeDraft(b); return err },
			func(b []byte) error { _, err := productjson.DecodePatch(b); return err },
			func(b []byte) error { _, err := productjson.DecodeLookup(b); return err },
			func(b []byte) error { _, err := productjson.DecodeStockChange(b); return err },
			func(b []byte) error { _, err := productjson.DecodeStockLevel(b); return err },
			func(b []byte) error { _, err := productjson.DecodeReservation(b); return err },
		} {
			err := decode([]byte(c.body))
			var syntax *productjson.SyntaxError
			require.ErrorAs(t, err, &syntax, c.name)
			require.ErrorContains(t, err, c.want, c.name)
			require.Less(t, len(err.Error()), 200, c.name)
		}
	}
}

func TestStockBodies(t *testing.T) {
	t.Parallel()
	c, err := productjson.DecodeStockChange([]byte(`{"delta":-3,"reason":"order 17"}`))
	require.NoError(t, err)
	require.Equal(t, productjson.StockChange{Delta: -3, Reason: "order 17"}, c)
	for body, want := range map[string][]string{
		`{}`:                        {"delta required"},
		`{"delta":0}`:               {"delta required"},
		`{"delta":null}`:            {"delta required"},
		`{"delta":"3"}`:             {"delta type"},
		`{"delta":1.5,"on_hand":1}`: {"delta type", "on_hand unknown"},
		`[1]`:                       {" type"},
	} {
		_, err := productjson.DecodeStockChange([]byte(body))
		require.Equal(t, want, faults(t, err), body)
	}

	n, err := productjson.DecodeStockLevel([]byte(`{"on_hand":40}`))
	require.NoError(t, err)
	require.EqualValues(t, 40, n)
	n, err = productjson.DecodeStockLevel([]byte(`{"on_hand":0}`))
	require.NoError(t, err)
	require.Zero(t, n)
	for body, want := range map[string][]string{
		`{}`:               {"on_hand required"},
		`{"on_hand":null}`: {"on_hand required"},
		`{"delta":1}`:      {"delta unknown", "on_hand required"},
	} {
		_, err := productjson.DecodeStockLevel([]byte(body))
		require.Equal(t, want, faults(t, err), body)
	}
}

func TestReservationBody(t *testing.T) {
	t.Parallel()
	v, err := productjson.DecodeReservation([]byte(`{"items":[{"sku":"A","quantity":2},{"quantity":1,"sku":"B"}],"expires_in_seconds":2592000}`))
	require.NoError(t, err)
	require.Equal(t, productjson.Reservation{Items: []product.ReservationItem{{SKU: "A", Quantity: 2}, {SKU: "B", Quantity: 1}}, Expiry: product.MaxExpiry}, v)
	for body, want := range map[string][]string{
		`{"items":[{"sku":5},"A"],"expires_in_seconds":"900"}`:                                          {"items[0].sku type", "items[0].quantity required", "items[1] type", "expires_in_seconds type"},
		`{"items":{"sku":"A"},"expires_in_seconds":-1,"key":"k"}`:                                       {"items type", "expires_in_seconds range", "key unknown"},
		`{"items":[{"sku":"A","product_id":"x","quantity":1e0}],"expires_in_seconds":9007199254740991}`: {"items[0].product_id unknown", "items[0].quantity type", "expires_in_seconds range"},
		`null`: {" type"},
	} {
		_, err := productjson.DecodeReservation([]byte(body))
		require.Equal(t, want, faults(t, err), body)
	}
}

func TestLookupBody(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("0190a5d2-7c1e-7000-8000-000000000001")
	keys, err := productjson.DecodeLookup([]byte(`{"skus":["A","B","A"],"ids":["` + id.String() + `"]}`))
	require.NoError(t, err)
	require.Equal(t, []product.Key{product.BySKU("A"), product.BySKU("B"), product.ByID(id)}, keys)
	for body, want := range map[string][]string{
		`{}`:                               {" required"},
		`{"ids":[]}`:                       {" required"},
		`{"ids":["x"],"skus":["",5,null]}`: {"ids[0] format", "skus[0] required", "skus[1] type", "skus[2] required"},
		`{"ids":"x","keys":[]}`:            {"ids type", "keys unknown"},
	} {
		_, err := productjson.DecodeLookup([]byte(body))
		require.Equal(t, want, faults(t, err), body)
	}
}

func TestJoinKeepsOneFaultPerMember(t *testing.T) {
	t.Parallel()
	d, err := productjson.DecodeDraft([]byte(`{"price":"free","tags":[7," x"],"colour":"red"}`))
	require.Equal(t, []string{"price type", "tags[0] type", "colour unknown", "sku required", "name required"}, faults(t, productjson.Join(err, d.Validate()))[:5])
	require.NoError(t, productjson.Join(nil, nil))
	other := errors.New("other")
	require.ErrorIs(t, productjson.Join(other, d.Validate()), other)
}

func TestKeysAndStocksAreJSON(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("0190a5d2-7c1e-7000-8000-000000000001")
	require.Equal(t, `{"id":"0190a5d2-7c1e-7000-8000-000000000001"}`, string(productjson.AppendKey(nil, product.ByID(id))))
	require.Equal(t, `{"sku":"a\"b"}`, string(productjson.AppendKey(nil, product.BySKU(`a"b`))))
	require.Equal(t, `{"on_hand":-2,"reserved":1,"available":-3}`, string(productjson.AppendStock(nil, product.Stock{OnHand: -2, Reserved: 1})))
}

// faults returns field and code of each fault.
func faults(t *testing.T, err error) []string {
	t.Helper()
	var invalid *product.InvalidError
	require.ErrorAs(t, err, &invalid)
	list := make([]string, len(invalid.Faults))
	for i, f := range invalid.Faults {
		require.NotEmpty(t, f.Message)
		list[i] = f.Field + " " + f.Code
	}
	return list
}
