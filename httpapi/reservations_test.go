package httpapi_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

// reservationDoc is a reservation.
type reservationDoc struct {
	Key       string                    `json:"key"`
	State     string                    `json:"state"`
	Items     []product.ReservationItem `json:"items"`
	CreatedAt time.Time                 `json:"created_at"`
	ExpiresAt time.Time                 `json:"expires_at"`
	SettledAt *time.Time                `json:"settled_at"`
}

func (r answer) reservation() reservationDoc {
	r.t.Helper()
	require.Equal(r.t, "private, no-cache", r.header.Get("Cache-Control"))
	var doc reservationDoc
	r.json(&doc)
	return doc
}

// stockOf reads the stock of the product that has a SKU.
func (a *api) stockOf(sku string) stockDoc {
	a.t.Helper()
	return *a.do("GET", "/skus/"+sku+"?include=stock", "").is(200).item().Stock
}

func TestAReservationsLife(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		p, _ := a.create("A", `"stock":5`)
		q, _ := a.create("B", `"stock":5`)
		const cart = "/reservations/a%2Fb%20%C3%A4"
		first := a.do("PUT", cart, `{"items":[{"sku":"A","quantity":2},{"sku":"B","quantity":5}],"expires_in_seconds":3600}`).is(201)
		held := first.reservation()
		require.Equal(t, "a/b ä", held.Key)
		require.Equal(t, "held", held.State)
		require.Equal(t, p.ID, held.Items[0].ProductID.String())
		require.Equal(t, q.ID, held.Items[1].ProductID.String())
		require.Equal(t, time.Hour, held.ExpiresAt.Sub(held.CreatedAt))
		require.Nil(t, held.SettledAt)
		require.Equal(t, stockDoc{OnHand: 5, Reserved: 2, Available: 3}, a.stockOf("A"))

		// The same in another order, with another expiry and whatever Idempotency-Key.
		again := a.do("PUT", cart, `{"items":[{"sku":"B","quantity":5},{"sku":"A","quantity":2}],"expires_in_seconds":null}`, "Idempotency-Key", "k").is(200)
		require.Equal(t, string(first.body), string(again.body))
		require.Equal(t, string(first.body), string(a.do("GET", cart, "").is(200).body))
		a.do("PUT", cart, `{"items":[{"sku":"A","quantity":3},{"sku":"B","quantity":5}]}`, "Idempotency-Key", "k").fails(409, "reservation-differs")

		short := a.do("PUT", "/reservations/2", `{"items":[{"sku":"A","quantity":4},{"sku":"B","quantity":1}]}`).fails(409, "insufficient-stock")
		require.Equal(t, []shortDoc{{p.ID, "A", 4, 3}, {q.ID, "B", 1, 0}}, short.Short)
		a.do("GET", "/reservations/2", "").fails(404, "reservation-not-found")
		a.do("PUT", "/reservations/2", `{"items":[{"sku":"A","quantity":1},{"sku":"NONE","quantity":1}]}`).fails(422, "invalid", "items[1].sku unknown")
		require.Equal(t, stockDoc{OnHand: 5, Reserved: 2, Available: 3}, a.stockOf("A"))

		committed := a.do("POST", cart+"/commit", "").is(200)
		require.Equal(t, "committed", committed.reservation().State)
		require.NotNil(t, committed.reservation().SettledAt)
		require.Equal(t, string(committed.body), string(a.do("POST", cart+"/commit", "").is(200).body))
		a.do("DELETE", cart, "").fails(409, "reservation-committed")
		require.Equal(t, stockDoc{OnHand: 3, Available: 3}, a.stockOf("A"))
		require.Equal(t, stockDoc{}, a.stockOf("B"))

		defaulted := a.do("PUT", "/reservations/2", `{"items":[{"sku":"A","quantity":3}]}`).is(201).reservation()
		require.Equal(t, product.DefaultExpiry, defaulted.ExpiresAt.Sub(defaulted.CreatedAt))
		released := a.do("DELETE", "/reservations/2", "").is(200)
		require.Equal(t, "released", released.reservation().State)
		require.Equal(t, string(released.body), string(a.do("DELETE", "/reservations/2", "").is(200).body))
		a.do("POST", "/reservations/2/commit", "").fails(409, "reservation-released")
		a.do("PUT", "/reservations/2", `{"items":[{"sku":"A","quantity":3}]}`).fails(409, "reservation-released")
		require.Equal(t, stockDoc{OnHand: 3, Available: 3}, a.stockOf("A"))
	})
}

func TestAReservationExpiresByItself(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	svc := storetest.NewService(t, sqliteStore(t), &product.Options{Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	h, err := httpapi.NewHandler(svc, nil)
	require.NoError(t, err)
	a := serve(t, svc, h, "")
	a.create("A", `"stock":5`)
	cart := `{"items":[{"sku":"A","quantity":5}],"expires_in_seconds":900}`
	a.do("PUT", "/reservations/1", cart).is(201)
	later.Store(int64(15 * time.Minute))
	require.Equal(t, "expired", a.do("GET", "/reservations/1", "").is(200).reservation().State)
	require.Equal(t, stockDoc{OnHand: 5, Available: 5}, a.stockOf("A"))
	a.do("POST", "/reservations/1/commit", "").fails(409, "reservation-expired")
	a.do("PUT", "/reservations/1", cart).fails(409, "reservation-expired")
	require.Equal(t, "expired", a.do("DELETE", "/reservations/1", "").is(200).reservation().State)
	a.do("PUT", "/reservations/2", cart).is(201)
}

func TestAReservationThatIsNotUnderstoodIsRefusedWithAllItsFaults(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.create("A", `"stock":5`)
	for body, errs := range map[string][]string{
		`{}`:             {"items required"},
		`{"items":[]}`:   {"items required"},
		`{"items":{}}`:   {"items type"},
		`{"items":null}`: {"items type"},
		`[]`:             {" type", "items required"},
		items(`{"sku":"A","quantity":1}`, `7`, `{"sku":"A","quantity":"1","id":1}`, `{"sku":"","quantity":0}`, `{"quantity":-1}`, `{"sku":"B"}`, `{"sku":"C","quantity":null}`): {
			"items[1] type", "items[2].quantity type", "items[2].id unknown", "items[5].quantity required", "items[6].quantity required",
			"items[2].sku duplicate", "items[3].sku required", "items[3].quantity range", "items[4].sku required", "items[4].quantity range"},
		`{"items":[{"sku":"A","quantity":1}],"expires_in_seconds":0}`:       {"expires_in_seconds range"},
		`{"items":[{"sku":"A","quantity":1}],"expires_in_seconds":2592001}`: {"expires_in_seconds range"},
		`{"items":[{"sku":"A","quantity":1}],"expires_in_seconds":1.5}`:     {"expires_in_seconds type"},
		`{"items":[{"sku":"A","quantity":9007199254740992}],"expires":"x"}`: {"items[0].quantity range", "expires unknown"},
	} {
		a.do("PUT", "/reservations/1", body).fails(422, "invalid", errs...)
	}
	one := items(`{"sku":"A","quantity":1}`)
	a.do("PUT", "/reservations/1", items(strings.Repeat(`{"sku":"A","quantity":1},`, product.MaxReservationItems)+`{"sku":"B","quantity":1}`)).fails(422, "invalid", "items too_many")
	a.do("PUT", "/reservations/1", `{"items":[{"sku":"A","sku":"A","quantity":1}]}`).fails(400, "malformed-body")
	a.do("PUT", "/reservations/1", one, "Content-Type", "text/csv").fails(415, "unsupported-media-type")
	a.do("PUT", "/reservations/1?force=true", one).fails(400, "invalid-parameter", "force unknown")
	for _, key := range []string{"a%0Ab", "%FF", "%20a", strings.Repeat("k", product.MaxReservationKeyLen+1)} {
		a.do("PUT", "/reservations/"+key, one).fails(422, "invalid")
		a.do("GET", "/reservations/"+key, "").fails(404, "reservation-not-found")
	}
	a.do("PUT", "/reservations/%20a", `{"items":[{"sku":"A","quantity":"1"}]}`).fails(422, "invalid", "items[0].quantity type", "key format")
	a.do("PUT", "/reservations/%2F", one).fails(404, "unknown-path")
	a.do("POST", "/reservations/1", one).fails(405, "method-not-allowed")
	a.do("GET", "/reservations/1/commit", "").fails(405, "method-not-allowed")
	for _, request := range [][2]string{{"GET", ""}, {"DELETE", ""}, {"POST", "/commit"}} {
		a.do(request[0], "/reservations/1"+request[1], "").fails(404, "reservation-not-found")
	}
	require.Equal(t, stockDoc{OnHand: 5, Available: 5}, a.stockOf("A"))
}

func TestReservationsNeverOversell(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		a.create("A", `"stock":10`)
		a.create("B", `"stock":100`)
		var sold, refused atomic.Int64
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				path := fmt.Sprintf("/reservations/cart-%d", i)
				first, second := "A", "B"
				if i%2 == 0 {
					first, second = second, first
				}
				switch r := a.do("PUT", path, items(`{"sku":"`+first+`","quantity":1}`, `{"sku":"`+second+`","quantity":1}`)); r.status {
				case 201:
					sold.Add(1)
					a.do("POST", path+"/commit", "").is(200)
				case 409:
					refused.Add(1)
				default:
					t.Errorf("%d: %s", r.status, r.body)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 10, sold.Load())
		require.EqualValues(t, 20, refused.Load())
		require.Equal(t, stockDoc{}, a.stockOf("A"))
		require.Equal(t, stockDoc{OnHand: 90, Available: 90}, a.stockOf("B"))
	})
}

// Its key makes each request about a reservation safe to repeat, and the answer says so.
func TestAnUnknownOutcomeOfAReservationIsAskedForAgain(t *testing.T) {
	t.Parallel()
	a := serveStore(t, failing{product.ErrOutcomeUnknown}, nil)
	for _, request := range [][3]string{{"PUT", "/reservations/1", items(`{"sku":"A","quantity":1}`)}, {"POST", "/reservations/1/commit", ""}, {"DELETE", "/reservations/1", ""}} {
		r := a.do(request[0], request[1], request[2])
		require.Contains(t, r.fails(503, "outcome-unknown").Detail, "same key")
		require.Equal(t, "1", r.header.Get("Retry-After"))
	}
}
