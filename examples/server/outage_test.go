//go:build linux

package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/examples/internal/strictload"
	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/testscale"
)

// outage is what clients see of a database that is down and comes back.
type outage struct {
	clients  sync.WaitGroup
	end      chan struct{}
	slowest  atomic.Int64
	failures atomic.Value
	ok, down atomic.Int64
}

func (o *outage) ask(address, id string) {
	body := `{"delta":1}`
	for i := range 16 {
		request := "GET /v1/products/" + id + " HTTP/1.1\r\nHost: x\r\n\r\n"
		if i%2 == 0 {
			request = fmt.Sprintf("POST /v1/products/%s/stock HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", id, len(body), body)
		}
		o.clients.Go(func() {
			c := &strictload.Client{Address: address}
			defer c.Close()
			for {
				select {
				case <-o.end:
					return
				default:
				}
				begin := time.Now()
				status, err := c.RoundTrip(request)
				took := time.Since(begin)
				for old := o.slowest.Load(); int64(took) > old && !o.slowest.CompareAndSwap(old, int64(took)); old = o.slowest.Load() {
				}
				switch {
				case err == nil && status == 200:
					o.ok.Add(1)
				case err == nil && status == 503:
					o.down.Add(1)
					time.Sleep(50 * time.Millisecond) // as Retry-After asks, only sooner
				default:
					o.failures.Store(fmt.Errorf("%d: %w", status, err))
					return
				}
			}
		})
	}
}

// A database that is killed, or that accepts and says nothing, makes answers of 503 within the
// deadline, and nothing pile up. When it is back, so is the service, without a restart.
func TestTheServerOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	db := mysqltest.Start(t, &mysqltest.Options{Flavor: mysqltest.MariaDB})
	_, err := db.Admin().ExecContext(t.Context(), "CREATE DATABASE shop")
	require.NoError(t, err)
	c := db.Config()
	c.DBName = "shop"
	p := start(t, "DATABASE_URL="+c.FormatDSN(), "LOG_LEVEL=ERROR")
	id := p.stocked(t, 5)
	o := &outage{end: make(chan struct{})}
	o.ask(strings.TrimPrefix(p.url, "http://"), id)
	more := func(n *atomic.Int64) {
		t.Helper()
		before := n.Load()
		require.Eventually(t, func() bool { return n.Load() > before+32 }, 30*time.Second, time.Millisecond)
	}
	more(&o.ok)
	goroutines, memory := p.observed(t, "process:goroutines"), p.observed(t, "process:memory")
	for name, c := range map[string]struct{ down, back func() }{
		"killed":   {func() { db.Kill(t) }, func() { db.Start(t) }},
		"stalling": {func() { db.Pause(t) }, func() { db.Resume(t) }},
	} {
		p.ready(t, 200)
		c.down()
		p.ready(t, 503)
		more(&o.down)
		require.Equal(t, 200, p.call(t, "GET", "/livez", "").status)
		for end := time.Now().Add(testscale.N(time.Second, 30*time.Second)); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			require.Less(t, p.observed(t, "process:goroutines"), 2*goroutines+32, name)
			require.Less(t, p.observed(t, "process:memory"), memory+64e6, name)
		}
		answer := p.call(t, "GET", "/v1/products/"+id, "")
		require.Equal(t, 503, answer.status, answer.body)
		require.NotEmpty(t, answer.header.Get("Retry-After"))
		require.NotContains(t, answer.body, db.Addr())
		c.back()
		begin := time.Now()
		more(&o.ok)
		t.Logf("%s: served again %v after it was back", name, time.Since(begin).Round(time.Millisecond))
	}
	close(o.end)
	o.clients.Wait()
	require.Nil(t, o.failures.Load())
	require.Less(t, time.Duration(o.slowest.Load()), 16*time.Second, "the API's deadline is 15 s")
	t.Logf("%d answered, %d refused, the slowest after %v", o.ok.Load(), o.down.Load(), time.Duration(o.slowest.Load()).Round(time.Millisecond))
	p.stop(t)
}
