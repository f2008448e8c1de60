package httpapi_test

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func TestSearchesAreRefusedWithTheRemedy(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.do("GET", "/products?q="+strings.Repeat("x", product.MaxTextLen+1), "").fails(400, "invalid-parameter", "q too_long")
	a.do("GET", "/products?q=", "").fails(400, "invalid-parameter", "q required")
	a.do("GET", "/export?q=lamp", "").fails(400, "invalid-parameter", "q unknown")

	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	require.NoError(t, sqlstore.Migrate(t.Context(), db, nil))
	off, err := sqlstore.New(t.Context(), db, &sqlstore.Options{NoSearch: true})
	require.NoError(t, err)
	serveStore(t, off, nil).do("GET", "/products?q=lamp", "").fails(501, "search-off")
}

func FuzzSearch(f *testing.F) {
	a := newAPI(f, nil)
	a.create("A")
	for _, text := range []string{"thing", `"thing a" b`, "drill (", "NEAR(a b)", "c_a*", "\x00\xff", "東京", strings.Repeat("a ", 64), "a:b^2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := *a
		a.t = t
		want := 200
		if text == "" || utf8.RuneCountInString(text) > product.MaxTextLen {
			want = 400
		}
		a.do("GET", "/products?q="+url.QueryEscape(text), "").is(want)
	})
}
