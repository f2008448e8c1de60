package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

func TestMounting(t *testing.T) {
	t.Parallel()
	under := func(pattern string, wrap func(http.Handler) http.Handler) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle(pattern, wrap(h))
			mux.HandleFunc("GET /mine", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
			return mux
		}
	}
	as := func(h http.Handler) http.Handler { return h }
	strip := func(prefix string) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler { return http.StripPrefix(prefix, h) }
	}
	for _, c := range []struct {
		name, prefix, seen string
		mount              func(http.Handler) http.Handler
	}{
		{"bare", "", "", as},
		{"bare with prefix", "/v1", "/v1", as},
		{"bare, but stripped by a proxy", "/v1", "", as},
		{"under its prefix", "/v1", "/v1", under("/v1/", as)},
		{"under a longer prefix", "/shop/api/v1", "/shop/api/v1", under("/shop/", as)},
		{"prefix stripped", "/v1", "/v1", under("/v1/", strip("/v1"))},
		{"nested, outer part stripped", "/v1", "/shop/v1", under("/shop/", strip("/shop"))},
		{"nested, all stripped", "/v1", "/shop/v1", under("/shop/v1/", strip("/shop/v1"))},
		{"no prefix, stripped", "", "/catalogue", under("/catalogue/", strip("/catalogue"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			svc := product.NewService(sqliteStore(t), nil)
			t.Cleanup(func() { _ = svc.Close(t.Context()) })
			h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: c.prefix})
			require.NoError(t, err)
			var pattern atomic.Value
			a := serve(t, svc, c.mount(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r)
				pattern.Store(r.Pattern)
			})), c.seen)

			created := a.do("POST", "/products", newProduct).is(201)
			location := created.header.Get("Location")
			require.Equal(t, c.seen+"/products/"+created.item().ID, location)
			require.Equal(t, "POST "+c.prefix+"/products", pattern.Load())
			a.do("GET", strings.TrimPrefix(location, c.seen)+"?include=stock", "").is(200)
			require.Equal(t, "GET "+c.prefix+"/products/{id}", pattern.Load())
			put := a.do("PUT", "/skus/a%2Fb", `{"name":"n","price":{"amount":1,"currency":"EUR"}}`).is(201)
			require.Equal(t, "PUT "+c.prefix+"/skus/{sku}", pattern.Load())
			require.Equal(t, c.seen+"/products/"+put.item().ID, put.header.Get("Location"))
			require.Equal(t, "a/b", a.do("GET", "/skus/a%2Fb", "").is(200).item().SKU)
			a.do("DELETE", "/products", "").fails(405, "method-not-allowed")
			a.do("GET", "/nothing", "").fails(404, "unknown-path")
			a.do("GET", "/products/", "").fails(404, "unknown-path")
		})
	}
}

// A host's middleware may wrap the ResponseWriter, as long as it can be unwrapped.
func TestWrappedResponseWriterStillStreams(t *testing.T) {
	t.Parallel()
	svc := product.NewService(sqliteStore(t), nil)
	t.Cleanup(func() { _ = svc.Close(t.Context()) })
	h, err := httpapi.NewHandler(svc, nil)
	require.NoError(t, err)
	a := serve(t, svc, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(wrapped{w}, r.WithContext(context.WithValue(r.Context(), wrapped{}, "the host's")))
	}), "")
	require.EqualValues(t, 1, a.summary(header+"a,A,1.00,A,\n").Created)
	a.do("GET", "/skus/A", "").is(200)
}

type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }
