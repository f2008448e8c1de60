package console

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every duration lies in its bucket, and buckets are a quarter of their beginning wide at most.
func TestSpansHoldTheirDurations(t *testing.T) {
	t.Parallel()
	for d := time.Microsecond; d < 40*time.Second; d += d/7 + 1 {
		i := spanOf(d)
		require.Less(t, d, spanEnd(i), "%v in %d", d, i)
		if i > 0 {
			require.GreaterOrEqual(t, d, spanEnd(i-1), "%v in %d", d, i)
		}
		if i > 4 {
			require.LessOrEqual(t, float64(spanEnd(i)), 1.2501*float64(spanEnd(i-1)))
		}
	}
	require.Equal(t, spans-1, spanOf(time.Hour))
	require.Equal(t, 0, spanOf(-time.Second))
}

// Routes are told apart up to a bound, and what lies between two moments is what was counted there.
func TestRequestsAreCountedByRoute(t *testing.T) {
	t.Parallel()
	var q Requests
	for i := range 100 {
		q.Observe("GET /a", 200, time.Duration(i+1)*time.Millisecond)
	}
	before := q.totals(nil)
	q.Observe("GET /b", 503, time.Second)
	after := q.totals(before)
	require.Same(t, before["GET /a"], after["GET /a"])
	a, b := after["GET /a"].since(nil), after["GET /b"].since(before["GET /b"])
	require.EqualValues(t, 100, a.count())
	require.InDelta(t, 50*time.Millisecond, a.quantile(.5), float64(13*time.Millisecond))
	require.InDelta(t, 99*time.Millisecond, a.quantile(.99), float64(25*time.Millisecond))
	require.EqualValues(t, 1, b.failed)
	require.Zero(t, after["GET /a"].since(before["GET /a"]).count())
	for i := range 3 * maxRoutes {
		q.Observe(string(rune('0'+i)), 200, 0)
	}
	require.LessOrEqual(t, len(q.totals(nil)), maxRoutes+1)
	require.EqualValues(t, 3*maxRoutes-(maxRoutes-2), q.totals(nil)[otherRoute].since(nil).count())
}

func BenchmarkObserve(b *testing.B) {
	var q Requests
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			q.Observe("GET /v1/products/{id}", 200, 300*time.Microsecond)
		}
	})
}

// A line has a gap where nothing was measured, and stays within its picture.
func TestPlotsHaveGaps(t *testing.T) {
	t.Parallel()
	now := time.Now()
	at, nan := []time.Time{now.Add(-sampleSpan), now.Add(-10 * time.Second), now}, math.NaN()
	p := newPlot("Latency", at, lasting, series{"", []float64{1e6, nan, 2e6}})
	require.Equal(t, "M0.0 29.0h.1M300.0 3.0h.1", p.Lines[0].Path)
	require.Equal(t, "2 ms", p.Now)
	require.Equal(t, "Latency, the last 15 minutes: now 2 ms; at most 2 ms", p.Said)
	none := newPlot("Latency", at, lasting, series{"", []float64{nan, nan, nan}})
	require.Equal(t, "–", none.Now)
	require.Empty(t, none.Lines[0].Path)
}
