package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare of what the container may use is where the garbage collector begins to work harder. The
// rest is for what it does not count: stacks of threads, and files that are mapped.
const memoryShare = 0.9

// limitMemory lets the memory limit follow the container's, unless GOMEMLIMIT is set. Workers share it.
// GOMAXPROCS follows the container by itself (Go 1.25).
func limitMemory(c config, log *slog.Logger) {
	if _, err := memlimit.Set(memlimit.WithRatio(memoryShare / float64(c.Workers))); err != nil {
		log.Warn("the container's memory limit cannot be read; set GOMEMLIMIT", "error", err)
	}
}

// The catalogue is in the database and little is in use here, so with Go's 100 percent the collector runs all
// the time: with 400 a GET takes 6 to 18 % less of the processors (internal/bench). Where more is in use, as
// during an import, 400 would be much memory for little, so garbage is bounded as well. The memory limit
// has the last word.
const (
	mostPercent  = 400
	leastPercent = 100
	mostGarbage  = 40 << 20 // bytes, unless more than that is in use
)

// gcPercent is how much garbage there may be, in percent of what is in use, before the collector runs.
func gcPercent(inUse uint64) int {
	return int(min(max(mostGarbage*100/max(inUse, 1), leastPercent), mostPercent))
}

// collectLess keeps the collector at that until ctx ends, unless GOGC is set.
func collectLess(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	const often = 250 * time.Millisecond // beside which no use grows much
	set := mostPercent
	debug.SetGCPercent(set)
	go func() {
		tick := time.NewTicker(often)
		defer tick.Stop()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			metrics.Read(live)
			// Setting it stops the world for a moment, so little changes are let pass.
			if want := gcPercent(live[0].Value.Uint64()); want < set*4/5 || want > set*5/4 || want == mostPercent && set != want {
				set = want
				debug.SetGCPercent(set)
			}
		}
	}()
}
