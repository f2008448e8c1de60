// Package bench measures examples/server against the server that one would write by hand, side by side
// on one MySQL and on SQLite, with wrk: "make bench-http". It is a module of its own, so that nobody who
// imports Productkit pays for toxiproxy.
package bench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

var (
	full     = flag.Bool("full", false, "judge the bars, with the full parameters")
	rows     = flag.String("rows", "", "only the measures whose name matches this `regexp`")
	runs     = flag.Int("runs", 5, "take the median of so many runs, with -full")
	products = flag.Int("products", 100_000, "so many, with -full")
	slice    = flag.Duration("slice", 3*time.Second, "how long each run is, with -full")
)

func TestMain(m *testing.M) { os.Exit(mysqltest.Main(m).Run()) }

// TestBars prints a line for each measure, "measure byhand ours ratio bar ok|short". With -full it fails
// where one is short; without, it only shows that all of this works.
func TestBars(t *testing.T) {
	if _, err := exec.LookPath("wrk"); err != nil {
		t.Skip("there is no wrk to make load with; install it")
	}
	if !*full {
		*runs, *products, *slice = 1, 1000, 300*time.Millisecond
	}
	selected, err := regexp.Compile(*rows)
	require.NoError(t, err, "-rows")
	fmt.Printf("%-52s %12s %12s %8s %8s\n", "measure", "byhand", "ours", "ratio", "bar")
	for _, m := range measures(newLab(t)) {
		if selected.MatchString(m.name) && !m.report() && *full {
			t.Errorf("%s is short", m.name)
		}
	}
}

// measure is one row of issue 7's table. It takes a value by hand and one of ours; where its name says
// "of", the first is ours, too, and what the second is held against.
type measure struct {
	name string
	bar  bar
	take func() (byHand, ours float64)
}

// report takes the measure, prints its medians, the ratio being the median of the runs' ratios, and
// reports whether its bar is met.
func (m measure) report() bool {
	var theirs, own, ratios []float64
	for range *runs {
		a, b := m.take()
		theirs, own, ratios = append(theirs, a), append(own, b), append(ratios, b/a)
	}
	met, verdict := m.bar.met(middle(ratios)), "short"
	if met {
		verdict = "ok"
	}
	fmt.Printf("%-52s %12.4g %12.4g %8.3f %8s  %s\n", m.name, middle(theirs), middle(own), middle(ratios), m.bar, verdict)
	return met
}

func middle(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }

// bar is what the ratio of ours to by hand must be.
type bar struct {
	op   string // ≥ or ≤
	than float64
}

func atLeast(ratio float64) bar { return bar{"≥", ratio} }
func atMost(ratio float64) bar  { return bar{"≤", ratio} }

func (b bar) String() string { return fmt.Sprintf("%s %g", b.op, b.than) }

func (b bar) met(ratio float64) bool {
	return b.op == "≥" && ratio >= b.than || b.op == "≤" && ratio <= b.than
}
