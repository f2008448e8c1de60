package httpapi_test

import (
	"encoding/json"
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

// Wherever the handler is mounted, the contract leads to it.
func TestContractNamesTheServerAsItsClientSeesIt(t *testing.T) {
	t.Parallel()
	svc := product.NewService(sqliteStore(t), nil)
	t.Cleanup(func() { _ = svc.Close(t.Context()) })
	h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: "/v1"})
	require.NoError(t, err)
	bare, err := httpapi.NewHandler(svc, nil)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/v1/", h)
	mux.Handle("/shop/", http.StripPrefix("/shop", h))
	mux.Handle("/a/b/", http.StripPrefix("/a/b", bare))
	for _, mount := range []string{"/v1", "/shop/v1", "/a/b"} {
		a := serve(t, svc, mux, mount)
		var doc struct {
			OpenAPI string
			Servers []struct{ URL string }
		}
		r := a.do("GET", "/openapi.json", "").is(200)
		r.json(&doc)
		require.Equal(t, "3.1.1", doc.OpenAPI)
		require.Equal(t, mount, doc.Servers[0].URL)
		a.do("GET", "/openapi.json", "", "If-None-Match", r.etag()).is(304)
		a.do("GET", "/openapi.json", "", "If-Match", `"other"`).fails(412, "precondition-failed")
		require.True(t, strings.Contains(string(a.do("GET", "/docs", "").is(200).body), "<b>PATCH</b> "+mount+"/products/{id}"))
	}
}

// The page shows all of the contract, and a browser runs and loads nothing for it.
func TestDocsAreAPageOfTheWholeContract(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	r := a.do("GET", "/docs", "").is(200)
	page := string(r.body)
	require.Equal(t, "text/html; charset=utf-8", r.header.Get("Content-Type"))
	require.Contains(t, r.header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-")
	has := func(text string) { require.True(t, strings.Contains(page, text), text) }
	require.False(t, strings.Contains(page, "<script"))
	require.False(t, strings.Contains(page, "no value"), "a name is wrong in the template")
	var doc struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas map[string]any }
	}
	a.do("GET", "/openapi.json", "").json(&doc)
	for path, item := range doc.Paths {
		for method, operation := range item {
			if method != "parameters" {
				var op struct{ OperationID, Summary string }
				require.NoError(t, json.Unmarshal(operation, &op))
				has(`<article id="` + op.OperationID + `">`)
				has(html.EscapeString(op.Summary))
				has("</b> " + a.prefix() + path)
			}
		}
	}
	has("<code>insufficient-stock</code>")
	for schema, definition := range doc.Components.Schemas {
		_, article, found := strings.Cut(page, `<article id="`+schema+`">`)
		require.True(t, found, schema)
		article, _, _ = strings.Cut(article, "</article>")
		for _, name := range membersWithin(definition) {
			require.Contains(t, article, "<code>"+name+"</code>", "the page leaves a member of %s out", schema)
		}
		require.NotContains(t, article, `<td></td>`, "a member of %s has no type", schema)
	}
	a.do("GET", "/docs", "", "If-None-Match", r.etag()).is(304)
}

// membersWithin are the names of what a schema has, at all depths but those under other names.
func membersWithin(schema any) []string {
	var names []string
	node, ok := schema.(map[string]any)
	if !ok {
		return nil
	}
	properties, _ := node["properties"].(map[string]any)
	for name, property := range properties {
		names = append(append(names, name), membersWithin(property)...)
	}
	alternatives, _ := node["oneOf"].([]any)
	for _, inner := range append(alternatives, node["items"]) {
		names = append(names, membersWithin(inner)...)
	}
	return names
}
