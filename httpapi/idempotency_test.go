package httpapi_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

func TestRequestsWithAnIdempotencyKeyAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		p, _ := a.create("A", `"stock":10`)
		product := "/products/" + p.ID
		for _, c := range []struct {
			name, method, path, body string
			headers                  []string
			status                   int
			between                  string // a patch that must not show in the second answer
		}{
			{"create", "POST", "/products", `{"sku":"B","name":"n","price":{"amount":1,"currency":"EUR"}}`, nil, 201, ""},
			{"sell", "POST", product + "/stock", `{"delta":-1,"reason":"order 1"}`, nil, 200, ""},
			{"count", "PUT", product + "/stock", `{"on_hand":7}`, []string{"If-Match", "*"}, 200, ""},
			{"patch", "PATCH", product, `{"name":"New"}`, []string{"If-Match", `"` + p.ID + `.1"`}, 200, `{"name":"Newer"}`},
			{"put new", "PUT", "/skus/C", `{"name":"n","price":{"amount":1,"currency":"EUR"}}`, []string{"If-None-Match", "*"}, 201, ""},
			{"delete", "DELETE", product, "", nil, 204, ""},
			{"restore", "POST", product + "/restore", "", nil, 200, `{"name":"Newest"}`},
		} {
			headers := append([]string{"Idempotency-Key", c.name}, c.headers...)
			first := a.do(c.method, c.path, c.body, headers...).is(c.status)
			require.Empty(t, first.header.Get("Idempotency-Replayed"), c.name)
			if c.between != "" {
				a.do("PATCH", product, c.between).is(200)
			}
			again := a.do(c.method, c.path, c.body, headers...).is(c.status)
			require.Equal(t, "true", again.header.Get("Idempotency-Replayed"), c.name)
			require.Equal(t, string(first.body), string(again.body), c.name)
			for _, name := range []string{"ETag", "Location", "Content-Type"} {
				require.Equal(t, first.header.Get(name), again.header.Get(name), c.name)
			}
		}
		a.do("POST", product+"/stock", `{"delta":-2}`, "Idempotency-Key", "sell").fails(422, "idempotency-key-reused")
		a.do("POST", product+"/stock", `{"delta":-8}`, "Idempotency-Key", "too many").fails(409, "insufficient-stock")
		require.Equal(t, int64(7), a.do("GET", product+"?include=stock", "").is(200).item().Stock.OnHand)
	})
}

func TestEqualRequestsAtOnceWaitForTheFirst(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		p, _ := a.create("A", `"stock":10`)
		var bodies sync.Map
		var firsts atomic.Int64
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				r := a.do("POST", "/products/"+p.ID+"/stock", `{"delta":-1}`, "Idempotency-Key", "k")
				if r.status == 200 && r.header.Get("Idempotency-Replayed") == "" {
					firsts.Add(1)
				}
				bodies.Store(string(r.body), true)
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, firsts.Load())
		bodies.Range(func(body, _ any) bool {
			require.Equal(t, `{"on_hand":9,"reserved":0,"available":9}`, body)
			return true
		})
	})
}

func TestWrongIdempotencyKeysAreRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	for _, key := range []string{strings.Repeat("k", 256), "\xff"} {
		a.do("POST", "/products", newProduct, "Idempotency-Key", key).fails(400, "invalid-header")
	}
	a.do("POST", "/products", newProduct, "Idempotency-Key", "a", "Idempotency-Key", "b").fails(400, "invalid-header")
	a.do("POST", "/import?format=shopify&currency=EUR", "x", "Idempotency-Key", "k").fails(400, "invalid-header")
	a.do("GET", "/skus/A", "").is(404)
	a.do("POST", "/products", newProduct, "Idempotency-Key", strings.Repeat("ä", 255)).is(201)
}

// Whoever is told that the outcome is unknown may ask again with the same key.
func TestAnUnknownOutcomeIsAskedForAgainWithTheKey(t *testing.T) {
	t.Parallel()
	g := newGate(sqliteStore(t))
	a := serveStore(t, g, &httpapi.Options{Timeout: 50 * time.Millisecond})
	r := a.createInVain("Idempotency-Key", "k")
	require.Contains(t, r.fails(503, "outcome-unknown").Detail, "same key")
	require.Equal(t, "1", r.header.Get("Retry-After"))
	close(g.open)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for (r.status == 503 || r.status == 409) && ctx.Err() == nil {
		r = a.do("POST", "/products", newProduct, "Idempotency-Key", "k")
	}
	r.is(201)
	require.Equal(t, int64(1), r.item().Version)
}

func TestARequestThatCannotWaitForTheOneWithItsKeyConflicts(t *testing.T) {
	t.Parallel()
	g := newGate(sqliteStore(t))
	a := serveStore(t, g, &httpapi.Options{Timeout: 200 * time.Millisecond})
	var first sync.WaitGroup
	first.Go(func() {
		_, err := a.svc.AdjustStock(product.WithIdempotencyKey(t.Context(), "k"), uuid.MustParse(unknownID), 1, "", product.Expect{})
		require.ErrorIs(t, err, product.ErrNotFound)
	})
	<-g.arrived
	path := "/products/" + unknownID + "/stock"
	r := a.do("POST", path, `{"delta":1}`, "Idempotency-Key", "k")
	for end := time.Now().Add(30 * time.Second); r.status != 409 && time.Now().Before(end); {
		r = a.do("POST", path, `{"delta":1}`, "Idempotency-Key", "k") // the machine stalled
	}
	r.fails(409, "idempotency-key-underway")
	require.Equal(t, "1", r.header.Get("Retry-After"))
	require.NotEqual(t, 409, a.do("POST", path, `{"delta":1}`, "Idempotency-Key", "another").status)
	close(g.open)
	first.Wait()
}
