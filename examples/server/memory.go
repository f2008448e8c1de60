package main

import (
	"log/slog"

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
