package main

import (
	"log/slog"
	"os"
	"runtime/debug"

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

// gcPercent is how much garbage there may be for a byte in use before the collector runs. The catalogue is
// in the database and little is in use here, so with Go's 100 the collector runs all the time: with 400
// a GET takes 6 to 18 % less of the processors (internal/bench). The memory limit has the last word.
const gcPercent = 400

// collectLess sets it, unless GOGC is set.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
