package product_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

func TestJSONIsTheContractsRepresentation(t *testing.T) {
	t.Parallel()
	p := product.Product{
		ID: uuid.MustParse("0190a5d2-0000-7000-8000-000000000001"), SKU: "TSHIRT-RED-M", Name: "T-shirt", Status: product.StatusActive,
		Price: product.Money{Amount: 1999, Currency: "EUR"}, CompareAt: &product.Money{Amount: 2499, Currency: "EUR"},
		Group: "tshirt", Options: map[string]string{"Size": "M", "Color": "Red"}, Category: "apparel/shirts", Tags: []string{"men"},
		Vendor: "Acme", Barcode: "4006381333931", WeightGrams: 180,
		Images:     []product.Image{{URL: "https://example.com/a", Alt: `"a"`}, {URL: "https://example.com/b"}},
		Attributes: json.RawMessage(`{"fabric":"cotton"}`), Version: 3,
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC), UpdatedAt: time.Date(2026, 1, 2, 3, 4, 6, 0, time.FixedZone("", 3600)),
	}
	b, err := json.Marshal(p)
	require.NoError(t, err)
	require.Equal(t, `{"id":"0190a5d2-0000-7000-8000-000000000001","sku":"TSHIRT-RED-M","name":"T-shirt","status":"active",`+
		`"price":{"amount":1999,"currency":"EUR"},"compare_at":{"amount":2499,"currency":"EUR"},"backorder":false,"group":"tshirt",`+
		`"options":{"Color":"Red","Size":"M"},"category":"apparel/shirts","tags":["men"],"vendor":"Acme","barcode":"4006381333931",`+
		`"weight_grams":180,"images":[{"url":"https://example.com/a","alt":"\"a\""},{"url":"https://example.com/b"}],`+
		`"attributes":{"fabric":"cotton"},"version":3,"created_at":"2026-01-02T03:04:05.123456Z","updated_at":"2026-01-02T02:04:06.000000Z"}`, string(b))

	minimal, err := json.Marshal(product.Product{})
	require.NoError(t, err)
	require.Equal(t, `{"id":"00000000-0000-0000-0000-000000000000","sku":"","name":"","status":"","price":{"amount":0,"currency":""},"backorder":false,`+
		`"version":0,"created_at":"0001-01-01T00:00:00.000000Z","updated_at":"0001-01-01T00:00:00.000000Z"}`, string(minimal))
}

func FuzzJSONRoundTrip(f *testing.F) {
	f.Add("SKU", "name", "de\u2028s\x01c", "op\"t", "tag", int64(5), int64(1700000000000000))
	f.Fuzz(func(t *testing.T, sku, name, description, option, tag string, amount, micros int64) {
		p := product.Product{
			ID: uuid.New(), SKU: sku, Name: name, Description: description, Status: product.StatusDraft,
			Price: product.Money{Amount: amount, Currency: "EUR"}, Options: map[string]string{option: name}, Tags: []string{tag},
			Images: []product.Image{{URL: name, Alt: tag}}, CreatedAt: time.UnixMicro(micros % (1 << 50)).UTC(), UpdatedAt: time.UnixMicro(0).UTC(),
		}
		b := p.AppendJSON(nil)
		require.True(t, json.Valid(b), "%s", b)
		// What encoding/json makes of the same struct by its tags is the reference.
		type tagged product.Product
		var got, want product.Product
		require.NoError(t, json.Unmarshal(b, &got), "%s", b)
		reference, err := json.Marshal(tagged(p))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(reference, &want))
		require.Equal(t, want, got)
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	p := product.Product{
		ID: uuid.New(), SKU: "TSHIRT-RED-M", Name: "T-shirt", Description: "A shirt of cotton", Status: product.StatusActive,
		Price: product.Money{Amount: 1999, Currency: "EUR"}, Group: "tshirt", Options: map[string]string{"Size": "M", "Color": "Red"},
		Category: "apparel/shirts", Tags: []string{"men"}, Vendor: "Acme", CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	b.Run("ours", func(b *testing.B) {
		var buffer []byte
		b.ReportAllocs()
		for b.Loop() {
			buffer = p.AppendJSON(buffer[:0])
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		type tagged product.Product
		b.ReportAllocs()
		for b.Loop() {
			_, _ = json.Marshal(tagged(p))
		}
	})
}
