package bench

import (
	"fmt"
	"os"
	"regexp"
	"strconv"

	"github.com/stretchr/testify/require"
)

// atRest is the memory of servers that have answered a question or two.
func (l *lab) atRest() (float64, float64) {
	p := l.fresh()
	return l.mostMemory(p.byHand), l.mostMemory(p.ours)
}

// memoryAt is the memory that so many clients take.
func (l *lab) memoryAt(clients int) func() (float64, float64) {
	return func() (float64, float64) {
		p := l.fresh()
		l.load(p.byHand, get, clients)
		l.load(p.ours, get, clients)
		return l.mostMemory(p.byHand), l.mostMemory(p.ours)
	}
}

// threadsAt is how many OS threads so many clients take.
func (l *lab) threadsAt(clients int) func() (float64, float64) {
	return func() (float64, float64) {
		p := l.fresh()
		l.load(p.byHand, get, clients)
		l.load(p.ours, get, clients)
		return l.status(p.byHand, "Threads"), l.status(p.ours, "Threads") // Go keeps those that it has
	}
}

// mostMemory is the most that has been in memory of a server so far, in MB.
func (l *lab) mostMemory(c contender) float64 { return l.status(c, "VmHWM") * 1024 / 1e6 }

// status is a number in /proc/PID/status, kibibytes where it is memory.
func (l *lab) status(c contender, name string) float64 {
	l.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid))
	require.NoError(l, err)
	m := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+)`).FindSubmatch(text)
	require.NotNil(l, m, "%s", text)
	n, err := strconv.ParseFloat(string(m[1]), 64)
	require.NoError(l, err)
	return n
}
