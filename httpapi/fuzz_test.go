package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// Whatever a client sends, the handlers answer, and what is wrong is never the server's fault.
// That a refusal is a whole problem document the client of the tests checks in every answer.

// rollback is a store that decides and writes, and keeps nothing once it is told to, so that each
// input meets the same catalogue.
type rollback struct {
	*sqlstore.Store
	db *sql.DB
	on bool
}

func (r *rollback) Apply(ctx context.Context, b product.Batch) ([]product.Outcome, error) {
	if !r.on {
		return r.Store.Apply(ctx, b)
	}
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	return r.InTx(tx).Apply(ctx, b)
}

// inProcess is a client's transport without a network: what fuzzing costs is then the handler.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// within serves a store in this process. Nobody waits there for changes.
func within(t testing.TB, store product.Store) *api {
	t.Helper()
	svc := product.NewService(store, nil)
	t.Cleanup(func() { _ = svc.Close(context.WithoutCancel(t.Context())) })
	h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: "/v1"})
	require.NoError(t, err)
	h.Drain()
	return &api{t: t, url: "http://shop.test/v1", client: &http.Client{Transport: inProcess{h}}, svc: svc, lax: true}
}

// fuzzed is a handler in this process over two products, with one of whose IDs it comes.
func fuzzed(t testing.TB) (a *api, id string) {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	store := &rollback{Store: migrated(t, db).(*sqlstore.Store), db: db}
	a = within(t, store)
	p, _ := a.create("A", `"stock":2,"tags":["men"],"group":"g","options":{"Size":"M"},"attributes":{"a":{"b":1}}`)
	a.create("B", `"group":"g","options":{"Size":"L"},"status":"active","category":"a/b","vendor":"Acme"`)
	a.do("PATCH", "/products/"+p.ID, `{"name":"Lamp"}`).is(200)
	store.on = true
	return a, p.ID
}

// query sends a request with any query string, also one that no client could send.
func (a *api) query(method, path, rawQuery string, body []byte, mediaType string) answer {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, bytes.NewReader(body))
	require.NoError(a.t, err)
	req.URL.RawQuery = rawQuery
	req.Header.Set("Content-Type", mediaType)
	return a.exchange(req)
}

// isOneOf checks the status.
func (r answer) isOneOf(statuses ...int) answer {
	r.t.Helper()
	require.Contains(r.t, statuses, r.status, "%s", r.body)
	return r
}

func FuzzListQuery(f *testing.F) {
	a, _ := fuzzed(f)
	for _, query := range []string{
		"limit=1", "limit=1&cursor=" + a.list("limit=1").NextCursor, "sort=-price&currency=EUR", "a;b", "%zz", "updated_since=2020-01-01T00:00:00Z",
		"vendor=%ff", "sku_prefix=%25_", "tag=%00", "status=active&category=a&tag=men&vendor=Acme&group=g&sku_prefix=A",
		"price_min=1&price_max=2000&currency=EUR&in_stock=true&count=true&include=stock&fields=id,sku", "published=true", "deleted=true&sort=-name",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		a := *a
		a.t = t
		a.query("GET", "/products", query, nil, "").isOneOf(200, 400)
	})
}

func FuzzCursor(f *testing.F) {
	a, id := fuzzed(f)
	seed := func(cursor, sort string) {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		require.NoError(f, err)
		f.Add(raw, sort)
	}
	for _, sort := range product.Sorts() {
		seed(a.list("limit=1&currency=EUR&sort="+string(sort)).NextCursor, string(sort))
	}
	var history page
	a.do("GET", "/products/"+id+"/history?limit=1", "").is(200).json(&history)
	seed(history.NextCursor, "")
	f.Fuzz(func(t *testing.T, raw []byte, sort string) {
		a := *a
		a.t = t
		for _, cursor := range []string{base64.RawURLEncoding.EncodeToString(raw), string(raw)} {
			query := url.Values{"limit": {"1"}, "currency": {"EUR"}, "sort": {sort}, "cursor": {cursor}}
			a.query("GET", "/products", query.Encode(), nil, "").isOneOf(200, 400)
			query = url.Values{"limit": {"1"}, "cursor": {cursor}}
			a.query("GET", "/products/"+id+"/history", query.Encode(), nil, "").isOneOf(200, 400)
		}
	})
}

func FuzzMergePatch(f *testing.F) {
	a, id := fuzzed(f)
	for _, patch := range []string{
		`{}`, `{"name":"Big lamp","sku":"C"}`, `{"sku":"B"}`, `{"options":{"Size":"L"}}`, `{"options":{"Size":null,"Fit":"slim"},"group":null}`,
		`{"price":{"amount":5},"compare_at":{"amount":9,"currency":"EUR"}}`, `{"attributes":{"a":{"b":null,"c":1.10e3}}}`, `{"attributes":null}`,
		`{"tags":["x","x"],"images":[{"url":"https://a.example/1.png","alt":""}]}`, `{"version":2,"stock":2}`, `{"version":9,"id":"x","created_at":"y"}`,
		`{"status":"sold","barcode":"4006381333931","weight_grams":-1}`, `{"publish_at":"2026-01-02T03:04:05+01:00","unpublish_at":null}`,
		`{"name":"a","name":"b"}`, `{"name":"\ud800"}`, `[]`, `null`, `{"name":"a"}{}`, "\xff", `{"description":"\u0000"}`,
	} {
		f.Add([]byte(patch))
	}
	f.Fuzz(func(t *testing.T, patch []byte) {
		a := *a
		a.t = t
		r := a.query("PATCH", "/products/"+id, "", patch, "application/merge-patch+json").isOneOf(200, 400, 409, 413, 422)
		if r.status == 200 {
			require.Contains(t, []int64{2, 3}, r.item().Version)
			require.NotEmpty(t, r.etag())
		}
	})
}

func FuzzImport(f *testing.F) {
	a, _ := fuzzed(f)
	f.Add("", []byte("sku,name,price,currency,stock,tags,options\nA,Lamp,19.99,EUR,3,a;b,\"{\"\"Size\"\":\"\"S\"\"}\"\nC,Pot,1,EUR,,,\n"), false)
	f.Add("currency=EUR&map=SKU:sku,Name:name,Price:price,Size:options.Size", []byte("SKU,Name,Price,Size\r\nA,Lamp,\"1,99\",S\r\n"), false)
	f.Add("format=shopify&currency=EUR", []byte("Handle,Title,Variant Price,Option1 Name,Option1 Value\na,A,1,Size,S\na,,2,,M\n"), false)
	f.Add("dry_run=true&encoding=windows-1252", []byte("sku,name,price,currency\nD,\xc4pfel,1,EUR\n"), false)
	f.Add("", []byte(`{"sku":"A","name":"Lamp","price":{"amount":1,"currency":"EUR"},"stock":3}`+"\n"+`{"sku":"E"}`+"\n{\n"), true)
	f.Fuzz(func(t *testing.T, query string, file []byte, lines bool) {
		a := *a
		a.t = t
		mediaType := map[bool]string{false: "text/csv", true: "application/x-ndjson"}[lines]
		r := a.query("POST", "/import", query, file, mediaType).isOneOf(200, 400, 413, 415, 422)
		if r.status != 200 {
			return
		}
		var last struct {
			Event, Code string
			Complete    *bool
		}
		for line := range bytes.Lines(r.body) {
			last.Event, last.Code = "", ""
			require.NoError(t, json.Unmarshal(line, &last), "%s", line)
			require.NotContains(t, []string{"internal", "unavailable"}, last.Code, "%s", line)
		}
		require.Equal(t, "summary", last.Event)
		require.NotNil(t, last.Complete)
	})
}

// FuzzRequests sends everything that a server takes for a request.
func FuzzRequests(f *testing.F) {
	a, id := fuzzed(f)
	h := a.client.Transport.(inProcess).Handler
	fill := strings.NewReplacer(unknownID, id, "/skus/none", "/skus/A", "/groups/none", "/groups/g")
	for _, op := range everyOperation() {
		f.Add(op.method, "/v1"+fill.Replace(op.path), "Content-Type: "+op.media+"\r\nIf-None-Match: \"x\", W/\"y\"", []byte(`{}`))
	}
	f.Add("POST", "/v1/products", "Content-Type: application/json\r\nIdempotency-Key: k\r\nX-Request-Id: r", []byte(newProduct))
	f.Add("PUT", "/v1/reservations/k", "Content-Type: application/json", []byte(`{"items":[{"sku":"A","quantity":1}],"expires_in_seconds":900}`))
	f.Add("POST", "/v1/products/batch?atomic=true", "Content-Type: application/json", []byte(`{"items":[{"op":"stock","sku":"A","delta":-1,"if_match":"*"},{"op":"delete","id":"`+id+`"}]}`))
	f.Add("GET", "http://x/v1/changes?after=1&wait=1s", "Accept: text/event-stream;q=0.5, */*;q=0.1\r\nLast-Event-ID: 1", []byte(nil))
	f.Add("GET", "/products?fields=sku&include=stock", "Accept: text/csv", []byte(nil))
	f.Fuzz(func(t *testing.T, method, target, fields string, body []byte) {
		req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n\r\n")))
		if err != nil || strings.ContainsFunc(fields, func(c rune) bool { return unicode.IsControl(c) && c != '\r' && c != '\n' && c != '\t' }) {
			return // the server refuses it
		}
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
		req.ContentLength = int64(len(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		got := answer{t: t, status: w.Code, header: w.Result().Header, body: w.Body.Bytes(), echo: textOf(req) + strings.ToLower(fields)}
		require.Less(t, got.status, 500, "%s", got.body)
		got.hasSaneHeaders()
		if got.status >= 400 {
			got.problem()
		}
	})
}

// FuzzHeaderLists reads a header field as a list of tags and as one of media types.
func FuzzHeaderLists(f *testing.F) {
	a, id := fuzzed(f)
	path := "/products/" + id
	etag := a.do("GET", path, "").is(200).etag()
	for _, list := range []string{"*", etag, "W/" + etag, `"a", ,"b"`, `"`, "text/csv", "text/*;q=0.2, application/x-ndjson;q=0", `a/b;c="d,e"`, "*/*;q=NaN", ","} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		a := *a
		a.t = t
		match, none := a.do("GET", path, "", "If-Match", list), a.do("GET", path, "", "If-None-Match", list)
		require.Equal(t, match.isOneOf(200, 400, 412).status == 400, none.isOneOf(200, 304, 400).status == 400)
		if none.status != 400 && list != "" && strings.Trim(list, " \t") != "*" {
			a.do("GET", path, "", "If-Match", list+", "+etag).is(200)
			a.do("GET", path, "", "If-None-Match", list, "If-None-Match", "W/"+etag).is(304)
		}
		a.do("GET", "/export", "", "Accept", list).isOneOf(200, 406)
		a.do("GET", "/export", "", "Accept", "text/csv, "+list).is(200)
		a.do("GET", "/changes", "", "Accept", list).isOneOf(200, 406)
	})
}
