package main

import (
	"context"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

// underway is how many requests this process answers right now.
var underway atomic.Int64

// A request is handed from goroutine to goroutine, and with several processors the scheduler wakes a thread at
// each hand-over, which mostly finds nothing to do and sleeps again: where one client asks at a time, that
// is a third of the server's work (internal/bench). So little is asked of one processor, and much of all.
const (
	fewUnderway  = 8    // requests, on average, that need no more than one
	mostUnderway = 32   // at any moment
	busyOne      = 0.8  // of a processor: with more, requests would wait for each other
	calmAll      = 0.6  // of all together: if they do less for a second, one will do
	newUnderway  = 0.25 // weight of the last look in the average
	newBusy      = 0.05 // likewise: in so short a time it says little
	lookEvery    = 25 * time.Millisecond
	calmLooks    = int(time.Second / lookEvery)
)

// demand decides how many processors are wanted.
type demand struct {
	all      bool
	underway float64 // on average
	busy     float64 // processors, on average
	calm     int     // looks one after another
}

// look takes in how many requests are under way and how many processors have been busy since the last look.
func (d *demand) look(underway int64, busy float64) {
	d.underway += newUnderway * (float64(underway) - d.underway)
	d.busy += newBusy * (busy - d.busy)
	switch {
	case underway > mostUnderway || d.underway > fewUnderway || d.busy > busyOne:
		d.all, d.calm = true, 0
	case d.all && d.busy < calmAll:
		if d.calm++; d.calm == calmLooks {
			d.all, d.calm = false, 0
		}
	default:
		d.calm = 0
	}
}

// followDemand gives the process one processor while that will do, and all that its container may use otherwise,
// until ctx ends; unless GOMAXPROCS is set, or there is but one, or nobody says how busy a process is.
func followDemand(ctx context.Context) {
	used, known := processorTime()
	if os.Getenv("GOMAXPROCS") != "" || runtime.GOMAXPROCS(0) == 1 || !known {
		return
	}
	go func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		defer runtime.SetDefaultGOMAXPROCS()
		d := demand{all: true}
		for at := time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			now, all := time.Now(), d.all
			after, _ := processorTime()
			d.look(underway.Load(), float64(after-used)/float64(now.Sub(at)))
			at, used = now, after
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
