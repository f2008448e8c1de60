package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

// doorkeeper is an Authorize that notes what it was asked for.
type doorkeeper struct {
	mu     sync.Mutex
	asked  []string
	decide func(*http.Request, httpapi.Operation) (string, error)
}

func (d *doorkeeper) authorize(r *http.Request, op httpapi.Operation) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, op.ID)
	if d.decide == nil {
		return "", nil
	}
	return d.decide(r, op)
}

// take returns what was asked for since.
func (d *doorkeeper) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() { d.asked = nil }()
	return d.asked
}

func (d *doorkeeper) refuse(err error, ids ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.decide = func(_ *http.Request, op httpapi.Operation) (string, error) {
		if ids == nil || slices.Contains(ids, op.ID) {
			return "", err
		}
		return "", nil
	}
}

// Each operation asks for itself before it looks at anything, and a refusal does nothing.
func TestEveryOperationIsAuthorized(t *testing.T) {
	t.Parallel()
	var d doorkeeper
	a := newAPI(t, &httpapi.Options{Authorize: d.authorize})
	p, tag := a.create("A", `"stock":5`)
	d.take()
	fill := strings.NewReplacer("{id}", p.ID, "{sku}", "A", "{group}", "g", "{key}", "k")
	for _, op := range httpapi.Operations() {
		methods := []string{op.Method}
		if op.Method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		for _, method := range methods {
			for _, c := range []struct {
				err    error
				status int
				slug   string
			}{
				{fmt.Errorf("token of %w: secret: %w", httpapi.ErrUnauthenticated, product.ErrNotFound), 401, "unauthenticated"},
				{httpapi.ErrForbidden, 403, "forbidden"},
				{httpapi.ErrTooManyRequests, 429, "too-many-requests"},
				{fmt.Errorf("the host's database: %w", product.ErrNotFound), 500, "internal"},
			} {
				d.refuse(c.err)
				// The query, the headers and the body are wrong too, and the refusal comes first.
				r := a.do(method, fill.Replace(op.Path)+"?nonsense=1", "", "If-Match", "nonsense", "Idempotency-Key", "", "Content-Type", "text/nonsense")
				require.Equal(t, c.status, r.status, "%s %s", method, op.Path)
				if method != http.MethodHead {
					r.fails(c.status, c.slug)
				}
				require.NotContains(t, string(r.body), "secret")
				require.Equal(t, []string{op.ID}, d.take())
				require.Equal(t, c.status == 401, r.header.Get("WWW-Authenticate") == "Bearer")
				require.Equal(t, c.status == 429, r.header.Get("Retry-After") == "1")
			}
		}
	}
	d.refuse(nil)
	a.do("GET", "/products/"+p.ID, "", "If-None-Match", tag).is(304)
	require.Equal(t, []string{httpapi.OpGetProduct}, d.take())
	a.do("OPTIONS", "/products", "").is(204) // a browser's preflight carries no credentials
	a.do("GET", "/nothing", "").fails(404, "unknown-path")
	a.do("PUT", "/products", "").fails(405, "method-not-allowed")
	require.Empty(t, d.take())
}

// Whether an operation writes, hosts need to know for their scopes.
func TestOperationsThatWriteAreMarked(t *testing.T) {
	t.Parallel()
	var reads []string
	for _, op := range httpapi.Operations() {
		if !op.Writes {
			reads = append(reads, op.ID)
		}
	}
	require.ElementsMatch(t, []string{
		httpapi.OpListProducts, httpapi.OpLookupProducts, httpapi.OpGetProduct, httpapi.OpGetProductBySKU, httpapi.OpGetHistory,
		httpapi.OpGetStock, httpapi.OpGetReservation, httpapi.OpGetCategories, httpapi.OpGetLimits, httpapi.OpGetChanges,
		httpapi.OpExportProducts, httpapi.OpGetContract, httpapi.OpGetDocs,
	}, reads)
}

func TestPutAsksForWhatItMayComeTo(t *testing.T) {
	t.Parallel()
	var d doorkeeper
	a := newAPI(t, &httpapi.Options{Authorize: d.authorize})
	put := func(headers ...string) answer {
		return a.do("PUT", "/skus/A", `{"name":"n","price":{"amount":1,"currency":"EUR"}}`, headers...)
	}
	d.refuse(httpapi.ErrForbidden, httpapi.OpUpdateProduct)
	put().fails(403, "forbidden")
	require.Equal(t, []string{httpapi.OpPutProduct, httpapi.OpCreateProduct, httpapi.OpUpdateProduct}, d.take())
	put("If-None-Match", "*").is(201)
	require.Equal(t, []string{httpapi.OpPutProduct, httpapi.OpCreateProduct}, d.take())
	d.refuse(httpapi.ErrForbidden, httpapi.OpCreateProduct)
	put().fails(403, "forbidden")
	d.take()
	put("If-Match", "*").is(200)
	require.Equal(t, []string{httpapi.OpPutProduct, httpapi.OpUpdateProduct}, d.take())
}

func TestBatchAsksOncePerKind(t *testing.T) {
	t.Parallel()
	var d doorkeeper
	a := newAPI(t, &httpapi.Options{Authorize: d.authorize})
	p, _ := a.create("A", `"stock":5`)
	d.take()
	draft := func(sku string) string {
		return `{"sku":"` + sku + `","name":"n","price":{"amount":1,"currency":"EUR"}}`
	}
	body := `{"items":[
		{"op":"create","product":` + draft("B") + `},
		{"op":"create","product":` + draft("C") + `},
		{"op":"upsert","product":` + draft("D") + `,"if_none_match":"*"},
		{"op":"patch","sku":"A","patch":{"name":"m"}},
		{"op":"stock","sku":"A","delta":-1},
		{"op":"stock","sku":"A","on_hand":9},
		{"op":"stock","sku":"A","delta":-2},
		{"op":"delete","id":"` + p.ID + `"},
		{"op":"restore","id":"` + p.ID + `"}]}`
	d.refuse(httpapi.ErrForbidden, httpapi.OpSetStock, httpapi.OpAdjustStock, httpapi.OpDeleteProduct)
	a.do("POST", "/products/batch", body).fails(403, "forbidden", "items[4].op forbidden", "items[5].op forbidden", "items[7].op forbidden")
	require.Equal(t, []string{httpapi.OpBatchProducts, httpapi.OpCreateProduct, httpapi.OpUpdateProduct, httpapi.OpAdjustStock,
		httpapi.OpSetStock, httpapi.OpDeleteProduct, httpapi.OpRestoreProduct}, d.take())
	a.do("GET", "/skus/B", "").fails(404, "not-found") // nothing was done
	d.refuse(httpapi.ErrTooManyRequests, httpapi.OpRestoreProduct)
	a.do("POST", "/products/batch", body).fails(429, "too-many-requests")
	d.refuse(nil)
	var done struct{ Failed int }
	a.do("POST", "/products/batch", body).is(200).json(&done)
	require.Zero(t, done.Failed)
}

// The actor stands in the history, and each has keys of their own.
func TestActorsAreThoseOfAuthorize(t *testing.T) {
	t.Parallel()
	var d doorkeeper
	d.decide = func(r *http.Request, _ httpapi.Operation) (string, error) { return r.Header.Get("X-User"), nil }
	svc := product.NewService(sqliteStore(t), nil)
	t.Cleanup(func() { _ = svc.Close(t.Context()) })
	var log bytes.Buffer
	h, err := httpapi.NewHandler(svc, &httpapi.Options{Authorize: d.authorize, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	a := serve(t, svc, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(product.WithActor(r.Context(), "the middleware's")))
	}), "")
	p := a.do("POST", "/products", newProduct, "X-User", "ann", "Idempotency-Key", "k").is(201).item()
	a.do("POST", "/products", newProduct, "X-User", "bob", "Idempotency-Key", "k").fails(409, "sku-taken")
	require.Equal(t, "true", a.do("POST", "/products", newProduct, "X-User", "ann", "Idempotency-Key", "k").is(201).header.Get("Idempotency-Replayed"))
	a.do("POST", "/products/"+p.ID+"/stock", `{"delta":1}`).is(200)
	var history struct{ Items []struct{ Actor string } }
	a.do("GET", "/products/"+p.ID+"/history", "").json(&history)
	require.Equal(t, "ann", history.Items[0].Actor)
	require.Equal(t, "the middleware's", history.Items[1].Actor)

	require.Empty(t, log.String())
	a.do("DELETE", "/products/"+p.ID, "", "X-User", strings.Repeat("x", product.MaxReasonLen+1)).fails(500, "internal")
	require.Contains(t, log.String(), "actor that no history can hold")
}

// A host may say how to authenticate and when to come back, and its waiting has the request's end.
func TestAuthorizeSaysHowAndWhen(t *testing.T) {
	t.Parallel()
	var d doorkeeper
	a := newAPI(t, &httpapi.Options{Authorize: d.authorize, Challenge: `Basic realm="shop"`, Timeout: 50 * time.Millisecond})
	d.refuse(httpapi.ErrUnauthenticated)
	require.Equal(t, `Basic realm="shop"`, a.do("GET", "/products", "").fails401().Get("WWW-Authenticate"))
	for after, told := range map[time.Duration]string{0: "1", time.Second: "1", 1500 * time.Millisecond: "2", time.Hour: "3600"} {
		d.refuse(errors.Join(&httpapi.TooManyRequestsError{RetryAfter: after}))
		r := a.do("GET", "/products", "")
		r.fails(429, "too-many-requests")
		require.Equal(t, told, r.header.Get("Retry-After"))
	}
	d.decide = func(r *http.Request, _ httpapi.Operation) (string, error) {
		<-r.Context().Done()
		return "", fmt.Errorf("the session store: %w", context.Cause(r.Context()))
	}
	a.do("GET", "/products", "").fails(503, "timeout")

	_, err := httpapi.NewHandler(a.svc, &httpapi.Options{Challenge: "Bearer\r\nX-Evil: 1"})
	require.ErrorContains(t, err, "Challenge")
}

func (r answer) fails401() http.Header {
	r.t.Helper()
	r.fails(401, "unauthenticated")
	return r.header
}
