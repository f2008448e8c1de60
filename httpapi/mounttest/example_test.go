package mounttest_test

import (
	"database/sql"
	"net/http"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/httpapi/mounttest"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// newRouter is the host's, with all its routes and middleware.
func newRouter(catalogue http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/shop/v1/", catalogue)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a shop")) })
	return signedIn(mux)
}

func signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// newAPI serves a catalogue that lives as long as the test.
func newAPI(t testing.TB, opts *httpapi.Options) http.Handler {
	db, err := sql.Open("sqlite", ":memory:")
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	check(t, sqlstore.Migrate(t.Context(), db, nil))
	store, err := sqlstore.New(t.Context(), db, nil)
	check(t, err)
	catalogue := product.NewService(store, nil)
	t.Cleanup(func() { _ = catalogue.Close(t.Context()) })
	api, err := httpapi.NewHandler(catalogue, opts)
	check(t, err)
	return api
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A test of a host's own: its router gets the catalogue, and is then asked for all of it.
func Example() {
	testCatalogueIsMounted := func(t *testing.T) {
		api := newAPI(t, &httpapi.Options{Prefix: "/shop/v1"})
		mounttest.Run(t, api, "/shop/v1", newRouter, &mounttest.Options{
			Prepare: func(r *http.Request) { r.Header.Set("Authorization", "Bearer of a test") },
		})
	}
	_ = testCatalogueIsMounted
}
