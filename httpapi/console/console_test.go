package console_test

import (
	"compress/gzip"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/httpapi/console"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newService is an empty catalogue on SQLite.
func newService(t testing.TB) *product.Service {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, sqlstore.Migrate(t.Context(), db, nil))
	store, err := sqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
	svc := product.NewService(store, nil)
	t.Cleanup(func() { _ = svc.Close(context.Background()) })
	return svc
}

// fill creates n products.
func fill(t testing.TB, svc *product.Service, n int) {
	t.Helper()
	entries := make([]product.Entry, n)
	for i := range entries {
		entries[i].Draft = product.Draft{Stock: new(int64(i % 20)), Product: product.Product{
			SKU: fmt.Sprintf("SKU-%05d", i), Name: fmt.Sprintf("Enamel mug no. %d", i), Status: product.StatusActive,
			Price: product.Money{Amount: int64(1000 + i), Currency: "EUR"}, Category: fmt.Sprintf("kitchen/mugs/size-%d", i%9), Vendor: fmt.Sprintf("Vendor %d", i%7),
		}}
	}
	outcomes, err := svc.Merge(t.Context(), entries)
	require.NoError(t, err)
	for _, o := range outcomes {
		require.NoError(t, o.Err)
	}
}

// visitor is a browser without script.
type visitor struct {
	t       testing.TB
	h       http.Handler
	cookies map[string]string
}

func visit(t testing.TB, h http.Handler) *visitor {
	return &visitor{t: t, h: h, cookies: map[string]string{}}
}

func newHandler(t testing.TB, svc *product.Service, opts *console.Options) http.Handler {
	t.Helper()
	h, err := console.NewHandler(svc, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close(context.Background())) })
	return h
}

type seen struct {
	status int
	header http.Header
	body   string
	wire   int // bytes of the body as sent
}

func (v *visitor) get(path string, headers ...string) seen {
	v.t.Helper()
	return v.do(httptest.NewRequest("GET", path, nil), headers...)
}

func (v *visitor) post(path string, form url.Values, headers ...string) seen {
	v.t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.do(r, headers...)
}

func (v *visitor) do(r *http.Request, headers ...string) seen {
	v.t.Helper()
	r.Header.Set("Accept-Encoding", "gzip")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	v.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if v.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	s := seen{status: w.Code, header: w.Header(), wire: w.Body.Len(), body: w.Body.String()}
	if w.Header().Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(w.Body)
		require.NoError(v.t, err)
		plain, err := io.ReadAll(z)
		require.NoError(v.t, err)
		s.body = string(plain)
	}
	if w.Body.Len() > 0 || s.status != 303 && s.status != 204 {
		require.Contains(v.t, s.header.Get("Content-Security-Policy"), "default-src 'none'")
		require.Equal(v.t, "nosniff", s.header.Get("X-Content-Type-Options"))
	}
	require.NotContains(v.t, s.body, "ZgotmplZ")
	return s
}

func TestAPageOf50ProductsIsSmallAndQuick(t *testing.T) {
	svc := newService(t)
	fill(t, svc, 60)
	v := visit(t, newHandler(t, svc, &console.Options{Prefix: "/console"}))
	p := v.get("/console/products")
	require.Equal(t, 200, p.status)
	require.Equal(t, 50, strings.Count(p.body, `<th scope="row">`))
	require.Less(t, p.wire, 15<<10)
	first := p.wire
	for _, file := range regexp.MustCompile(`"(/console/static/[^"]+)"`).FindAllStringSubmatch(p.body, -1) {
		s := v.get(file[1])
		require.Equal(t, 200, s.status)
		require.Contains(t, s.header.Get("Cache-Control"), "immutable")
		first += s.wire
	}
	require.Less(t, first, 60<<10)
	best := time.Hour
	for range 20 {
		begin := time.Now()
		v.get("/console/products")
		best = min(best, time.Since(begin))
	}
	t.Logf("%d bytes, %d with what it loads, rendered in %v", p.wire, first, best)
	require.NotContains(t, p.body, "style=")
	require.NotRegexp(t, `<script[^>]*>[^<]`, p.body)
	require.NotRegexp(t, `(src|href|action)="https?:`, p.body)
}

func TestPagesAreTurnedBothWays(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	fill(t, svc, 25)
	v := visit(t, newHandler(t, svc, &console.Options{PageSize: 10}))
	link := func(p seen, id string) string {
		m := regexp.MustCompile(`id="` + id + `"[^>]*href="([^"]+)"`).FindStringSubmatch(p.body)
		if m == nil {
			return ""
		}
		return "/products" + strings.ReplaceAll(m[1], "&amp;", "&")
	}
	for _, filter := range []string{"sort=sku", "q=mug"} {
		one := v.get("/products?" + filter)
		require.Empty(t, link(one, "prev"))
		two := v.get(link(one, "next"))
		three := v.get(link(two, "next"))
		require.Empty(t, link(three, "next"))
		require.Equal(t, rows(two), rows(v.get(link(three, "prev"))))
		require.Equal(t, rows(one), rows(v.get(link(two, "prev"))))
	}
	require.Equal(t, 400, v.get("/products?cursor=x").status)
}

// rows are the names on a page.
func rows(p seen) []string {
	var names []string
	for _, m := range regexp.MustCompile(`<th scope="row"><a[^>]*>([^<]+|<span[^>]*>[^<]*</span>[^<]+)</a>`).FindAllStringSubmatch(p.body, -1) {
		names = append(names, m[1])
	}
	return names
}

func TestAFilterThatIsNotValidIsToldAtItsFields(t *testing.T) {
	t.Parallel()
	v := visit(t, newHandler(t, newService(t), nil))
	p := v.get("/products?currency=EURO&price_min=1&status=odd&updated_since=never&q=" + strings.Repeat("x", 200))
	require.Equal(t, 422, p.status)
	for _, name := range []string{"currency", "status", "q", "updated_since"} {
		require.Contains(t, p.body, `id="`+name+`-fault">`+map[string]string{"currency": "Currency is", "status": "Status is", "q": "Search has", "updated_since": "Changed since must"}[name], name)
	}
	require.Contains(t, v.get("/products?currency=EUR&price_min=1.999").body, "more than the 2 decimal digits of EUR")
	require.Equal(t, 200, v.get("/products?currency=JPY&price_min=199&price_max=&unheard=of").status)
}

func TestMoneyIsShownInItsCurrency(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	for i, m := range []product.Money{{Amount: 123456789, Currency: "EUR"}, {Amount: 1234, Currency: "JPY"}, {Amount: 1234, Currency: "KWD"}} {
		_, err := svc.Create(t.Context(), product.Draft{Product: product.Product{SKU: fmt.Sprint(i), Name: "x", Price: m}})
		require.NoError(t, err)
	}
	p := visit(t, newHandler(t, svc, nil)).get("/products")
	for _, want := range []string{"1,234,567.89 <span class=\"unit\">EUR", "1,234 <span class=\"unit\">JPY", "1.234 <span class=\"unit\">KWD"} {
		require.Contains(t, p.body, want)
	}
}

func TestVariantsAreFoldedIntoTheirGroup(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	for i, size := range []string{"S", "M", "L"} {
		_, err := svc.Create(t.Context(), product.Draft{Stock: new(int64(3 * i)), Product: product.Product{SKU: "TEE-" + size, Name: "T-shirt " + size,
			Group: "tee & co", Options: map[string]string{"Size": size}, Price: product.Money{Amount: int64(1000 + 500*i), Currency: "EUR"}}})
		require.NoError(t, err)
	}
	v := visit(t, newHandler(t, svc, nil))
	folded := v.get("/products")
	require.NotContains(t, folded.body, "T-shirt M")
	require.Contains(t, folded.body, "3 variants")
	require.Contains(t, folded.body, "10.00–20.00")
	require.Contains(t, folded.body, `<span class="mark out">out</span> 9`)
	open := v.get("/products?open=tee+%26+co")
	require.Contains(t, open.body, `aria-expanded="true"`)
	require.Contains(t, open.body, "T-shirt M")
	require.Contains(t, open.body, "Size: M")
	require.NotContains(t, v.get("/products?group=tee+%26+co").body, "variants here")
}

func TestColumnsAreChosenAndRemembered(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	fill(t, svc, 1)
	v := visit(t, newHandler(t, svc, &console.Options{Prefix: "/console"}))
	s := v.post("/console/products/columns", url.Values{"column": {"barcode", "weight", "no such"}, "back": {"sort=sku&cursor=x&evil=//x"}})
	require.Equal(t, 303, s.status)
	require.Equal(t, "/console/products?sort=sku", s.header.Get("Location"))
	p := v.get("/console/products")
	require.Contains(t, p.body, ">Barcode</th>")
	require.NotContains(t, p.body, ">Vendor</th>")
	v.post("/console/products/columns", url.Values{"preset": {"true"}})
	require.Contains(t, v.get("/console/products").body, ">Vendor</th>")
}

// What htmx asks for is a part of the page, and nobody who asks without it gets it from a cache.
func TestHTMXGetsTheResultsAlone(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	fill(t, svc, 3)
	p := visit(t, newHandler(t, svc, nil)).get("/products?q=mug", "HX-Request", "true", "HX-Target", "results")
	require.True(t, strings.HasPrefix(strings.TrimSpace(p.body), `<div id="results"`), p.body)
	require.Contains(t, p.body, `hx-swap-oob="innerHTML">3 products`)
	require.Contains(t, p.header.Get("Vary"), "HX-Request")
}

func TestOtherOriginsChangeNothing(t *testing.T) {
	t.Parallel()
	v := visit(t, newHandler(t, newService(t), nil))
	require.Equal(t, 403, v.post("/products/columns", nil, "Sec-Fetch-Site", "cross-site").status)
	require.Equal(t, 403, v.post("/products/columns", nil, "Sec-Fetch-Site", "", "Origin", "https://evil.example").status)
	require.Equal(t, 303, v.post("/products/columns", nil).status)
	require.Equal(t, 413, v.post("/products/columns", url.Values{"x": {strings.Repeat("x", 2<<20)}}).status)
}

const key = "a-key-of-more-than-20-characters"

func TestSigningInWithAKey(t *testing.T) {
	t.Parallel()
	authorize := func(r *http.Request, op httpapi.Operation) (string, error) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			return "", httpapi.ErrUnauthenticated
		}
		return "ann", nil
	}
	v := visit(t, newHandler(t, newService(t), &console.Options{Prefix: "/console", Authorize: authorize, SignIn: true}))
	s := v.get("/console/products?q=mug")
	require.Equal(t, 303, s.status)
	require.Equal(t, "/console/sign-in?back=%2Fproducts%3Fq%3Dmug", s.header.Get("Location"))
	require.Equal(t, "/console/sign-in", v.get("/console/products", "HX-Request", "true").header.Get("HX-Redirect"))
	wrong := v.post("/console/sign-in", url.Values{"key": {"wrong"}, "back": {"/products"}})
	require.Equal(t, 422, wrong.status)
	require.Contains(t, wrong.body, `id="key-fault">Key is no key`)
	for back, to := range map[string]string{"/products?q=mug": "/console/products?q=mug", "//evil.example/": "/console/products", "https://evil.example/": "/console/products", "": "/console/products"} {
		in := v.post("/console/sign-in", url.Values{"key": {" " + key}, "back": {back}})
		require.Equal(t, 303, in.status)
		require.Equal(t, to, in.header.Get("Location"))
		require.Regexp(t, `^productkit_key=[^;]+; Path=/console/; HttpOnly; SameSite=Strict$`, in.header.Get("Set-Cookie"))
	}
	p := v.get("/console/products")
	require.Equal(t, 200, p.status)
	require.Contains(t, p.body, "Sign out")
	require.Equal(t, 303, v.post("/console/sign-out", nil).status)
	require.Equal(t, 303, v.get("/console/products").status)

	closed := visit(t, newHandler(t, newService(t), &console.Options{Authorize: authorize}))
	require.Equal(t, 401, closed.get("/products").status)
	require.Equal(t, 404, closed.get("/sign-in").status)
	require.Equal(t, 200, closed.get("/products", "Authorization", "Bearer "+key).status)
}

func TestMounting(t *testing.T) {
	t.Parallel()
	svc := newService(t)
	fill(t, svc, 1)
	for name, c := range map[string]struct {
		prefix, seen string
		mount        func(http.Handler) http.Handler
	}{
		"under its prefix": {"/console", "/console", func(h http.Handler) http.Handler { return h }},
		"stripped":         {"/console", "/shop/console", func(h http.Handler) http.Handler { return http.StripPrefix("/shop", h) }},
		"all stripped":     {"", "/shop", func(h http.Handler) http.Handler { return http.StripPrefix("/shop", h) }},
		"with a tenant":    {"/{tenant}/console", "/acme/console", func(h http.Handler) http.Handler { return h }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := visit(t, c.mount(newHandler(t, svc, &console.Options{Prefix: c.prefix})))
			require.Equal(t, c.seen+"/products", v.get(c.seen+"/").header.Get("Location"))
			p := v.get(c.seen + "/products")
			links := regexp.MustCompile(`(?:href|src|action)="(/[^"]*)"`).FindAllStringSubmatch(p.body, -1)
			require.NotEmpty(t, links)
			for _, link := range links {
				require.True(t, strings.HasPrefix(link[1], c.seen+"/"), link[1])
				if !strings.HasPrefix(link[0], "action") {
					require.NotEqual(t, 404, v.get(link[1]).status, link[1])
				}
			}
			require.Equal(t, 404, v.get(c.seen+"/nowhere").status)
			require.Equal(t, 404, v.get(c.seen+"//products").status)
			require.Equal(t, 404, v.get(c.seen+"/products/x").status)
		})
	}
}

// Pages that are asked for beyond the bound are refused at once, and the next one is served again.
func TestRequestsInFlightAreBounded(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	v := visit(t, newHandler(t, newService(t), &console.Options{MaxRequests: 1, Authorize: func(_ *http.Request, op httpapi.Operation) (string, error) {
		if op.ID == httpapi.OpGetChanges {
			entered <- struct{}{}
			<-leave
		}
		return "", nil
	}}))
	first := make(chan int)
	go func() { first <- v.get("/changes").status }()
	<-entered
	refused := visit(t, v.h).get("/changes")
	require.Equal(t, 503, refused.status)
	require.Equal(t, "1", refused.header.Get("Retry-After"))
	close(leave)
	require.Equal(t, 200, <-first)
	go func() { first <- v.get("/changes").status }()
	<-entered
	require.Equal(t, 200, <-first)
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := console.NewHandler(newService(t), &console.Options{Prefix: "console/", PageSize: 201, MaxBodyBytes: -1, SignIn: true, MaxImports: -1, MaxImportBytes: -1, ImportTimeout: -1, KeepImports: -1})
	for _, name := range []string{"Prefix", "PageSize", "MaxBodyBytes", "SignIn", "MaxImports", "MaxImportBytes", "ImportTimeout", "KeepImports"} {
		require.ErrorContains(t, err, name)
	}
	_, err = console.NewHandler(nil, nil)
	require.Error(t, err)
}

// No filter that somebody types or sends is too much: it is answered, or told to be wrong.
func FuzzFilter(f *testing.F) {
	svc := newService(f)
	fill(f, svc, 3)
	h := newHandler(f, svc, nil)
	for _, query := range []string{"", "q=mug&sort=-name", "currency=EUR&price_min=1.00&price_max=20", "updated_since=2026-01-31&deleted=true", "open=a&open=b&group=x", "cursor=AAAA", "%zz&status=odd"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/products", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Contains(t, []int{200, 400, 422}, w.Code)
	})
}
