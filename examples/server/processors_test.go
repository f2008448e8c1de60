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
	looks := func(n int, underway int64, busy float64) []look { return slices.Repeat([]look{{underway, busy}}, n) }
	one := looks(calmLooks, 0, 0.01) // so that one is enough
	full := looks(fullLooks, 30, 1)
	for name, test := range map[string]struct {
		looks [][]look
		all   bool
	}{
		"nothing is asked, but not for long":       {[][]look{one[1:]}, true},
		"nothing is asked":                         {[][]look{one}, false},
		"what one can do is asked":                 {[][]look{looks(calmLooks, 100, 1.1)}, false},
		"more than one can do is asked":            {[][]look{looks(10*calmLooks, 100, 1.3)}, true},
		"by too many":                              {[][]look{looks(10*calmLooks, mostUnderway+1, 0.5)}, true},
		"then one has a lot to do":                 {[][]look{one, looks(10*calmLooks, 100, 0.95)}, false},
		"then it is full for a moment":             {[][]look{one, full[1:], looks(1, 30, 0.5), full[1:]}, false},
		"then it is full":                          {[][]look{one, full}, true},
		"then too many ask at once":                {[][]look{one, looks(1, mostUnderway+1, 0.5)}, true},
		"but not for long":                         {[][]look{one, looks(1, mostUnderway+1, 0.5), one}, false},
		"it was full, and is not tried so soon":    {[][]look{one, full, one}, true},
		"but later":                                {[][]look{one, full, one, one}, false},
		"it was full again, and is tried later":    {[][]look{one, full, one, one, full, one, one, one}, true},
		"but not too late":                         {[][]look{slices.Repeat(slices.Concat(looks(mostCalm, 0, 0.01), full), 9), looks(mostCalm, 0, 0.01)}, false},
		"it was enough for long before it was not": {[][]look{one, looks(longEnough, 0, 0.01), full, one}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := useAll(calmLooks)
			for _, l := range slices.Concat(test.looks...) {
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
