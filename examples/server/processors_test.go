package main

import (
	"context"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProcessorsFollowDemand(t *testing.T) {
	t.Parallel()
	type look struct {
		underway int64
		busy     float64
	}
	looks := func(n int, l look) []look { return slices.Repeat([]look{l}, n) }
	idle, one, burst := look{0, 0.01}, look{1, 0.5}, look{mostUnderway + 1, 0.5}
	for name, test := range map[string]struct {
		looks []look
		all   bool
	}{
		"nothing is asked, but not for long":     {looks(calmLooks-1, idle), true},
		"nothing is asked":                       {looks(calmLooks, idle), false},
		"one client asks all the time":           {looks(calmLooks, one), false},
		"one client asks for more than one does": {looks(calmLooks, look{1, 1.2}), true},
		"all processors have a lot to do":        {looks(10*calmLooks, look{4, 0.7}), true},
		"and one of them likewise":               {append(looks(calmLooks, idle), looks(10*calmLooks, look{4, 0.7})...), false},
		"then there is work":                     {append(looks(calmLooks, idle), looks(40, look{1, 1})...), true},
		"then there are many clients":            {append(looks(calmLooks, idle), looks(4, look{20, 0.1})...), true},
		"then there are many at once":            {append(looks(calmLooks, idle), burst), true},
		"and many once in a while":               {append(looks(calmLooks, idle), append([]look{burst}, looks(calmLooks-1, idle)...)...), true},
		"and no more":                            {append(looks(calmLooks, idle), append([]look{burst}, looks(calmLooks+16, idle)...)...), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := demand{all: true}
			for _, l := range test.looks {
				d.look(l.underway, l.busy)
			}
			require.Equal(t, test.all, d.all)
		})
	}
}

func TestAProcessSaysHowBusyItIs(t *testing.T) {
	t.Parallel()
	before, known := processorTime()
	if !known {
		t.Skip("not on this system")
	}
	require.Eventually(t, func() bool { // which works for it
		after, _ := processorTime()
		return after > before
	}, time.Minute, time.Microsecond)
}

// It is not parallel, since the number of processors is the process's.
func TestOneProcessorServesUntilMoreAreNeeded(t *testing.T) {
	if _, known := processorTime(); !known || runtime.GOMAXPROCS(0) == 1 || os.Getenv("GOMAXPROCS") != "" {
		t.Skip("there is nothing to follow")
	}
	all := runtime.GOMAXPROCS(0)
	ctx, cancel := context.WithCancel(t.Context())
	followDemand(ctx)
	require.Eventually(t, func() bool { return runtime.GOMAXPROCS(0) == 1 }, time.Minute, lookEvery)
	underway.Add(2 * mostUnderway)
	require.Eventually(t, func() bool { return runtime.GOMAXPROCS(0) == all }, time.Minute, lookEvery)
	underway.Add(-2 * mostUnderway)
	require.Eventually(t, func() bool { return runtime.GOMAXPROCS(0) == 1 }, time.Minute, lookEvery)
	cancel()
	require.Eventually(t, func() bool { return runtime.GOMAXPROCS(0) == all }, time.Minute, lookEvery)
}
