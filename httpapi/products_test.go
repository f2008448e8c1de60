package httpapi_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
)

const unknownID = "0190a5d2-7c1e-7000-8000-000000000000"

func TestProductsLifeOverHTTP(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		created := a.do("POST", "/products", `{"sku":"A-1","name":"Lamp","price":{"amount":1999,"currency":"EUR"},"stock":3}`).is(201)
		p := created.item()
		require.Equal(t, "draft", p.Status)
		require.Nil(t, p.Stock)
		require.Equal(t, `"`+p.ID+`.1"`, created.etag())
		require.Equal(t, "/v1/products/"+p.ID, created.header.Get("Location"))
		require.Equal(t, "private, no-cache", created.header.Get("Cache-Control"))

		got := a.do("GET", "/products/"+p.ID, "").is(200)
		require.Equal(t, created.body, got.body)
		require.Equal(t, created.etag(), got.etag())
		require.Equal(t, got.body, a.do("GET", "/skus/A-1", "").is(200).body)
		require.Equal(t, got.body, a.do("GET", "/products/"+strings.ToUpper(p.ID), "").is(200).body)

		patched := a.do("PATCH", "/products/"+p.ID, `{"name":"Bright lamp","vendor":"Acme"}`, "If-Match", got.etag(), "Content-Type", "application/merge-patch+json").is(200)
		require.Equal(t, `"`+p.ID+`.2"`, patched.etag())
		require.Equal(t, "Bright lamp", patched.item().Name)
		a.do("PATCH", "/products/"+p.ID, `{"name":"Dim lamp"}`, "If-Match", got.etag()).fails(412, "precondition-failed")
		require.Equal(t, patched.body, a.do("GET", "/products/"+p.ID, "").is(200).body)
		removed := a.do("PATCH", "/products/"+p.ID, `{"vendor":null}`).is(200)
		require.NotContains(t, string(removed.body), "vendor")
		require.Equal(t, removed.etag(), a.do("PATCH", "/products/"+p.ID, `{}`).is(200).etag())

		replaced := a.do("PUT", "/skus/A-1", `{"name":"Lamp","price":{"amount":5,"currency":"EUR"}}`).is(200)
		require.Empty(t, replaced.header.Get("Location"))
		require.EqualValues(t, 4, replaced.item().Version)
		put := a.do("PUT", "/skus/B-1", `{"sku":"B-1","name":"Bulb","price":{"amount":5,"currency":"EUR"}}`, "If-None-Match", "*").is(201)
		require.Equal(t, "/v1/products/"+put.item().ID, put.header.Get("Location"))
		a.do("PUT", "/skus/B-1", `{"name":"Bulb","price":{"amount":5,"currency":"EUR"}}`, "If-None-Match", "*").fails(412, "precondition-failed")
		a.do("PUT", "/skus/C-1", `{"name":"Bulb","price":{"amount":5,"currency":"EUR"}}`, "If-Match", "*").fails(412, "precondition-failed")
		// What was read can be sent back.
		require.Equal(t, replaced.etag(), a.do("PUT", "/skus/A-1", string(a.do("GET", "/skus/A-1?include=stock", "").is(200).body)).is(200).etag())

		deleted := a.do("DELETE", "/products/"+p.ID, "", "If-Match", replaced.etag()).is(204)
		require.Empty(t, deleted.body)
		for _, request := range [][2]string{{"GET", "/products/" + p.ID}, {"GET", "/skus/A-1"}, {"GET", "/products/" + p.ID + "/stock"}, {"DELETE", "/products/" + p.ID}} {
			a.do(request[0], request[1], "").fails(404, "not-found")
		}
		var list struct{ Items []item }
		a.do("GET", "/products?deleted=true&include=stock", "").is(200).json(&list)
		require.Len(t, list.Items, 1)
		require.NotEmpty(t, list.Items[0].DeletedAt)

		taker, _ := a.create("A-1")
		refused := a.do("POST", "/products/"+p.ID+"/restore", "").fails(409, "sku-taken", "sku taken")
		require.Equal(t, taker.ID, refused.Product)
		a.do("DELETE", "/products/"+taker.ID, "").is(204)
		restored := a.do("POST", "/products/"+p.ID+"/restore", "").is(200)
		require.Equal(t, p.ID, restored.item().ID)
		require.Equal(t, restored.body, a.do("GET", "/skus/A-1", "").is(200).body)
		require.NotEqual(t, replaced.etag(), restored.etag())
	})
}

func TestUnknownProductIs404WhateverThePrecondition(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	for _, id := range []string{unknownID, "x", "00000000-0000-0000-0000-000000000000", "%7B0190a5d2-7c1e-7000-8000-000000000000%7D", "%00"} {
		for _, tags := range []string{"", "*", `"` + unknownID + `.1"`} {
			a.do("GET", "/products/"+id, "", "If-Match", tags).fails(404, "not-found")
			a.do("GET", "/products/"+id, "", "If-None-Match", tags).fails(404, "not-found")
			a.do("PATCH", "/products/"+id, `{}`, "If-Match", tags).fails(404, "not-found")
			a.do("DELETE", "/products/"+id, "", "If-Match", tags).fails(404, "not-found")
			a.do("DELETE", "/products/"+id, "", "If-None-Match", tags).fails(404, "not-found")
			a.do("POST", "/products/"+id+"/restore", "", "If-Match", tags).fails(404, "not-found")
			a.do("GET", "/products/"+id+"/stock", "", "If-Match", tags).fails(404, "not-found")
			a.do("POST", "/products/"+id+"/stock", `{"delta":1}`, "If-Match", tags).fails(404, "not-found")
			a.do("PUT", "/products/"+id+"/stock", `{"on_hand":1}`, "If-Match", tags).fails(404, "not-found")
		}
	}
	a.do("GET", "/skus/none", "").fails(404, "not-found")
	a.do("GET", "/skus/"+strings.Repeat("x", 500), "").fails(404, "not-found")
	a.do("GET", "/skus/a%20b", "").fails(404, "not-found")
}

func TestSKUsWithEveryCharacter(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	for _, sku := range []string{"a/b", "a//b", "%2F", "../b", "...", "a%2Fb", "%", "a?b#c", `"quoted"`, "a+b", "<script>", "a;b", `a\b`, "~.~", "lookup"} {
		path := "/skus/" + url.PathEscape(sku)
		if strings.Trim(sku, ".") == "" {
			path = "/skus/" + sku
		}
		put := a.do("PUT", path, `{"name":"n","price":{"amount":1,"currency":"EUR"}}`).is(201)
		require.Equal(t, sku, put.item().SKU)
		got := a.do("GET", path, "").is(200)
		require.Equal(t, put.body, got.body)
		require.Equal(t, put.header.Get("Location"), "/v1/products/"+got.item().ID)
	}
	a.do("PUT", "/skus/%2E%2E", `{"name":"n","price":{"amount":1,"currency":"EUR"}}`).fails(422, "invalid", "sku format")
}

func TestETagsOfReads(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	p, etag := a.create("A")
	stock := a.do("GET", "/products/"+p.ID+"/stock", "").is(200).etag()
	both := a.do("GET", "/products/"+p.ID+"?include=stock", "").is(200).etag()
	require.Equal(t, `"`+p.ID+`.1"`, etag)
	require.Equal(t, `"`+p.ID+`.s1"`, stock)
	require.Equal(t, `"`+p.ID+`.1.1"`, both)
	for _, c := range []struct {
		path, field, value string
		status             int
	}{
		{"", "If-None-Match", etag, 304},
		{"", "If-None-Match", "W/" + etag, 304},
		{"", "If-None-Match", `"x", ` + etag + `,"y"`, 304},
		{"", "If-None-Match", "*", 304},
		{"", "If-None-Match", `"` + p.ID + `.2"`, 200},
		{"", "If-None-Match", both, 200},
		{"", "If-None-Match", strings.ToUpper(etag), 200},
		{"?include=stock", "If-None-Match", both, 304},
		{"?include=stock", "If-None-Match", etag, 200},
		{"/stock", "If-None-Match", stock, 304},
		{"/stock", "If-None-Match", etag, 200},
		{"", "If-Match", etag, 200},
		{"", "If-Match", "*", 200},
		{"", "If-Match", `"x" , ` + etag, 200},
		{"", "If-Match", "W/" + etag, 412},
		{"", "If-Match", `"` + p.ID + `.2"`, 412},
		{"", "If-Match", `""`, 412},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			r := a.do(method, "/products/"+p.ID+c.path, "", c.field, c.value)
			require.Equal(t, c.status, r.status, "%s %s: %s", c.path, c.field, c.value)
			if c.status == 304 {
				require.Empty(t, r.body)
				require.NotEmpty(t, r.etag())
				require.Equal(t, "private, no-cache", r.header.Get("Cache-Control"))
			}
		}
	}
	// If-Match comes first (RFC 9110, section 13.2.2).
	a.do("GET", "/products/"+p.ID, "", "If-Match", `"x"`, "If-None-Match", etag).fails(412, "precondition-failed")
	a.do("GET", "/products/"+p.ID, "", "If-Match", etag, "If-None-Match", etag).is(304)
	a.do("GET", "/products/"+p.ID, "", "If-None-Match", `"x"`, "If-None-Match", etag).is(304)
	for _, bad := range []string{"x", `"x`, `"a""b"`, `"a" "b"`, "*, *", `*,"a"`, `w/"a"`, `W/ "a"`, `"a b"`, ",", "5"} {
		for _, field := range []string{"If-Match", "If-None-Match"} {
			a.do("GET", "/products/"+p.ID, "", field, bad).fails(400, "invalid-header")
			a.do("PATCH", "/products/"+p.ID, `{}`, field, bad).fails(400, "invalid-header")
			a.do("PUT", "/skus/A", `{}`, field, bad).fails(400, "invalid-header")
			a.do("DELETE", "/products/"+p.ID, "", field, bad).fails(400, "invalid-header")
			a.do("PUT", "/products/"+p.ID+"/stock", `{"on_hand":1}`, field, bad).fails(400, "invalid-header")
		}
	}
}

func TestPreconditionsOfWrites(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	p, etag := a.create("A")
	path := "/products/" + p.ID
	stale := `"` + p.ID + `.7"`
	for _, c := range []struct {
		field, value string
		met          bool
	}{
		{"If-Match", etag, true},
		{"If-Match", "*", true},
		{"If-Match", stale + ", " + etag, true},
		{"If-Match", strings.TrimSuffix(etag, `"`) + `.1"`, true}, // as ?include=stock shows it
		{"If-Match", stale, false},
		{"If-Match", "W/" + etag, false},
		{"If-Match", `"of somebody else"`[:3] + `"`, false},
		{"If-Match", `"` + unknownID + `.1"`, false},
		{"If-Match", `"00000000-0000-0000-0000-000000000000.1"`, false},
		{"If-Match", `"` + p.ID + `.01"`, false},
		{"If-Match", `"` + p.ID + `.+1"`, false},
		{"If-Match", `"` + p.ID + `.s1"`, false},
		{"If-Match", `"` + strings.ToUpper(p.ID) + `.1"`, false},
		{"If-None-Match", stale, true},
		{"If-None-Match", etag, false},
		{"If-None-Match", "W/" + etag, false},
		{"If-None-Match", "*", false},
	} {
		for _, request := range [][3]string{{"PATCH", path, `{"version":1}`}, {"PUT", "/skus/A", string(a.do("GET", path, "").body)}, {"POST", path + "/restore", ""}} {
			r := a.do(request[0], request[1], request[2], c.field, c.value)
			if c.met {
				r.is(200)
			} else {
				r.fails(412, "precondition-failed")
			}
		}
	}
	a.do("DELETE", path, "", "If-Match", stale).fails(412, "precondition-failed")
	// A SKU that was deleted and taken again does not match the old tag.
	a.do("DELETE", path, "", "If-Match", etag).is(204)
	a.create("A")
	a.do("PUT", "/skus/A", `{"name":"n","price":{"amount":1,"currency":"EUR"}}`, "If-Match", etag).fails(412, "precondition-failed")
}

func TestPreconditionsCanBeRequired(t *testing.T) {
	t.Parallel()
	a := newAPI(t, requirePrecondition())
	p, etag := a.create("A")
	path := "/products/" + p.ID
	a.do("PATCH", path, `{"name":"x"}`).fails(428, "precondition-required")
	a.do("DELETE", path, "").fails(428, "precondition-required")
	a.do("PUT", "/skus/A", `{}`).fails(428, "precondition-required")
	a.do("PUT", path+"/stock", `{"on_hand":1}`).fails(428, "precondition-required")
	a.do("POST", path+"/stock", `{"delta":1}`).is(200)
	a.do("PATCH", path, `{"name":"x"}`, "If-Match", etag).is(200)
}

func TestReadOnlyMembersNameWhatToUseInstead(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	p, _ := a.create("A", `"stock":5`)
	path := "/products/" + p.ID
	a.do("PATCH", path, `{"id":"`+p.ID+`","version":1,"stock":5}`).is(200)
	a.do("PATCH", path, `{"stock":{"on_hand":5,"reserved":0,"available":5}}`).is(200)
	problem := a.do("PATCH", path, `{"id":"`+unknownID+`","version":9,"stock":6,"updated_at":"2020-01-01T00:00:00Z"}`).fails(422, "read-only")
	require.Len(t, problem.Errors, 4)
	a.do("PATCH", path, `{"stock":6}`).fails(422, "read-only", "stock read_only")
	a.do("PUT", "/skus/A", `{"name":"n","price":{"amount":1,"currency":"EUR"},"version":9}`).fails(422, "read-only", "version read_only")
	a.do("PUT", "/skus/B", `{"name":"n","price":{"amount":1,"currency":"EUR"},"version":1}`).fails(422, "read-only", "version read_only")
	a.do("POST", "/products", `{"sku":"B","name":"n","price":{"amount":1,"currency":"EUR"},"id":"`+unknownID+`"}`).fails(422, "read-only", "id read_only")
	a.do("GET", "/skus/B", "").is(404)
	require.EqualValues(t, 1, a.do("GET", path, "").item().Version)
}

func TestAllFaultsOfABodyComeAtOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.do("POST", "/products", `{"colour":"red","name":"","price":{"amount":-1,"currency":"EURO"},"tags":["a","a"]}`).
		fails(422, "invalid", "colour unknown", "sku required", "name required", "price.amount range", "price.currency unknown", "tags[1] duplicate")
	a.do("POST", "/products", `{}`).fails(422, "invalid", "price required", "sku required", "name required")
	a.do("PUT", "/skus/A", `{"sku":"B","name":7}`).fails(422, "invalid", "name type", "price required", "sku mismatch")
	var list struct{ Items []item }
	a.do("GET", "/products", "").is(200).json(&list)
	require.Empty(t, list.Items)
}

func TestTakenSKUsAndOptionsNameTheProductThatHasThem(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	first, _ := a.create("A", `"group":"g","options":{"Size":"M"}`)
	second, _ := a.create("B", `"group":"g","options":{"Size":"L"}`)
	body := `{"sku":"A","name":"n","price":{"amount":1,"currency":"EUR"}}`
	require.Equal(t, first.ID, a.do("POST", "/products", body).fails(409, "sku-taken", "sku taken").Product)
	require.Equal(t, first.ID, a.do("PATCH", "/products/"+second.ID, `{"sku":"A"}`).fails(409, "sku-taken", "sku taken").Product)
	require.Equal(t, first.ID, a.do("PATCH", "/products/"+second.ID, `{"options":{"Size":"M"}}`).fails(409, "options-taken", "options taken").Product)
}

func TestBadJSONIsAProblemThatNamesTheFault(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	p, etag := a.create("A")
	good := `"name":"n","price":{"amount":1,"currency":"EUR"}`
	for _, c := range []struct {
		name, body string
		status     int
		slug, says string
	}{
		{"no JSON", "hello", 400, "malformed-body", "line 1, column 1"},
		{"cut", `{"sku":"B",` + good, 400, "malformed-body", "ends too early"},
		{"trailing bytes", `{"sku":"B",` + good + `}x`, 400, "malformed-body", "something follows"},
		{"duplicate member", `{"sku":"B","sku":"C",` + good + `}`, 400, "malformed-body", `\"sku\" is given twice`},
		{"invalid UTF-8", "{\"sku\":\"\xff\"," + good + "}", 400, "malformed-body", "invalid UTF-8"},
		{"deep nesting", `{"attributes":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5000) + `}`, 400, "malformed-body", "nested more than 32 levels"},
		{"unknown member", `{"colour":"red"}`, 422, "invalid", `"field":"colour"`},
		{"huge number", `{"weight_grams":1` + strings.Repeat("0", 400) + `}`, 422, "invalid", `"field":"weight_grams"`},
		{"huge exponent", `{"weight_grams":1e999999999}`, 422, "invalid", `"field":"weight_grams"`},
		{"fraction", `{"price":{"amount":19.99,"currency":"EUR"}}`, 422, "invalid", `"field":"price.amount"`},
		{"not an object", `[{}]`, 422, "invalid", "must be an object"},
		{"too big a number in attributes", `{"attributes":{"a":"` + strings.Repeat("x", 70_000) + `"}}`, 422, "invalid", `"field":"attributes"`},
	} {
		for _, request := range [][2]string{{"POST", "/products"}, {"PUT", "/skus/B"}, {"PUT", "/skus/A"}, {"PATCH", "/products/" + p.ID}} {
			r := a.do(request[0], request[1], c.body)
			r.fails(c.status, c.slug)
			require.Contains(t, string(r.body), c.says, "%s: %s", c.name, request)
		}
	}
	for _, path := range []string{"/products", "/products/lookup", "/products/" + p.ID + "/stock"} {
		a.do("POST", path, " ").fails(400, "malformed-body")
		a.do("POST", path, `{"a":1,"a":1}`).fails(400, "malformed-body")
		a.do("POST", path, `{"x":1}`).fails(422, "invalid")
	}
	require.Equal(t, etag, a.do("GET", "/products/"+p.ID, "").etag())
	a.do("GET", "/skus/B", "").is(404)
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	p, _ := a.create("A")
	path := "/products/" + p.ID
	for _, media := range []string{"application/merge-patch+json", "application/json", "application/json; charset=UTF-8", "Application/JSON"} {
		a.do("PATCH", path, `{}`, "Content-Type", media).is(200)
	}
	for _, media := range []string{"text/plain", "", "application/json; charset=latin1", "application/x-www-form-urlencoded", "application/json-patch+json", ";"} {
		r := a.do("PATCH", path, `{}`, "Content-Type", media)
		r.fails(415, "unsupported-media-type")
		require.Equal(t, "application/merge-patch+json, application/json", r.header.Get("Accept-Patch"))
		r = a.do("POST", "/products", `{}`, "Content-Type", media)
		r.fails(415, "unsupported-media-type")
		require.Equal(t, "application/json", r.header.Get("Accept-Post"))
	}
	a.do("POST", "/products", `{}`, "Content-Type", "application/merge-patch+json").fails(415, "unsupported-media-type")
	r := a.do("POST", "/products", `{}`, "Content-Encoding", "gzip")
	r.fails(415, "unsupported-media-type")
	require.Equal(t, "identity", r.header.Get("Accept-Encoding"))
}

func TestWhatIsNotServedIsRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	p, _ := a.create("A")
	for _, path := range []string{"", "/", "/nothing", "/products/", "/products/" + p.ID + "/versions", "/products/" + p.ID + "/stock/",
		"/vendors", "/changes/", "/skus", "/skus/", "/skus/a/b", "//products", "/products//" + p.ID, "/./products", "/products/../products", "/x/../products"} {
		a.do("GET", path, "").fails(404, "unknown-path")
	}
	for _, c := range []struct{ method, path, allow string }{
		{"DELETE", "/products", "GET, HEAD, OPTIONS, POST"},
		{"PUT", "/products/" + p.ID, "DELETE, GET, HEAD, OPTIONS, PATCH"},
		{"POST", "/skus/A", "GET, HEAD, OPTIONS, PUT"},
		{"GET", "/products/lookup", "OPTIONS, POST"},
		{"DELETE", "/products/lookup", "OPTIONS, POST"},
		{"PATCH", "/products/" + p.ID + "/stock", "GET, HEAD, OPTIONS, POST, PUT"},
		{"GET", "/products/" + p.ID + "/restore", "OPTIONS, POST"},
		{"GET", "/import", "OPTIONS, POST"},
		{"PROPFIND", "/products", "GET, HEAD, OPTIONS, POST"},
		{"TRACE", "/products", "GET, HEAD, OPTIONS, POST"},
	} {
		r := a.do(c.method, c.path, "")
		r.fails(405, "method-not-allowed")
		require.Equal(t, c.allow, r.header.Get("Allow"), c)
		options := a.do("OPTIONS", c.path, "").is(204)
		require.Equal(t, c.allow, options.header.Get("Allow"), c)
		require.Empty(t, options.body)
	}
	require.Equal(t, "application/merge-patch+json, application/json", a.do("OPTIONS", "/products/"+p.ID, "").header.Get("Accept-Patch"))
	require.Equal(t, 404, a.do("HEAD", "/products/"+unknownID, "").status)

	a.do("GET", "/products/"+p.ID+"?limit=5", "").fails(400, "invalid-parameter", "limit unknown")
	a.do("GET", "/products/"+p.ID+"?include=reviews", "").fails(400, "invalid-parameter", "include unknown")
	a.do("GET", "/products/"+p.ID+"?include=stock&include=stock", "").fails(400, "invalid-parameter", "include duplicate")
	a.do("POST", "/products?dry_run=true", `{}`).fails(400, "invalid-parameter", "dry_run unknown")
	a.do("DELETE", "/products/"+p.ID+"?force", "").fails(400, "invalid-parameter", "force unknown")
	a.do("GET", "/products/"+p.ID, "", "Idempotency-Key", "k1").is(200)
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	for _, id := range []string{"abc-123", "Root=1-67891233-abcdef012345678912345678", strings.Repeat("x", 128)} {
		require.Equal(t, id, a.do("GET", "/nothing", "", "X-Request-Id", id).fails(404, "unknown-path").Instance)
		require.Equal(t, id, a.do("GET", "/products", "", "X-Request-Id", id).is(200).header.Get("X-Request-Id"))
	}
	seen := make(map[string]bool)
	for _, id := range []string{"", "a b", `a"b`, "ü", strings.Repeat("x", 129), "<script>", "a:b"} {
		got := a.do("GET", "/products", "", "X-Request-Id", id).is(200).header.Get("X-Request-Id")
		require.Regexp(t, "^[0-9a-f]{32}$", got)
		require.False(t, seen[got])
		seen[got] = true
	}
	r := a.do("GET", "/products", "", "X-Request-Id", "a", "X-Request-Id", "b").is(200)
	require.Regexp(t, "^[0-9a-f]{32}$", r.header.Get("X-Request-Id"))
}

func TestHEADIsGETWithoutItsBody(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	p, _ := a.create("A")
	for _, path := range []string{"/products", "/products/" + p.ID, "/skus/A", "/products/" + p.ID + "/stock", "/products?include=stock"} {
		get, head := a.do("GET", path, "").is(200), a.do("HEAD", path, "").is(200)
		require.Empty(t, head.body)
		for _, field := range []string{"Content-Type", "Content-Length", "ETag", "Cache-Control"} {
			require.Equal(t, get.header.Get(field), head.header.Get(field), field)
		}
		require.Equal(t, fmt.Sprint(len(get.body)), get.header.Get("Content-Length"))
	}
}

func requirePrecondition() *httpapi.Options { return &httpapi.Options{RequirePrecondition: true} }
