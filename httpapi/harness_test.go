package httpapi_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(contracted{mysqltest.Main(m)}) }

// api is a server and a client of it.
type api struct {
	t      testing.TB
	url    string // with the prefix
	client *http.Client
	svc    *product.Service
	lax    bool // where thousands of requests are sent, not each is held against the contract
}

// prefix is the path of url.
func (a *api) prefix() string {
	u, err := url.Parse(a.url)
	require.NoError(a.t, err)
	return u.Path
}

// newAPI serves an empty catalogue on SQLite under /v1.
func newAPI(t testing.TB, opts *httpapi.Options) *api {
	t.Helper()
	return serveStore(t, sqliteStore(t), opts)
}

func sqliteStore(t testing.TB) product.Store {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	t.Cleanup(func() { _ = db.Close() })
	return migrated(t, db)
}

func migrated(t testing.TB, db *sql.DB) product.Store {
	t.Helper()
	require.NoError(t, sqlstore.Migrate(t.Context(), db, nil))
	store, err := sqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
	return store
}

func serveStore(t testing.TB, store product.Store, opts *httpapi.Options) *api {
	t.Helper()
	svc := product.NewService(store, nil)
	t.Cleanup(func() { _ = svc.Close(t.Context()) })
	if opts == nil {
		opts = &httpapi.Options{}
	}
	if opts.Prefix == "" {
		opts.Prefix = "/v1"
	}
	h, err := httpapi.NewHandler(svc, opts)
	require.NoError(t, err)
	return serve(t, svc, h, "/v1")
}

func serve(t testing.TB, svc *product.Service, h http.Handler, prefix string) *api {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	client := server.Client()
	client.Timeout = 30 * time.Second
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &api{t: t, url: server.URL + prefix, client: client, svc: svc}
}

// eachEngine runs a test on an empty catalogue of every engine.
func eachEngine(t *testing.T, test func(t *testing.T, a *api)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newAPI(t, nil))
	})
	mysqltest.Each(t, func(t *testing.T, d *mysqltest.Database) {
		db, err := sql.Open("mysql", d.DSN())
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		test(t, serveStore(t, migrated(t, db), nil))
	})
}

// answer is a response that has been read.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
	echo   string // what it may repeat: the request
}

// do sends a request with headers given as name, value, … and reads the answer. Whatever is an
// error must be a problem document; do checks that.
func (a *api) do(method, path, body string, headers ...string) answer {
	a.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, r)
	require.NoError(a.t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Add(headers[i], headers[i+1])
		if headers[i] == "Content-Type" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	return a.send(req)
}

// send exchanges a request for an answer and holds both against the contract.
func (a *api) send(req *http.Request) answer {
	a.t.Helper()
	got := a.exchange(req)
	if !a.lax {
		theContract().check(req, a.prefix(), got)
	}
	return got
}

func (a *api) exchange(req *http.Request) answer {
	a.t.Helper()
	res, err := a.client.Do(req)
	require.NoError(a.t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(a.t, err)
	got := answer{t: a.t, status: res.StatusCode, header: res.Header, body: b, echo: textOf(req)}
	require.NotEmpty(a.t, res.Header.Get("X-Request-Id"))
	if got.status >= 400 && req.Method != http.MethodHead {
		got.problem()
	}
	return got
}

// textOf is all that a request says, in lower case.
func textOf(req *http.Request) string {
	text := req.URL.String()
	if plain, err := url.QueryUnescape(text); err == nil {
		text += plain
	}
	if req.GetBody != nil {
		if r, err := req.GetBody(); err == nil {
			b, _ := io.ReadAll(r)
			text += string(b)
		}
	}
	return strings.ToLower(text)
}

// is checks the status and returns the answer.
func (r answer) is(status int) answer {
	r.t.Helper()
	require.Equal(r.t, status, r.status, "%s", r.body)
	return r
}

// problemDoc is a problem document.
type problemDoc struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Instance  string       `json:"instance"`
	Errors    []fieldError `json:"errors"`
	Product   string       `json:"product"`
	Variant   string       `json:"variant"`
	By        *int         `json:"by"`
	SKU       string       `json:"sku"`
	Wanted    *int64       `json:"wanted"`
	Available *int64       `json:"available"`
	Short     []shortDoc   `json:"short"`
	Oldest    *int64       `json:"oldest"`
	Newest    *int64       `json:"newest"`
}

type shortDoc struct {
	Product   string `json:"product"`
	SKU       string `json:"sku"`
	Wanted    int64  `json:"wanted"`
	Available int64  `json:"available"`
}

type fieldError struct{ Field, Code, Message string }

// slug is the end of a problem's type.
func (r answer) slug() string {
	var p problemDoc
	_ = json.Unmarshal(r.body, &p)
	return p.Type[strings.LastIndexAny(p.Type, "#/")+1:]
}

// problem reads a problem document strictly and looks for words that must never leave.
func (r answer) problem() problemDoc {
	r.t.Helper()
	require.Equal(r.t, "application/problem+json", r.header.Get("Content-Type"), "%s", r.body)
	require.Equal(r.t, "no-store", r.header.Get("Cache-Control"))
	require.Empty(r.t, r.header.Get("ETag"))
	var p problemDoc
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.DisallowUnknownFields()
	require.NoError(r.t, d.Decode(&p), "%s", r.body)
	require.Equal(r.t, r.status, p.Status)
	require.Equal(r.t, r.header.Get("X-Request-Id"), p.Instance)
	require.NotEmpty(r.t, p.Title)
	require.NotEmpty(r.t, p.Detail)
	for _, word := range []string{"sql", "productkit_", "goroutine", "product: ", "httpapi: ", "jsontext"} {
		if !strings.Contains(r.echo, word) {
			require.NotContains(r.t, strings.ToLower(string(r.body)), word)
		}
	}
	return p
}

// fails checks status and slug of a problem, and its errors as "field code".
func (r answer) fails(status int, slug string, errs ...string) problemDoc {
	r.t.Helper()
	r.is(status)
	p := r.problem()
	require.Equal(r.t, slug, r.slug(), "%s", r.body)
	var got []string
	for _, e := range p.Errors {
		require.NotEmpty(r.t, e.Message)
		got = append(got, e.Field+" "+e.Code)
	}
	if errs != nil {
		require.Equal(r.t, errs, got)
	}
	return p
}

// createInVain creates a product with a server that does not get to it in time. Where the machine
// stalls, a request's time can be up before the write sets out; then nothing was done, and it is
// sent again.
func (a *api) createInVain(headers ...string) answer {
	a.t.Helper()
	end := time.Now().Add(30 * time.Second)
	for {
		r := a.do("POST", "/products", newProduct, headers...)
		if r.status != 503 || r.slug() != "timeout" || time.Now().After(end) {
			return r
		}
	}
}

// item is a product with its stock.
type item struct {
	ID        string         `json:"id"`
	SKU       string         `json:"sku"`
	Name      string         `json:"name"`
	Status    string         `json:"status"`
	Price     product.Money  `json:"price"`
	Vendor    string         `json:"vendor"`
	Version   int64          `json:"version"`
	UpdatedAt string         `json:"updated_at"`
	DeletedAt string         `json:"deleted_at"`
	Stock     *stockDoc      `json:"stock"`
	Attrs     map[string]any `json:"attributes"`
}

type stockDoc struct {
	OnHand    int64 `json:"on_hand"`
	Reserved  int64 `json:"reserved"`
	Available int64 `json:"available"`
}

func (r answer) json(v any) {
	r.t.Helper()
	require.Equal(r.t, "application/json", r.header.Get("Content-Type"))
	require.NoError(r.t, json.Unmarshal(r.body, v), "%s", r.body)
}

func (r answer) item() item {
	r.t.Helper()
	var p item
	r.json(&p)
	return p
}

func (r answer) etag() string { return r.header.Get("ETag") }

// create makes a product with this SKU and returns it and its ETag.
func (a *api) create(sku string, more ...string) (item, string) {
	a.t.Helper()
	body := `{"sku":"` + sku + `","name":"Thing ` + sku + `","price":{"amount":1999,"currency":"EUR"}` + strings.Join(append([]string{""}, more...), ",") + `}`
	r := a.do("POST", "/products", body).is(201)
	return r.item(), r.etag()
}
