package productjson_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
)

var seeds = []string{
	shirt, `{}`, `[]`, `null`, `{"sku":"A","name":"ä\u0000\ud83d\ude00","price":{"amount":1,"currency":"JPY"},"stock":{"on_hand":1,"reserved":0,"available":1}}`,
	`{"price":{"amount":1}, "id":"0190a5d2-7c1e-7000-8000-000000000001","version":3,"created_at":"2026-01-02T03:04:05.123456Z","updated_at":"2026-01-02T03:04:05+02:00"}`,
	`{"options":{"":null,"a":"b"},"tags":[""],"images":[{}],"attributes":{"a":{"b":[1e9,-0.0]}},"compare_at":{}}`,
	`{"delta":-3,"reason":"x"}`, `{"on_hand":40}`, `{"ids":["0190a5d2-7c1e-7000-8000-000000000001"],"skus":["A"]}`,
	`{"a":1,"a":2}`, "\xff", `{"name":"\ud800"}`, `{"price":{"amount":1e400}}`, `{} x`, `[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[`,
}

// Whatever comes in, decoding ends with a value, a syntax error or faults; and a draft that was
// taken says the same when it is written out and read again.
func FuzzDecodeDraft(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := productjson.DecodeDraft(data)
		if !explained(t, err) {
			return
		}
		again, err := productjson.DecodeDraft(encodeDraft(t, d))
		require.NoError(t, err)
		require.Equal(t, d, again)
		_ = d.Validate()
	})
}

func FuzzDecodePatch(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := productjson.DecodePatch(data)
		if !explained(t, err) {
			return
		}
		again, err := productjson.DecodePatch(encodePatch(t, p))
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

func FuzzDecodeSmallBodies(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := productjson.DecodeStockChange(data); explained(t, err) {
			again, err := productjson.DecodeStockChange(marshal(t, map[string]any{"delta": c.Delta, "reason": c.Reason}))
			require.NoError(t, err)
			require.Equal(t, c, again)
		}
		if n, err := productjson.DecodeStockLevel(data); explained(t, err) {
			again, err := productjson.DecodeStockLevel(marshal(t, map[string]any{"on_hand": n}))
			require.NoError(t, err)
			require.Equal(t, n, again)
		}
		if items, err := productjson.DecodeBatch(data); explained(t, err) {
			require.NotEmpty(t, items)
		}
		if items, err := productjson.DecodeBatch([]byte(`{"items":[{"op":"create","product":` + string(data) + `}]}`)); err == nil {
			d, err := productjson.DecodeDraft(data)
			require.NoError(t, err)
			require.Equal(t, d, items[0].Draft)
		}
		if keys, err := productjson.DecodeLookup(data); explained(t, err) {
			for _, key := range keys {
				require.True(t, json.Valid(productjson.AppendKey(nil, key)))
			}
		}
	})
}

// explained reports whether there was no error, and that one is of the two kinds.
func explained(t *testing.T, err error) bool {
	var syntax *productjson.SyntaxError
	var invalid *product.InvalidError
	require.True(t, err == nil || errors.As(err, &syntax) || errors.As(err, &invalid), "%v", err)
	return err == nil
}

func encodeDraft(t *testing.T, d product.Draft) []byte {
	m := map[string]any{
		"sku": d.SKU, "name": d.Name, "description": d.Description, "status": d.Status, "price": d.Price,
		"backorder": d.Backorder, "group": d.Group, "category": d.Category, "vendor": d.Vendor, "barcode": d.Barcode,
		"weight_grams": d.WeightGrams, "compare_at": d.CompareAt, "options": d.Options, "tags": d.Tags, "images": d.Images,
	}
	put(m, "stock", d.Stock)
	if d.Attributes != nil {
		m["attributes"] = raw(d.Attributes)
	}
	p := d.Product
	assert := product.Assert{}
	if p.ID != (product.Product{}).ID {
		assert.ID = &p.ID
	}
	if p.Version != 0 {
		assert.Version = &p.Version
	}
	if !p.CreatedAt.IsZero() {
		assert.CreatedAt = &p.CreatedAt
	}
	if !p.UpdatedAt.IsZero() {
		assert.UpdatedAt = &p.UpdatedAt
	}
	putAssert(m, assert)
	return marshal(t, m)
}

func encodePatch(t *testing.T, p product.Patch) []byte {
	m := make(map[string]any)
	put(m, "sku", p.SKU)
	put(m, "name", p.Name)
	put(m, "description", p.Description)
	put(m, "status", p.Status)
	put(m, "backorder", p.Backorder)
	put(m, "group", p.Group)
	put(m, "category", p.Category)
	put(m, "tags", p.Tags)
	put(m, "vendor", p.Vendor)
	put(m, "barcode", p.Barcode)
	put(m, "weight_grams", p.WeightGrams)
	put(m, "images", p.Images)
	putMoney(m, "price", p.Price)
	putMoney(m, "compare_at", p.CompareAt)
	if o := p.Options; o != nil && o.Clear {
		m["options"] = nil
	} else if o != nil {
		m["options"] = o.Set
	}
	if a := p.Attributes; a != nil && a.Clear {
		m["attributes"] = nil
	} else if a != nil {
		m["attributes"] = raw(a.Merge)
	}
	putAssert(m, p.Assert)
	stock := make(map[string]any)
	put(stock, "on_hand", p.Assert.OnHand)
	put(stock, "reserved", p.Assert.Reserved)
	put(stock, "available", p.Assert.Available)
	if len(stock) > 0 {
		m["stock"] = stock
	}
	return marshal(t, m)
}

func putAssert(m map[string]any, a product.Assert) {
	put(m, "id", a.ID)
	put(m, "version", a.Version)
	put(m, "created_at", a.CreatedAt)
	put(m, "updated_at", a.UpdatedAt)
}

func put[T any](m map[string]any, name string, v *T) {
	if v != nil {
		m[name] = *v
	}
}

func putMoney(m map[string]any, name string, p *product.MoneyPatch) {
	if p == nil {
		return
	}
	inner := make(map[string]any)
	put(inner, "amount", p.Amount)
	put(inner, "currency", p.Currency)
	m[name] = inner
	if p.Clear {
		m[name] = nil
	}
}

// raw is encoded as it is: encoding/json would compact it.
type raw []byte

func marshal(t *testing.T, m map[string]any) []byte {
	b := []byte{'{'}
	for name, v := range m {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, `"`+name+`":`...)
		if r, ok := v.(raw); ok {
			b = append(b, r...)
			continue
		}
		text, err := json.Marshal(v)
		require.NoError(t, err)
		b = append(b, text...)
	}
	return append(b, '}')
}
