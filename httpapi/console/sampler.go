package console

import (
	"database/sql"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/product"
)

const (
	sampleEvery = 10 * time.Second
	sampleSpan  = 15 * time.Minute
	samplesKept = int(sampleSpan/sampleEvery) + 1
)

// reading is what the process was like at a moment: gauges, and totals since its start.
type reading struct {
	at      time.Time
	pool    pool.Stats
	db      sql.DBStats
	lanes   product.Stats
	checks  map[string]health.Result
	routes  map[string]*requestTotals
	process process
}

// process is what Go's runtime tells.
type process struct{ threads, goroutines, memory, heap uint64 }

// sampler keeps samples of the last 15 minutes.
type sampler struct {
	mu   sync.Mutex
	ring []reading // the oldest first
}

// sample takes samples until the Handler is closed.
func (h *Handler) sample() {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.keep(h.now())
		case <-h.alive.Done():
			return
		}
	}
}

func (h *Handler) keep(s reading) {
	h.samples.mu.Lock()
	defer h.samples.mu.Unlock()
	ring := h.samples.ring
	if len(ring) == samplesKept {
		copy(ring, ring[1:])
		ring = ring[:len(ring)-1]
	}
	h.samples.ring = append(ring, s)
}

// recent returns the samples of the last 15 minutes and one of this moment.
func (h *Handler) recent() []reading {
	h.samples.mu.Lock()
	all := append([]reading(nil), h.samples.ring...)
	h.samples.mu.Unlock()
	now := h.now()
	for len(all) > 0 && now.at.Sub(all[0].at) > sampleSpan+sampleEvery { // the machine was asleep
		all = all[1:]
	}
	return append(all, now)
}

// now takes a sample.
func (h *Handler) now() reading {
	var before map[string]*requestTotals
	h.samples.mu.Lock()
	if n := len(h.samples.ring); n > 0 {
		before = h.samples.ring[n-1].routes
	}
	h.samples.mu.Unlock()
	s := reading{at: time.Now(), lanes: h.svc.Stats(), routes: h.opts.Requests.totals(before), process: ofProcess()}
	if h.opts.Pool != nil {
		s.pool = h.opts.Pool.Stats()
	}
	if h.opts.DB != nil {
		s.db = h.opts.DB.Stats()
	}
	if h.opts.Health != nil {
		s.checks = make(map[string]health.Result)
		for _, c := range h.opts.Health.Report().Checks {
			s.checks[c.Check.Name] = c
		}
	}
	return s
}

func ofProcess() process {
	found := []metrics.Sample{{Name: "/sched/threads/total:threads"}, {Name: "/sched/goroutines:goroutines"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(found)
	value := func(i int) uint64 {
		if found[i].Value.Kind() != metrics.KindUint64 { // another runtime may not know it
			return 0
		}
		return found[i].Value.Uint64()
	}
	return process{threads: value(0), goroutines: value(1), memory: value(2) - value(4), heap: value(3)}
}
