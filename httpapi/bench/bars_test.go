//go:build !race

package bench

import (
	"context"
	"flag"
	"fmt"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

var runs = flag.Int("runs", 1, "take the median of so many runs")

// sink is a ResponseWriter that costs nothing.
type sink struct {
	header http.Header
	n      int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { s.n += len(b); return len(b), nil }

// TestBars prints a line for each measure, "measure ours theirs ratio bar ok|short", and fails if one
// is short. The bars are on handlers of the same Service, which is what a host would have behind any
// of them; those without, whose product costs nothing, are for information. The race detector slows
// some code down more than other, so "make test" leaves this out.
func TestBars(t *testing.T) {
	svc, ours := catalogue(t)
	r := request(t)
	serve := func(h http.Handler) func() {
		w := &sink{header: make(http.Header)}
		return func() {
			clear(w.header)
			w.n = 0
			h.ServeHTTP(w, r)
			require.NotZero(t, w.n)
		}
	}
	key := uuid.MustParse(id)
	rivals := []func(){
		serve(ours),
		serve(byHand(through(svc))), serve(withHuma(through(svc))),
		serve(byHand(direct)), serve(withHuma(direct)),
		func() { _, _ = svc.Get(context.Background(), key) },
	}
	allocs := make([]float64, len(rivals))
	for i, rival := range rivals {
		allocs[i] = testing.AllocsPerRun(1000, rival)
	}
	service := allocs[5]
	times := make([][]float64, len(rivals))
	for range *runs {
		for i, took := range race(rivals) {
			times[i] = append(times[i], took)
		}
	}
	nanoseconds := func(name string, theirs int, most float64) {
		ratios := make([]float64, *runs)
		for i := range ratios {
			ratios[i] = times[0][i] / times[theirs][i]
		}
		ratio := middle(ratios)
		report(t, "GET: nanoseconds ("+name+")", middle(times[0]), middle(times[theirs]), ratio, ratio, most)
	}
	allocations := func(name string, theirs, most float64) {
		own := allocs[0] - service
		report(t, "GET: allocations, the Service's apart ("+name+")", own, theirs, own/theirs, own, most)
	}

	fmt.Printf("%-54s %8s %8s %8s %8s\n", "measure", "ours", "theirs", "ratio", "bar")
	nanoseconds("by hand", 1, 2.5)
	nanoseconds("huma", 2, 1)
	nanoseconds("by hand, no Service", 3, math.Inf(1))
	nanoseconds("huma, no Service", 4, math.Inf(1))
	allocations("by hand", allocs[3], 15)
	allocations("huma", allocs[4], allocs[4])
}

// report holds a value against the most that it may be; infinite is for information.
func report(t *testing.T, name string, ours, theirs, ratio, value, most float64) {
	bar, verdict := "-", ""
	switch {
	case value > most:
		bar, verdict = fmt.Sprintf("≤ %g", most), "short"
		t.Errorf("%s is short: %.4g, want %s", name, value, bar)
	case most < math.Inf(1):
		bar, verdict = fmt.Sprintf("≤ %g", most), "ok"
	}
	fmt.Printf("%-54s %8.4g %8.4g %8.3f %8s  %s\n", name, ours, theirs, ratio, bar, verdict)
}

// race returns the nanoseconds that each takes. They take turns in short slices of one garbage
// collection and more, and the best counts: it is the one that the machine's other load disturbed
// least.
func race(rivals []func()) []float64 {
	const rounds, calls = 20, 2000
	best := make([]float64, len(rivals))
	for range rounds {
		for i, rival := range rivals {
			start := time.Now()
			for range calls {
				rival()
			}
			if took := float64(time.Since(start)) / calls; best[i] == 0 || took < best[i] {
				best[i] = took
			}
		}
	}
	return best
}

func middle(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }
