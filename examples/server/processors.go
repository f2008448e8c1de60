package main

import (
	"context"
	"os"
	"runtime"
	"time"
)

// ownProcess says that the process has nothing to do but to serve. Tests do other things in theirs.
var ownProcess bool

// A request is handed from goroutine to goroutine, and with several processors the scheduler wakes a thread at
// many a hand-over, which mostly finds little to do and sleeps again, and batches are smaller for it. So a request
// takes less of one processor than of many, by up to a third (internal/bench), and what one can do is left to it.
// Whether a full one answers as many requests as all differs from machine to machine and load to load: it is tried.
const (
	enough     = 0.75 // of one processor: who takes less can do with it
	tooMuch    = 1.5  // processors, of all: one could not do that if it saved a third
	worthIt    = 1.05 // times what one answers is why all are used
	fewest     = 300  // requests a second that tell something
	lookEvery  = 25 * time.Millisecond
	calmLooks  = int(time.Second / lookEvery) // in a row, before all are given up
	trialLooks = 12                           // half of them with all processors, half with one, by turns
	leastRest  = int(time.Second / lookEvery) // under load, before the next trial
	mostRest   = 4 * leastRest                // likewise, where they find the same again and again
)

// demand decides whether all processors are used, or one.
type demand struct {
	all           bool
	calm          int     // looks in a row for which one was enough
	trial         int     // looks that are left of one
	byAll, byOne  float64 // what was answered in it
	found         bool    // that all are worth it, by the last trial
	rate          float64 // what was answered then
	rest, resting int     // looks until the next, and how many those were at first
}

// look takes in how many requests a second were answered and how many processors were busy since the last look.
func (d *demand) look(rate, busy float64) {
	if d.trial > 0 {
		d.try(rate, busy)
		return
	}
	if d.calm++; busy >= enough {
		d.calm = 0
	}
	switch {
	case d.calm >= calmLooks:
		d.all = false
	case d.calm > 0: // perhaps for a moment
	case d.rest > 0 && alike(rate, d.rate):
		d.all = d.found
		d.rest--
	default:
		d.all, d.trial, d.byAll, d.byOne = true, trialLooks, 0, 0
	}
}

// try takes in what a look found in a trial.
func (d *demand) try(rate, busy float64) {
	if d.all && busy > tooMuch {
		d.find(true, rate)
		return
	}
	if d.all {
		d.byAll += rate
	} else {
		d.byOne += rate
	}
	d.all = !d.all
	if d.trial--; d.trial == 0 {
		mean := (d.byAll + d.byOne) / trialLooks
		d.find(mean < fewest || d.byAll > worthIt*d.byOne, mean)
	}
}

// find ends a trial.
func (d *demand) find(all bool, rate float64) {
	d.resting = min(max(2*d.resting, leastRest), mostRest)
	if all != d.found {
		d.resting = leastRest
	}
	d.all, d.found, d.rate, d.trial, d.rest = all, all, rate, 0, d.resting
}

// alike reports whether a trial at one rate says something about another.
func alike(a, b float64) bool {
	a, b = max(a, fewest), max(b, fewest)
	return a <= 2*b && b <= 2*a
}

// followDemand gives the process one processor while that will do, and all that its container may use otherwise,
// until ctx ends; unless GOMAXPROCS is set, or there is but one, or nobody says how busy a process is. Answered
// tells how many requests it has answered so far. It is for a server whose database is elsewhere: one with SQLite
// waits for the disk itself, and with its processor all others would.
func followDemand(ctx context.Context, answered func() int64) {
	used, known := processorTime()
	if os.Getenv("GOMAXPROCS") != "" || runtime.GOMAXPROCS(0) == 1 || !known {
		return
	}
	go func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		defer runtime.SetDefaultGOMAXPROCS()
		d := demand{all: true}
		for at, seen := time.Now(), answered(); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			all, now, nowSeen := d.all, time.Now(), answered()
			nowUsed, _ := processorTime()
			took := now.Sub(at)
			d.look(float64(nowSeen-seen)/took.Seconds(), float64(nowUsed-used)/float64(took))
			at, seen, used = now, nowSeen, nowUsed
			// Either stops the world for a moment.
			switch {
			case d.all && !all:
				runtime.SetDefaultGOMAXPROCS()
			case all && !d.all:
				runtime.GOMAXPROCS(1)
			}
		}
	}()
}
