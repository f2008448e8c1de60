package httpapi_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStockIsAResourceOfItsOwn(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		p, etag := a.create("A", `"stock":5`)
		path := "/products/" + p.ID
		first := a.do("GET", path+"/stock", "").is(200)
		require.JSONEq(t, `{"on_hand":5,"reserved":0,"available":5}`, string(first.body))
		require.Equal(t, "private, no-cache", first.header.Get("Cache-Control"))

		taken := a.do("POST", path+"/stock", `{"delta":-3,"reason":"order 17"}`).is(200)
		require.JSONEq(t, `{"on_hand":2,"reserved":0,"available":2}`, string(taken.body))
		require.NotEqual(t, first.etag(), taken.etag())
		short := a.do("POST", path+"/stock", `{"delta":-3}`).fails(409, "insufficient-stock")
		require.Equal(t, p.ID, short.Product)
		require.Equal(t, "A", short.SKU)
		require.EqualValues(t, 3, *short.Wanted)
		require.EqualValues(t, 2, *short.Available)

		a.do("PUT", path+"/stock", `{"on_hand":40}`, "If-Match", first.etag()).fails(412, "precondition-failed")
		a.do("PUT", path+"/stock", `{"on_hand":40}`, "If-Match", etag).fails(412, "precondition-failed")
		counted := a.do("PUT", path+"/stock", `{"on_hand":40}`, "If-Match", taken.etag()).is(200)
		require.JSONEq(t, `{"on_hand":40,"reserved":0,"available":40}`, string(counted.body))
		require.Equal(t, counted.etag(), a.do("PUT", path+"/stock", `{"on_hand":40}`).is(200).etag())

		require.Equal(t, etag, a.do("GET", path, "").is(200).etag())
		both := a.do("GET", path+"?include=stock", "").is(200)
		require.Equal(t, &stockDoc{OnHand: 40, Available: 40}, both.item().Stock)
		a.do("POST", path+"/stock", `{"delta":1}`).is(200)
		a.do("GET", path+"?include=stock", "", "If-None-Match", both.etag()).is(200)
		a.do("GET", path, "", "If-None-Match", etag).is(304)

		a.do("POST", path+"/stock", `{"delta":1,"reason":"a\nb"}`).fails(422, "invalid", "reason format")
		a.do("PUT", path+"/stock", `{"on_hand":-1}`).fails(422, "invalid", "on_hand range")
		a.do("POST", path+"/stock", `{"delta":9007199254740991}`).fails(422, "invalid", "delta range")
		require.JSONEq(t, `{"on_hand":41,"reserved":0,"available":41}`, string(a.do("GET", path+"/stock", "").is(200).body))

		b, _ := a.create("B", `"backorder":true`)
		require.JSONEq(t, `{"on_hand":-2,"reserved":0,"available":-2}`, string(a.do("POST", "/products/"+b.ID+"/stock", `{"delta":-2}`).is(200).body))
	})
}

func TestStockNeverOversells(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		p, etag := a.create("A", `"stock":50`)
		var sold, refused atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				switch r := a.do("POST", "/products/"+p.ID+"/stock", fmt.Sprintf(`{"delta":-1,"reason":"order %d"}`, i)); r.status {
				case 200:
					sold.Add(1)
				case 409:
					refused.Add(1)
				default:
					t.Errorf("%d: %s", r.status, r.body)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 50, sold.Load())
		require.EqualValues(t, 50, refused.Load())
		r := a.do("GET", "/products/"+p.ID+"?include=stock", "").is(200)
		require.Zero(t, r.item().Stock.OnHand)
		require.Equal(t, etag, a.do("GET", "/products/"+p.ID, "").etag())
	})
}

func TestWritesAnswerWithTheStockOfTheirMoment(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		body := `{"sku":"A","name":"n","price":{"amount":1,"currency":"EUR"},"stock":5}`
		made := a.do("POST", "/products?include=stock", body, "Idempotency-Key", "k").is(201)
		require.Equal(t, &stockDoc{OnHand: 5, Available: 5}, made.item().Stock)
		path := "/products/" + made.item().ID
		require.Equal(t, path, made.header.Get("Location")[len("/v1"):])
		read := a.do("GET", path+"?include=stock", "").is(200)
		require.Equal(t, string(read.body), string(made.body))
		require.Equal(t, read.etag(), made.etag())
		a.do("POST", path+"/stock", `{"delta":-1}`).is(200)

		for _, c := range []struct{ method, path, body string }{
			{"PATCH", path, `{"name":"m"}`},
			{"PATCH", path, `{}`},
			{"PUT", "/skus/A", `{"name":"o","price":{"amount":1,"currency":"EUR"}}`},
			{"POST", path + "/restore", ""},
		} {
			wrote := a.do(c.method, c.path+"?include=stock", c.body, "If-Match", "*").is(200)
			require.Equal(t, &stockDoc{OnHand: 4, Available: 4}, wrote.item().Stock)
			read := a.do("GET", path+"?include=stock", "").is(200)
			require.Equal(t, string(read.body), string(wrote.body), c.path)
			require.Equal(t, read.etag(), wrote.etag())
			a.do("GET", path+"?include=stock", "", "If-None-Match", wrote.etag()).is(304)
		}
		// A repeated write shows what there was, and the tag says so.
		again := a.do("POST", "/products?include=stock", body, "Idempotency-Key", "k").is(201)
		require.Equal(t, string(made.body), string(again.body))
		require.Equal(t, made.etag(), again.etag())
		require.Nil(t, a.do("PUT", "/skus/B", `{"name":"o","price":{"amount":1,"currency":"EUR"}}`).is(201).item().Stock)
		few := a.do("PUT", "/skus/C?include=stock&fields=sku", `{"name":"o","price":{"amount":1,"currency":"EUR"},"stock":2}`).is(201)
		require.Equal(t, `{"id":"`+few.item().ID+`","sku":"C","stock":{"on_hand":2,"reserved":0,"available":2}}`, string(few.body))
		a.do("PATCH", path+"?include=all", `{}`).fails(400, "invalid-parameter", "include unknown")
		a.do("DELETE", path+"?include=stock", "").fails(400, "invalid-parameter", "include unknown")
	})
}
