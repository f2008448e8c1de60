package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var scaling = flag.String("scaling", "", "measure how rates scale, and put scaling.md and scaling.svg into this `directory`")

// axis is what of a server is varied, while all else is as it is shipped.
type axis struct {
	name   string
	values []int
	usual  int // as shipped
}

// axes are the processors and the connections that a server may use, and the products that there are.
func axes() []axis {
	if *scaling == "" {
		return []axis{{"processors", []int{1}, 2}, {"connections", []int{2}, 5}, {"products", []int{500}, 500}}
	}
	return []axis{
		{"processors", []int{1, 2}, 2},
		{"connections", []int{1, 2, 5, 15}, 5},
		{"products", []int{10_000, 100_000, 1_000_000}, 100_000},
	}
}

// asking is a kind of load whose rate is looked at.
type asking struct {
	name, script string
	clients      int
}

var askings = []asking{
	{"GET one", get, 128}, {"list of 20", list, 64}, {"POST", post, 128}, {"stock -1", sell, 128},
}

// point is the median rates, by hand and of ours, of one kind of load at one value of one axis.
type point struct {
	value        int
	byHand, ours float64
}

// TestScaling measures each kind of load at each value of each axis, both servers in turn. Without
// -scaling it only shows that this works.
func TestScaling(t *testing.T) {
	needTools(t)
	l := newLab(t)
	dir := *scaling
	if dir == "" {
		dir = t.TempDir()
		*runs, *slice = 1, 200*time.Millisecond
	}
	catalogues := map[int]catalogue{}
	for _, n := range axes()[2].values {
		catalogues[n] = l.seed(n)
		fmt.Printf("%d products are there\n", n)
	}
	curves := map[string][]point{} // by axis and kind of load
	for i, along := range axes() {
		for _, value := range along.values {
			at := []int{axes()[0].usual, axes()[1].usual, axes()[2].usual}
			at[i] = value
			t.Run(fmt.Sprintf("%s %d", along.name, value), func(t *testing.T) {
				within := *l
				within.T = t // so that the servers end with it
				p := within.scaled(catalogues[at[2]], at[0], at[1])
				for _, a := range askings {
					at := within.rates(p, a)
					at.value = value
					curves[along.name+a.name] = append(curves[along.name+a.name], at)
					fmt.Printf("%-12s %9d  %-10s %9.0f %9.0f\n", along.name, value, a.name, at.byHand, at.ours)
				}
			})
		}
	}
	require.False(t, t.Failed())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "scaling.md"), []byte(table(curves)), 0o644))
	require.NoError(t, plotted(curves, filepath.Join(dir, "scaling.svg")))
}

// rates are medians of runs in turn.
func (l *lab) rates(p pair, a asking) point {
	var byHand, ours []float64
	for range *runs {
		byHand = append(byHand, l.load(p.byHand, a.script, a.clients).rate)
		ours = append(ours, l.load(p.ours, a.script, a.clients).rate)
	}
	return point{byHand: middle(byHand), ours: middle(ours)}
}

// scaled launches both on a catalogue with so many processors and connections.
func (l *lab) scaled(c catalogue, processors, connections int) pair {
	user := func(name string) string { return userOf(c.db, fmt.Sprintf("%s%d%d", name, processors, connections)) }
	p := pair{
		byHand: contender{name: "byhand", ids: c.ids, first: c.first, db: c.db, user: user("hand"), connections: connections},
		ours:   contender{name: "ours", ids: c.ids, first: c.first, db: c.db, user: user("ours"), connections: connections + 1},
	}
	var fewer []string // where it is set, ours does not choose itself
	if processors < runtime.NumCPU() {
		fewer = []string{fmt.Sprintf("GOMAXPROCS=%d", processors)}
	}
	l.launch(&p.byHand, l.byHand(), "LISTEN=%[1]s:%[2]s", append(fewer, fmt.Sprintf("CONNECTIONS=%d", connections), "DSN="+l.grant(c.db, p.byHand.user).FormatDSN())...)
	l.launch(&p.ours, l.server(), "PORT=%[2]s", append(fewer, fmt.Sprintf("POOL_MAX_CONNS=%d", connections), "POOL_MAX_OVERFLOW=-1", "DATABASE_URL="+l.grant(c.db, p.ours.user).FormatDSN())...)
	l.showsBoth(p)
	return l.withPages(p)
}

// table is what was measured in Markdown, rates in requests a second and in brackets ours of by hand.
func table(curves map[string][]point) string {
	var b strings.Builder
	heads := []string{"", ""}
	for _, a := range askings {
		heads = append(heads, fmt.Sprintf("%s, %d clients", a.name, a.clients))
	}
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(heads, " | "), strings.Repeat("---|", len(heads)))
	for _, along := range axes() {
		for i, value := range along.values {
			cells := []string{along.name, grouped(value)}
			for _, a := range askings {
				at := curves[along.name+a.name][i]
				cells = append(cells, fmt.Sprintf("%s (%.2f)", grouped(int(at.ours)), at.ours/at.byHand))
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	return b.String()
}

// grouped writes thousands apart.
func grouped(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
