package main

import (
	"context"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

// ownProcess says that the process has nothing to do but to serve. Tests do other things in theirs.
var ownProcess bool

// underway is how many requests this process answers right now.
var underway atomic.Int64

// A request is handed from goroutine to goroutine, and with several processors the scheduler wakes a thread at
// many a hand-over, which mostly finds little to do and sleeps again, and batches are smaller for it. So a request
// takes up to a third less of one processor than of many (internal/bench), and what one can do is left to it.
const (
	enoughOne    = 1.25 // processors, of all together: what takes them fewer, one can do
	fullOne      = 0.99 // of one: requests wait for each other
	fullLooks    = 8    // in a row, before all are used
	mostUnderway = 256  // requests that one has to do with at any moment
	newBusy      = 0.05 // weight of the last look in the average: in so short a time it says little
	lookEvery    = 25 * time.Millisecond
	calmLooks    = int(time.Second / lookEvery) // in a row, before one is tried
	mostCalm     = 8 * calmLooks                // likewise, where one was soon full again and again
	longEnough   = 10 * calmLooks               // with one, for it not to have been tried in vain
)

// demand decides whether all processors are wanted, or one.
type demand struct {
	all   bool
	asked int     // so many looks in a row have to find that one is enough, before it is tried
	busy  float64 // processors, on average, while all are used
	calm  int     // looks in a row that found so
	one   int     // looks since one is used
	full  int     // looks in a row that found that it is not enough
}

// useAll returns a demand that has just begun to use all.
func useAll(asked int) demand { return demand{all: true, asked: asked, busy: enoughOne} }

// look takes in how many requests are under way and how many processors have been busy since the last look.
func (d *demand) look(underway int64, busy float64) {
	if d.all {
		d.busy += newBusy * (busy - d.busy)
		if d.calm++; d.busy > enoughOne || underway > mostUnderway {
			d.calm = 0
		}
		if d.calm == d.asked {
			*d = demand{asked: d.asked}
		}
		return
	}
	d.one++
	if d.full++; busy < fullOne {
		d.full = 0
	}
	switch {
	case underway > mostUnderway:
		*d = useAll(d.asked)
	case d.full == fullLooks && d.one > longEnough:
		*d = useAll(calmLooks)
	case d.full == fullLooks:
		*d = useAll(min(2*d.asked, mostCalm))
	}
}

// followDemand gives the process one processor while that will do, and all that its container may use otherwise,
// until ctx ends; unless GOMAXPROCS is set, or there is but one, or nobody says how busy a process is. It is
// for a server whose database is elsewhere: one with SQLite waits for the disk itself, and with its processor
// all others would.
func followDemand(ctx context.Context) {
	used, known := processorTime()
	if os.Getenv("GOMAXPROCS") != "" || runtime.GOMAXPROCS(0) == 1 || !known {
		return
	}
	go func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		defer runtime.SetDefaultGOMAXPROCS()
		d := useAll(calmLooks)
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
