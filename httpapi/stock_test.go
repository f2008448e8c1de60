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
