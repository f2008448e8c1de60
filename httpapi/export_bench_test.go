package httpapi_test

import (
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
)

// BenchmarkReadsBesideSlowExports compares, in turns, the reads a second that the API serves while
// nobody exports and while five slow clients do. A ratio of 1 says that they disturb nobody.
func BenchmarkReadsBesideSlowExports(b *testing.B) {
	a := newAPI(b, &httpapi.Options{MaxExports: -1}) // those of the turn before may still be ending
	a.big()
	a.create("A")
	defer debug.SetGCPercent(debug.SetGCPercent(1000)) // or the exports' few megabytes would spare the reads most collections
	const turn = 500 * time.Millisecond
	var alone, beside int64
	turns := 0
	a.reads(turn) // to open the connections
	for b.Loop() {
		if turns++; turns%2 == 0 { // each comes as often behind the other
			alone += a.reads(turn)
		}
		end := a.sip(5)
		beside += a.reads(turn)
		end()
		if turns%2 == 1 {
			alone += a.reads(turn)
		}
	}
	b.ReportMetric(float64(alone)/(turn.Seconds()*float64(turns)), "reads/s-alone")
	b.ReportMetric(float64(beside)/(turn.Seconds()*float64(turns)), "reads/s-beside")
	b.ReportMetric(float64(beside)/float64(alone), "ratio")
}

// reads is how many times eight clients get a product meanwhile.
func (a *api) reads(meanwhile time.Duration) int64 {
	var n, failed atomic.Int64
	var clients sync.WaitGroup
	begin := time.Now()
	for range 8 {
		clients.Go(func() {
			for time.Since(begin) < meanwhile {
				res, err := a.client.Get(a.url + "/skus/A")
				if err != nil || res.StatusCode != http.StatusOK {
					failed.Add(1)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				n.Add(1)
			}
		})
	}
	clients.Wait()
	require.Zero(a.t, failed.Load())
	return n.Load()
}

// sip begins n exports whose clients take 16 KiB at a time, twenty times a second, until end is
// called.
func (a *api) sip(n int) (end func()) {
	var clients sync.WaitGroup
	var conns []net.Conn
	for range n {
		conn := a.dawdle()
		conns = append(conns, conn)
		clients.Go(func() {
			pace := time.NewTicker(50 * time.Millisecond)
			defer pace.Stop()
			for {
				if _, err := io.CopyN(io.Discard, conn, 16<<10); err != nil {
					return // it was closed
				}
				<-pace.C
			}
		})
	}
	return func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
		clients.Wait()
	}
}
