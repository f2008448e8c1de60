package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

// one is a Store of one product that costs nothing.
type one struct {
	failing
	found []product.Product
}

func (s one) Find(context.Context, []product.Key) ([]product.Product, error) { return s.found, nil }

func oneProduct() one {
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC)
	return one{found: []product.Product{{
		ID: uuid.MustParse("0190a5d2-7c1e-7000-8000-000000000001"), SKU: "TSHIRT-RED-M", Name: "T-shirt", Status: product.StatusActive,
		Price: product.Money{Amount: 1999, Currency: "EUR"}, Group: "tshirt", Options: map[string]string{"Size": "M", "Color": "Red"},
		Category: "apparel/shirts", Tags: []string{"men"}, Vendor: "Acme", Version: 3, CreatedAt: at, UpdatedAt: at,
	}}}
}

// bare is what one would write by hand: it reads, encodes and sends a product, and can do
// nothing else.
func bare(get func(context.Context, uuid.UUID) (product.Product, error)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/products/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := uuid.Parse(r.PathValue("id"))
		if err != nil {
			http.Error(w, "bad id", http.StatusBadRequest)
			return
		}
		p, err := get(r.Context(), id)
		if err != nil {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		b := p.AppendJSON(make([]byte, 0, 1024))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"`+id.String()+"."+strconv.FormatInt(p.Version, 10)+`"`)
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		_, _ = w.Write(b)
	})
	return mux
}

// sink is a ResponseWriter that costs nothing.
type sink struct {
	header http.Header
	status int
	n      int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { s.n += len(b); return len(b), nil }

func (s *sink) get(h http.Handler, r *http.Request) {
	clear(s.header)
	s.n = 0
	h.ServeHTTP(s, r)
}

func getRequest(t testing.TB) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), "GET", "/v1/products/0190a5d2-7c1e-7000-8000-000000000001", nil)
	require.NoError(t, err)
	return r
}

// contenders are handlers of one GET, with the catalogue left out and with it.
func contenders(t testing.TB) []contender {
	store := oneProduct()
	svc := product.NewService(store, nil)
	t.Cleanup(func() { _ = svc.Close(context.Background()) })
	h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: "/v1"})
	require.NoError(t, err)
	direct := func(context.Context, uuid.UUID) (product.Product, error) { return store.found[0], nil }
	return []contender{{"bare without service", bare(direct)}, {"bare", bare(svc.Get)}, {"httpapi", h}}
}

type contender struct {
	name    string
	handler http.Handler
}

func BenchmarkGet(b *testing.B) {
	for _, c := range contenders(b) {
		b.Run(c.name, func(b *testing.B) {
			w, r := &sink{header: make(http.Header)}, getRequest(b)
			b.ReportAllocs()
			for b.Loop() {
				w.get(c.handler, r)
			}
			require.NotZero(b, w.n)
		})
	}
}

// BenchmarkHandler is one request on SQLite, without the network.
func BenchmarkHandler(b *testing.B) {
	svc := storetest.NewService(b, sqliteStore(b), nil)
	h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: "/v1"})
	require.NoError(b, err)
	n := 0
	post := func() *http.Request {
		n++
		r := httptest.NewRequest("POST", "/v1/products", strings.NewReader(fmt.Sprintf(
			`{"sku":"S-%d","name":"A lamp for the table","price":{"amount":1999,"currency":"EUR"},"category":"apparel/1","tags":["men","new"],"vendor":"Acme"}`, n)))
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	w := &sink{header: make(http.Header)}
	for range 100 {
		w.get(h, post())
		require.Equal(b, http.StatusCreated, w.status)
	}
	page, err := svc.List(b.Context(), product.Query{Limit: 1})
	require.NoError(b, err)
	get := httptest.NewRequest("GET", "/v1/products/"+page.Items[0].ID.String(), nil)
	list := httptest.NewRequest("GET", "/v1/products?category=apparel%2F1&limit=20", nil)
	for _, c := range []struct {
		name    string
		request func() *http.Request
		status  int
	}{
		{"GET", func() *http.Request { return get }, http.StatusOK},
		{"list of 20", func() *http.Request { return list }, http.StatusOK},
		{"POST", post, http.StatusCreated},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.status = http.StatusOK
				w.get(h, c.request())
				if w.status != c.status {
					b.Fatal(w.status)
				}
			}
		})
	}
}
