package main

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/health"
)

func TestProcessorsFollowDemand(t *testing.T) {
	t.Parallel()
	// A load tells what all answer of it a second, one does, and how busy all are with it; one can be full at most.
	type load struct{ byAll, byOne, busy float64 }
	none, light := load{}, load{byAll: 5_000, byOne: 5_000, busy: 0.5}
	oneIsBetter, allAreBetter := load{9_000, 10_000, 1.2}, load{14_000, 11_000, 1.2}
	type spell struct {
		looks int
		load
	}
	second := calmLooks
	for name, test := range map[string]struct {
		spells []spell
		all    bool
	}{
		"nothing is asked, but not for long":        {[]spell{{second - 1, none}}, true},
		"nothing is asked":                          {[]spell{{second, none}}, false},
		"little is asked":                           {[]spell{{second, light}}, false},
		"for a moment a lot is":                     {[]spell{{second, light}, {1, allAreBetter}, {trialLooks, light}}, false},
		"one answers more":                          {[]spell{{second, none}, {1 + trialLooks, oneIsBetter}}, false},
		"all answer more":                           {[]spell{{second, none}, {1 + trialLooks, allAreBetter}}, true},
		"all answer hardly more":                    {[]spell{{second, none}, {1 + trialLooks, load{10_300, 10_000, 1.2}}}, false},
		"so few are answered that it may be chance": {[]spell{{second, none}, {1 + trialLooks, load{4, 5, 1.2}}}, true},
		"one could not do it, so it is not tried":   {[]spell{{second, none}, {2, load{90_000, 20_000, 8}}}, true},
		"nor again":                                 {[]spell{{second, none}, {10*mostRest + 2, load{90_000, 20_000, 8}}}, true},
		"then it is over, but not for long":         {[]spell{{1 + trialLooks, allAreBetter}, {second - 1, none}}, true},
		"then it is over":                           {[]spell{{1 + trialLooks, allAreBetter}, {second, none}}, false},
		"and comes again":                           {[]spell{{1 + trialLooks, allAreBetter}, {second, none}, {1, allAreBetter}}, true},
		"all were better, now one is":               {[]spell{{10 * mostRest, allAreBetter}, {mostRest + 1 + trialLooks, oneIsBetter}}, false},
		"all were better for another load":          {[]spell{{1 + trialLooks, allAreBetter}, {1 + trialLooks, load{2_900, 3_000, 1}}}, false},
		"more or less for this one":                 {[]spell{{1 + trialLooks, allAreBetter}, {leastRest, load{9_000, 9_000, 1}}}, true},
		"one was better, now all are":               {[]spell{{10 * mostRest, oneIsBetter}, {mostRest + 1 + trialLooks, allAreBetter}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := demand{all: true}
			for _, s := range test.spells {
				for range s.looks {
					if d.all {
						d.look(s.byAll, s.busy)
					} else {
						d.look(s.byOne, min(s.busy, 1))
					}
				}
			}
			require.Zero(t, d.trial, "a trial is under way")
			require.Equal(t, test.all, d.all)
		})
	}
}

func TestTrialsOfProcessorsAreFewerWhereTheyFindTheSame(t *testing.T) {
	t.Parallel()
	d := demand{all: true}
	const looks = 1_000 * mostRest
	tried := 0
	for range looks {
		if d.look(1_000, 1); d.trial > 0 {
			tried++
		}
	}
	require.InDelta(t, float64(looks*trialLooks/(mostRest+trialLooks)), float64(tried), 0.01*float64(looks))
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

// Of two numbers of processors the one that refuses more must not win.
func TestRefusalsAreNotCountedAsAnswers(t *testing.T) {
	t.Parallel()
	probe, err := health.New(nil)
	require.NoError(t, err)
	m := newMeter(config{}, &database.Database{DB: new(sql.DB)}, probe)
	for status, answered := range map[int]int64{http.StatusOK: 1, http.StatusNotFound: 1, http.StatusInternalServerError: 1, http.StatusServiceUnavailable: 0} {
		before := m.answered.Load()
		r := httptest.NewRequestWithContext(withWait(t.Context(), nil), http.MethodGet, "/", nil)
		observed(slog.New(slog.DiscardHandler), m, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
		})).ServeHTTP(httptest.NewRecorder(), r)
		require.Equal(t, answered, m.answered.Load()-before, status)
	}
}

// It is not parallel, since the number of processors is the process's.
func TestOneProcessorServesUntilMoreAreNeeded(t *testing.T) {
	if _, known := processorTime(); !known || runtime.GOMAXPROCS(0) == 1 || os.Getenv("GOMAXPROCS") != "" {
		t.Skip("there is nothing to follow")
	}
	all := runtime.GOMAXPROCS(0)
	ctx, cancel := context.WithCancel(t.Context())
	var answered atomic.Int64
	followDemand(ctx, answered.Load)
	require.Eventually(t, func() bool { return runtime.GOMAXPROCS(0) == 1 }, time.Minute, lookEvery)
	busy, idle := context.WithCancel(ctx)
	defer idle()
	for range all {
		go func() {
			for busy.Err() == nil {
				answered.Add(1) // which is work
			}
		}()
	}
	require.Eventually(t, func() bool { return runtime.GOMAXPROCS(0) == all }, time.Minute, lookEvery)
	idle()
	require.Eventually(t, func() bool { return runtime.GOMAXPROCS(0) == 1 }, time.Minute, lookEvery)
	cancel()
	require.Eventually(t, func() bool { return runtime.GOMAXPROCS(0) == all }, time.Minute, lookEvery)
}
