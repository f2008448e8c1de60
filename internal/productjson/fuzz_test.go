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
	`{"delta":-3,"reason":"x"}`, `{"on_hand":40}`, `{"items":[{"sku":"A","quantity":2}],"expires_in_seconds":900}`, `{"ids":["0190a5d2-7c1e-7000-8000-000000000001"],"skus":["A"]}`,
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
		text, err := productjson.EncodeDraft(d)
		require.NoError(t, err)
		again, err := productjson.DecodeDraft(text)
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
		text, err := productjson.EncodePatch(p)
		require.NoError(t, err)
		again, err := productjson.DecodePatch(text)
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
		if v, err := productjson.DecodeReservation(data); explained(t, err) {
			for _, item := range v.Items {
				require.LessOrEqual(t, max(item.Quantity, -item.Quantity), int64(product.MaxQuantity))
			}
			require.LessOrEqual(t, v.Expiry, product.MaxExpiry)
		}
		if items, err := productjson.DecodeBatch(data); explained(t, err) {
			require.NotEmpty(t, items)
		}
		if items, err := productjson.DecodeBatch([]byte(`{"items":[{"op":"create","product":` + string(data) + `}]}`)); err == nil {
			d, err := productjson.DecodeDraft(data)
			require.NoError(t, err)
			require.Equal(t, d, items[0].Draft)
		}
		if e, err := productjson.DecodeEntry(data); explained(t, err) {
			d, err := productjson.DecodeDraft(data)
			require.NoError(t, err)
			require.Equal(t, d, e.Draft)
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

func marshal(t *testing.T, m map[string]any) []byte {
	text, err := json.Marshal(m)
	require.NoError(t, err)
	return text
}
