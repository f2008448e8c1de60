package console

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// Requests counts a host's requests by route, for the page of operations. The zero value is ready, and it is
// safe for concurrent use:
//
//	requests.Observe(r.Pattern, status, took) // where the host measures its requests anyway
//
// It takes no lock once a route is known; BenchmarkObserve says what it costs.
type Requests struct {
	routes sync.Map // *routeCounts by route
	known  atomic.Int64
}

const (
	// maxRoutes bounds what is told apart; further routes are counted together, for a route ought to be a
	// pattern and may be a path.
	maxRoutes  = 100
	otherRoute = "(others)"

	// spans is how many buckets durations are counted in: of 16 µs up to 64 µs, then four to a doubling,
	// so that a percentile is at most a quarter too high; the last one holds all from 50 s on.
	spans = 88
)

// routeCounts are totals since the start. They wrap around, which differences do not mind.
type routeCounts struct {
	spans  [spans]atomic.Uint32
	failed atomic.Uint32 // statuses from 500 on
}

// Observe counts a request that has been answered. A route that is not known, because none matched, is "".
func (q *Requests) Observe(route string, status int, took time.Duration) {
	counts, ok := q.routes.Load(route)
	if !ok {
		if q.known.Load() >= maxRoutes {
			route = otherRoute
		}
		if counts, ok = q.routes.LoadOrStore(route, new(routeCounts)); !ok {
			q.known.Add(1)
		}
	}
	c := counts.(*routeCounts)
	c.spans[spanOf(took)].Add(1)
	if status >= 500 {
		c.failed.Add(1)
	}
}

// spanOf is the bucket of a duration.
func spanOf(d time.Duration) int {
	units := uint64(max(d, 0)) >> 14
	if units < 4 {
		return int(units)
	}
	doublings := bits.Len64(units) - 3
	return min(4*doublings+int(units>>doublings), spans-1)
}

// spanEnd is the end of a bucket.
func spanEnd(i int) time.Duration {
	if i < 4 {
		return time.Duration(i+1) << 14
	}
	return time.Duration(i%4+5) << (14 + i/4 - 1)
}

// requestTotals are what a route has counted until a moment, or between two.
type requestTotals struct {
	spans  [spans]uint32
	failed uint32
}

// totals returns those of every route. What has not changed since before is shared with it, so that routes
// nobody uses take no room.
func (q *Requests) totals(before map[string]*requestTotals) map[string]*requestTotals {
	all := make(map[string]*requestTotals)
	if q == nil {
		return all
	}
	q.routes.Range(func(route, counts any) bool {
		var t requestTotals
		c := counts.(*routeCounts)
		for i := range c.spans {
			t.spans[i] = c.spans[i].Load()
		}
		t.failed = c.failed.Load()
		if was := before[route.(string)]; was != nil && *was == t {
			all[route.(string)] = was
		} else {
			all[route.(string)] = &t
		}
		return true
	})
	return all
}

// since is what came after before, of which there may be nothing.
func (t *requestTotals) since(before *requestTotals) requestTotals {
	if t == nil {
		return requestTotals{}
	}
	d := *t
	if before != nil {
		for i := range d.spans {
			d.spans[i] -= before.spans[i]
		}
		d.failed -= before.failed
	}
	return d
}

// add sums up.
func (t *requestTotals) add(other requestTotals) {
	for i, n := range other.spans {
		t.spans[i] += n
	}
	t.failed += other.failed
}

func (t requestTotals) count() (n int64) {
	for _, c := range t.spans {
		n += int64(c)
	}
	return n
}

// quantile is the end of the bucket below which the fraction q of all stayed; 0 if there were none.
func (t requestTotals) quantile(q float64) time.Duration {
	rank, seen := max(int64(q*float64(t.count())+.5), 1), int64(0)
	for i, n := range t.spans {
		if seen += int64(n); n > 0 && seen >= rank {
			return spanEnd(i)
		}
	}
	return 0
}
