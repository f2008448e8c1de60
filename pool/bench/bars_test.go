// Package bench measures the pool against plain database/sql and jackc/puddle,
// side by side in one run: "make bench-pool". It is a module of its own, so that
// nobody who imports the pool pays for puddle.
package bench

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

var (
	runs   = flag.Int("runs", 1, "take the median of so many runs")
	timing = flag.Bool("timing", false, "also measure what depends on the machine: overhead and a real MySQL")
	real   = flag.Bool("real", false, "let waits pass in real time instead of testing/synctest's")
)

func TestMain(m *testing.M) { os.Exit(mysqltest.Main(m).Run()) }

// TestBars prints a line for each measure, "measure ours theirs ratio bar ok|short",
// and fails if one is short. Waiting is measured in simulated time unless -real is
// given: the arrivals are random, the machine's other load does not count.
func TestBars(t *testing.T) {
	fmt.Printf("%-52s %12s %12s %8s %8s\n", "measure", "ours", "theirs", "ratio", "bar")
	waits := func(run func(seed uint64) []line) {
		report(t, func(seed uint64) (lines []line) {
			if *real {
				return run(seed)
			}
			synctest.Test(t, func(*testing.T) {
				lines = run(seed)
				time.Sleep(time.Minute) // until the fake servers have ended what was cancelled
			})
			return lines
		})
	}
	waits(spike)
	waits(stall)
	waits(overload)
	waits(expiry)
	if *timing {
		report(t, func(uint64) []line { return overhead() })
		db := mysqltest.New(t)
		report(t, func(uint64) []line { return pointReads(t, db) })
	}
}

// line is one measure of one run.
type line struct {
	name         string
	ours, theirs float64
	unit         string
	bar          bar
}

// bar is what a measure must reach; the zero bar is for information.
type bar struct {
	of   func(ours, theirs float64) float64
	op   string
	than float64

	rounds []float64 // of notSlower: the ratios of one run's rounds
}

func ratio(ours, theirs float64) float64 { return ours / theirs }
func value(ours, _ float64) float64      { return ours }

func atMost(of func(ours, theirs float64) float64, n float64) bar {
	return bar{of: of, op: "≤", than: n}
}
func atLeast(of func(ours, theirs float64) float64, n float64) bar {
	return bar{of: of, op: "≥", than: n}
}

// notSlower is for measures that are to be equal, whose ratio falls below 1 as often as above: it is met
// unless the rounds show, with 95 % confidence, that we are slower. Rounds that scatter too much to
// show a difference of 3 % are no answer and do not meet it.
func notSlower(rounds []float64) bar { return bar{of: ratio, op: "≮", than: 1, rounds: rounds} }

const tellable = 0.03

// interval holds the median of what the values are drawn from with 95 % confidence, whatever their
// distribution: its ends are the values whose ranks the sign test gives.
func interval(values []float64) (low, high float64) {
	v := slices.Sorted(slices.Values(values))
	n := float64(len(v))
	k := max(int(n/2-1.96*math.Sqrt(n)/2), 0)
	return v[k], v[len(v)-1-k]
}

func (b bar) met(ours, theirs float64) bool {
	switch b.op {
	case "≤":
		return b.of(ours, theirs) <= b.than
	case "≥":
		return b.of(ours, theirs) >= b.than
	}
	return true
}

// report prints the median of the runs of one group of measures. The ratio is the
// median of the runs' ratios.
func report(t *testing.T, run func(seed uint64) []line) {
	var all [][]line
	for i := range *runs {
		all = append(all, run(uint64(i)))
	}
	for i, l := range all[0] {
		median := func(of func(line) float64) float64 {
			var v []float64
			for _, lines := range all {
				v = append(v, of(lines[i]))
			}
			return middle(v)
		}
		ours := median(func(l line) float64 { return l.ours })
		theirs := median(func(l line) float64 { return l.theirs })
		r := median(func(l line) float64 { return ratio(l.ours, l.theirs) })
		verdict, bar := "", "-"
		if l.bar.op != "" {
			bar = fmt.Sprintf("%s %g", l.bar.op, l.bar.than)
			b := l.bar
			met := b.met(ours, ours/r) // the bar is on the ratio or on our value
			if b.op == "≮" {
				var rounds []float64
				for _, lines := range all {
					rounds = append(rounds, lines[i].bar.rounds...)
				}
				low, high := interval(rounds)
				met = high >= b.than && high-low <= 2*tellable
				bar += fmt.Sprintf(" (%.3f to %.3f)", low, high)
			}
			if met {
				verdict = "ok"
			} else {
				verdict = "short"
				t.Errorf("%s is short: %.4g against %.4g (ratio %.3g), want %s", l.name, ours, theirs, r, bar)
			}
		}
		fmt.Printf("%-52s %12s %12s %8.3f %8s  %s\n", l.name, number(ours, l.unit), number(theirs, l.unit), r, bar, verdict)
	}
}

func number(v float64, unit string) string {
	if v != v {
		return "-"
	}
	return fmt.Sprintf("%.4g %s", v, unit)
}
