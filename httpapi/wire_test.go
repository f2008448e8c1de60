package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
)

// These requests are such as no http.Client sends, so they are written byte by byte.

// wire sends bytes, and then, if it is to be half closed, that nothing more will come. It returns
// all answers that come until the server closes the connection, as status and type of problem.
func (a *api) wire(sent string, halfClosed bool) (answers []string) {
	a.t.Helper()
	u, err := url.Parse(a.url)
	require.NoError(a.t, err)
	conn, err := net.Dial("tcp", u.Host)
	require.NoError(a.t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(a.t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(conn, sent)
	require.NoError(a.t, err)
	if halfClosed {
		require.NoError(a.t, conn.(*net.TCPConn).CloseWrite())
	}
	method, _, _ := strings.Cut(sent, " ")
	for r := bufio.NewReader(conn); ; {
		if _, err := r.Peek(1); err != nil {
			require.ErrorIs(a.t, err, io.EOF, "the server does not close the connection")
			return answers
		}
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		require.NoError(a.t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(a.t, err)
		got := answer{t: a.t, status: res.StatusCode, header: res.Header, body: body}
		if res.Header.Get("Content-Type") == "application/problem+json" {
			got.problem()
		}
		answers = append(answers, strings.TrimSpace(fmt.Sprint(got.status, " ", got.slug())))
	}
}

// head is the head of a request.
func head(method, target string, fields ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: shop.test\r\n" + strings.Join(append(fields, "\r\n"), "\r\n")
}

// described is an operation of the contract.
type described struct {
	method, path, template string
	query                  []string // its parameters
	headers                []string
	media                  string // of its body; empty if it takes none
}

// everyOperation lists them with values in their paths that name nothing.
func everyOperation() (ops []described) {
	fill := strings.NewReplacer("{id}", unknownID, "{sku}", "none", "{group}", "none", "{key}", "none")
	for path, item := range theContract().doc.Paths.Map() {
		for method, op := range item.Operations() {
			d := described{method: method, path: fill.Replace(path), template: path}
			for _, p := range op.Parameters {
				switch p.Value.In {
				case "query":
					d.query = append(d.query, p.Value.Name)
				case "header":
					d.headers = append(d.headers, p.Value.Name)
				}
			}
			if op.RequestBody != nil {
				d.media = slices.Min(slices.Collect(maps.Keys(op.RequestBody.Value.Content)))
			}
			ops = append(ops, d)
		}
	}
	return ops
}

// No operation waits for a body longer than it may, or reads more of it than it may, whether it
// takes one or not, and whatever it answers with. Each lane has one place, so that each operation
// also shows that the one before has left.
func TestNoOperationIsHeldUpByABody(t *testing.T) {
	t.Parallel()
	o := httpapi.Options{MaxBodyBytes: 100, MaxReads: 1, MaxWrites: 1, MaxFollowers: 1, MaxExports: 1}
	a := newAPI(t, &o)
	o.Timeout, o.ImportIdle = 10*time.Millisecond, 10*time.Millisecond
	hasty := newAPI(t, &o)
	for _, op := range everyOperation() {
		request := func(field string) string {
			return head(op.method, "/v1"+op.path, "Content-Type: "+op.media, "Accept: text/event-stream, */*", field)
		}
		name := op.method + " " + op.template
		require.Equal(t, []string{"408 slow-body"}, hasty.wire(request("Content-Length: 50")+"{", false), name)
		require.Equal(t, []string{"408 slow-body"}, hasty.wire(request("Transfer-Encoding: chunked"), false), name)
		require.Equal(t, []string{"400 incomplete-body"}, a.wire(request("Content-Length: 50")+"{", true), name)
		if op.path != "/import" {
			require.Equal(t, []string{"413 too-large"}, a.wire(request("Content-Length: 101"), true), name)
			require.Equal(t, []string{"413 too-large"}, a.wire(request("Transfer-Encoding: chunked")+"80\r\n"+strings.Repeat("x", 0x80), true), name)
		}
	}
}

// Where no operation reads the body, the server does, within the same time.
func TestRefusalsAreNotHeldUpByABody(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{Timeout: 20 * time.Millisecond})
	for _, c := range [][3]string{
		{"GET", "/nothing", "404 unknown-path"}, {"DELETE", "/v1/products", "405 method-not-allowed"}, {"GET", "/v1/products?x=1", "400 invalid-parameter"},
		{"POST", "/v1/products", "415 unsupported-media-type"}, {"POST", "/v1/import", "415 unsupported-media-type"}, {"OPTIONS", "/v1/products", "204"},
	} {
		require.Equal(t, []string{c[2]}, a.wire(head(c[0], c[1], "Content-Length: 50")+"{", false), c)
		require.Equal(t, []string{c[2]}, a.wire(head(c[0], c[1], "Content-Length: 50", "Expect: 100-continue"), false), c)
	}
}

// announced is a body that says how much was asked for before anything came.
type announced struct{ asked int }

func (a *announced) Read(p []byte) (int, error) {
	a.asked = len(p)
	return 0, io.ErrUnexpectedEOF
}

func (*announced) Close() error { return nil }

func TestWhatIsOnlyAnnouncedCostsNoMemory(t *testing.T) {
	t.Parallel()
	h, err := httpapi.NewHandler(newAPI(t, nil).svc, nil)
	require.NoError(t, err)
	r := httptest.NewRequest("POST", "/products", nil)
	var body announced
	r.Body, r.ContentLength = &body, 1<<20
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, 400, w.Code)
	require.Positive(t, body.asked)
	require.Less(t, body.asked, 100<<10)
}

func TestAmbiguousRequestsAreReadOneWayOrRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	p, etag := a.create("A")
	product := "/v1/products/" + p.ID
	const (
		json = "Content-Type: application/json"
		last = "Connection: close"
		// Where there are two answers, one of them is to this.
		smuggled = "DELETE /v1/skus/A HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	)
	length := fmt.Sprintf("Content-Length: %d", len(newProduct))
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n", len(newProduct), newProduct)
	for name, c := range map[string]struct {
		sent string
		want string // the answers
	}{
		"two lengths":              {head("POST", "/v1/products", json, length, "Content-Length: 5") + newProduct, "400"},
		"one length twice":         {head("POST", "/v1/products", json, length, length, last) + newProduct, "409 sku-taken"},
		"signed length":            {head("POST", "/v1/products", json, "Content-Length: +59") + newProduct, "400"},
		"space before the colon":   {head("POST", "/v1/products", json, "Content-Length : 59") + newProduct, "400"},
		"length beside chunks":     {head("POST", "/v1/products", json, "Content-Length: 3", "Transfer-Encoding: chunked", last) + chunked + "\r\n", "409 sku-taken"},
		"unknown coding":           {head("POST", "/v1/products", json, "Transfer-Encoding: gzip, chunked") + chunked, "501"},
		"coding twice":             {head("POST", "/v1/products", json, "Transfer-Encoding: chunked", "Transfer-Encoding: identity") + chunked, "501"},
		"broken chunk":             {head("POST", "/v1/products", json, "Transfer-Encoding: chunked") + "zz\r\n", "400 incomplete-body"},
		"trailer":                  {head("POST", "/v1/products", json, "Transfer-Encoding: chunked", "Trailer: Idempotency-Key", last) + chunked + "Idempotency-Key: k\r\n\r\n", "409 sku-taken"},
		"body where none is taken": {head("GET", "/v1/skus/A", fmt.Sprintf("Content-Length: %d", len(smuggled))) + smuggled + head("GET", "/v1/skus/A", last), "200, 200"},
		"body of a refusal":        {head("GET", "/v1/nothing", fmt.Sprintf("Content-Length: %d", len(smuggled)), last) + smuggled, "404 unknown-path"},

		"compressed":                     {head("POST", "/v1/products", json, "Content-Encoding: gzip", "Content-Length: 0", last), "415 unsupported-media-type"},
		"not compressed, and compressed": {head("POST", "/v1/products", json, "Content-Encoding: identity", "Content-Encoding: gzip", length, last) + newProduct, "415 unsupported-media-type"},
		"empty, and compressed":          {head("POST", "/v1/import", "Content-Type: text/csv", "Content-Encoding:", "Content-Encoding: gzip", length, last) + newProduct, "415 unsupported-media-type"},
		"not compressed":                 {head("POST", "/v1/products", json, "Content-Encoding: Identity", length, last) + newProduct, "409 sku-taken"},
		"two media types":                {head("POST", "/v1/products", json, "Content-Type: text/plain", length, last) + newProduct, "415 unsupported-media-type"},
		"one media type twice":           {head("POST", "/v1/products", json, json, length, last) + newProduct, "415 unsupported-media-type"},
		"media type in capitals":         {head("POST", "/v1/import", "Content-Type: Application/X-NDJSON", "Content-Length: 0", last), "200"},

		"expected":             {head("POST", "/v1/products", json, length, "Expect: 100-continue", last) + newProduct, "100, 409 sku-taken"},
		"expected, but big":    {head("POST", "/v1/products", json, "Content-Length: 5000000", "Expect: 100-continue"), "413 too-large"},
		"expected the unknown": {head("POST", "/v1/products", json, length, "Expect: 200-ok", last) + newProduct, "417"},

		"preconditions that disagree": {head("DELETE", product, "If-Match: "+etag, "If-None-Match: "+etag, last), "412 precondition-failed"},
		"preconditions in two lines":  {head("GET", product, `If-None-Match: "x"`, "If-None-Match: "+etag, last), "304"},
		"anything, and something":     {head("DELETE", product, "If-Match: *", `If-Match: "x"`, last), "400 invalid-header"},
		"two keys":                    {head("DELETE", product, "Idempotency-Key: a", "Idempotency-Key: b", last), "400 invalid-header"},
		"two positions":               {head("GET", "/v1/changes", "Accept: text/event-stream", "Last-Event-ID: 0", "Last-Event-ID: 999", last), "400 invalid-header"},

		"two hosts":         {head("GET", "/v1/skus/A", "Host: evil.test"), "400"},
		"no host":           {"GET /v1/skus/A HTTP/1.1\r\n\r\n", "400"},
		"folded field":      {head("GET", "/v1/skus/A", "X-Request-Id: a\r\n Set-Cookie: b", last), "200"},
		"control character": {head("GET", "/v1/skus/A", "X-Request-Id: \x1b[31m"), "400"},
		"lone CR":           {head("GET", "/v1/skus/A", "X-Request-Id: a\rSet-Cookie: b"), "400"},
		"NUL":               {head("GET", "/v1/skus/A", "Idempotency-Key: a\x00b"), "400"},
		"endless head":      {head("GET", "/v1/skus/A", "If-Match: "+strings.Repeat(`"x",`, 270_000)), "431"},

		"another method in a field": {head("POST", product+"/stock", json, "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE", "Content-Length: 11", last) + `{"delta":1}`, "200"},
		"another method in query":   {head("POST", product+"/stock?_method=DELETE", json, "Content-Length: 11", last) + `{"delta":1}`, "400 invalid-parameter"},
		"another path in a field":   {head("GET", "/v1/nothing", "X-Original-URL: /v1/skus/A", "X-Rewrite-URL: /v1/skus/A", last), "404 unknown-path"},
		"TRACE":                     {head("TRACE", "/v1/skus/A", "Cookie: secret", last), "405 method-not-allowed"},
		"CONNECT":                   {head("CONNECT", "evil.test:443", last), "404 unknown-path"},
		"CONNECT to a path":         {head("CONNECT", "/v1/skus/A", last), "405 method-not-allowed"},
		"asterisk":                  {head("GET", "*", last), "404 unknown-path"},
		"not HTTP":                  {"hello\r\n\r\n", "400"},
	} {
		require.Equal(t, c.want, strings.Join(a.wire(c.sent, false), ", "), name)
	}
	require.Equal(t, etag, a.do("GET", "/skus/A", "").is(200).etag())
}

// Who closes his side after a whole request may be taken for gone. Then he is told, if he listens,
// and what he is told is true.
func TestAHalfClosedConnectionIsAnsweredTruly(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	for i := range 20 {
		sku := fmt.Sprintf("S%d", i)
		body := strings.Replace(newProduct, `"A"`, `"`+sku+`"`, 1)
		got := a.wire(head("POST", "/v1/products", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)))+body, true)
		there := a.do("GET", "/skus/"+sku, "")
		switch strings.Join(got, ", ") {
		case "201":
			there.is(200)
		case "499 client-closed-request":
			there.is(404)
		default:
			require.Equal(t, []string{"503 outcome-unknown"}, got)
		}
	}
}

func TestNothingThatARequestClaimsChangesWhereItsProductIs(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	h, err := httpapi.NewHandler(a.svc, &httpapi.Options{Prefix: "/v1"})
	require.NoError(t, err)
	claims := strings.NewReplacer("|", "\r\n", "!", "evil.test").Replace("Host: !|X-Forwarded-Host: !|X-Forwarded-Proto: !|X-Forwarded-Prefix: /!|X-Forwarded-Path: /!|Forwarded: host=!;proto=https|" +
		"X-Original-URL: /!|X-Rewrite-URL: /!|Origin: https://!|Referer: https://!/|Content-Location: https://!/|Content-Type: application/json||")
	for target, served := range map[string]bool{"/v1/": true, "http://evil.test/v1/": true, "//evil.test/v1/": false} {
		send := func(method, path, body string) answer {
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + path + " HTTP/1.1\r\n" + claims)))
			require.NoError(t, err)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.NotContains(t, fmt.Sprint(w.Header(), w.Body), "evil", target)
			return answer{t: t, status: w.Code, header: w.Header(), body: w.Body.Bytes()}
		}
		created := send("POST", "products", newProduct)
		if !served {
			created.fails(404, "unknown-path")
			continue
		}
		require.Equal(t, "/v1/products/"+created.is(201).item().ID, created.header.Get("Location"))
		require.Contains(t, string(send("GET", "openapi.json", "").is(200).body), `"url": "/v1"`)
		send("GET", "docs", "").is(200)
		send("DELETE", "products/"+created.item().ID, "").is(204)
	}
}
