// Package bench measures examples/server against the server that one would write by hand, side by side
// on one MySQL and on SQLite, with wrk: "make bench-http". It is a module of its own, so that nobody who
// imports Productkit pays for toxiproxy.
package bench

import (
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"runtime"
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
	bulkRows = flag.Int("bulk", 1_000_000, "import and export so many, once, with -full")
	slice    = flag.Duration("slice", 3*time.Second, "how long each run is, with -full")
)

func TestMain(m *testing.M) { os.Exit(mysqltest.Main(m).Run()) }

// TestBars prints a line for each measure, "measure byhand ours ratio bar ok|short". With -full it fails
// where one is short; without, it only shows that all of this works.
func TestBars(t *testing.T) {
	needTools(t)
	if !*full {
		*runs, *products, *bulkRows, *slice = 1, 1000, 2000, 300*time.Millisecond
	}
	selected, err := regexp.Compile(*rows)
	require.NoError(t, err, "-rows")
	fmt.Printf("%-52s %12s %12s %8s %12s\n", "measure", "byhand", "ours", "ratio", "bar")
	for _, m := range measures(newLab(t)) {
		if selected.MatchString(m.name) && !m.report() && *full {
			t.Errorf("%s is short", m.name)
		}
	}
}

// needTools skips where servers cannot be loaded, or watched. CI has what it takes.
func needTools(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("wrk"); err != nil {
		t.Skip("there is no wrk to make load with; install it")
	}
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc to read what servers take")
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
	met, verdict := m.bar.met(middle(own), middle(ratios)), "short"
	if met {
		verdict = "ok"
	}
	fmt.Printf("%-52s %12s %12s %8s %12s  %s\n", m.name, number(middle(theirs)), number(middle(own)), number(middle(ratios)), m.bar, verdict)
	return met
}

func middle(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }

// none stands for a value that there is not, because by hand nothing does such a thing.
var none = math.NaN()

func number(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.4g", v)
}

// bar is what the ratio of ours to by hand must be, or our own value where it has a unit.
type bar struct {
	op   string // ≥ or ≤
	than float64
	unit string
}

func atLeast(ratio float64) bar             { return bar{"≥", ratio, ""} }
func atMost(ratio float64) bar              { return bar{"≤", ratio, ""} }
func within(value float64, unit string) bar { return bar{"≤", value, " " + unit} }

func (b bar) String() string { return fmt.Sprintf("%s %g%s", b.op, b.than, b.unit) }

func (b bar) met(ours, ratio float64) bool {
	v := ratio
	if b.unit != "" {
		v = ours
	}
	return b.op == "≥" && v >= b.than || b.op == "≤" && v <= b.than
}
