package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/product"
)

// operationsPage is what the page of operations shows.
type operationsPage struct {
	At      time.Time
	Process int // its ID
	Watched string

	Doctor  *doctorReport // nil: there is no pool
	Ready   string        // blank: there is no probe
	Checks  []checkRow
	Traffic []plot // blank: nobody counts requests
	Routes  []routeRow
	Pool    *poolPart // nil: there is none
	DB      []plot    // of a database/sql.DB
	Lanes   []laneRow
	Runtime []plot
}

type checkRow struct {
	Name, Status string
	Weight       string
	Err          string
	Age          string
	Plot         plot
}

type routeRow struct {
	Route         string
	Count, Failed int64
	P50, P95, P99 string
	Plot          plot
}

type laneRow struct {
	Name             string
	Waiting, Running int
	PerBatch         string
	Refused          string
	Plot             plot
}

type poolPart struct {
	Plots   []plot
	Bars    []bars
	Tallies []tallies
	DialErr string
	Holders []holderRow
	More    int // holders that are not shown
}

// tallies are a table of counts.
type tallies struct {
	ID, Name string
	All      []tally
}

// tally is a count of the last 15 minutes and one since the start.
type tally struct {
	Name          string
	Recent, Total uint64
}

type holderRow struct {
	Session, Held, Borrower string
	Stack                   []string
}

// mostHolders is how many are shown.
const mostHolders = 50

// showOperations shows how the process does.
func (h *Handler) showOperations(w http.ResponseWriter, r *http.Request) error {
	if h.opts.Trusted != nil && !h.opts.Trusted(h.asked(r)) {
		return httpapi.ErrForbidden
	}
	all := h.recent()
	c := chart{all: all, at: make([]time.Time, len(all))}
	for i := range all {
		c.at[i] = all[i].at
	}
	now := c.last()
	shown := operationsPage{At: now.at, Process: os.Getpid(), Watched: duration(now.at.Sub(c.first().at).Round(time.Second)), Runtime: c.runtime(), Lanes: c.lanes()}
	if h.opts.Health != nil {
		shown.Ready, shown.Checks = h.checks(c)
	}
	if h.opts.Requests != nil {
		shown.Traffic, shown.Routes = c.traffic()
	}
	switch {
	case h.opts.Pool != nil:
		shown.Pool = c.pool(h.opts.Pool.Holders())
		report := h.doctor.report(r.Context(), h.opts.Pool)
		shown.Doctor = &report
	case h.opts.DB != nil:
		shown.DB = c.db()
	}
	return h.render(w, r, http.StatusOK, "operations.html", "Operations", shown)
}

// chart makes plots of samples, of which there is at least one.
type chart struct {
	all []reading
	at  []time.Time
}

func (c chart) first() *reading { return &c.all[0] }
func (c chart) last() *reading  { return &c.all[len(c.all)-1] }

// gauge is a series of what each sample says.
func (c chart) gauge(name string, of func(*reading) float64) series {
	s := series{name: name, values: make([]float64, len(c.all))}
	for i := range c.all {
		s.values[i] = of(&c.all[i])
	}
	return s
}

// change is a series of what lies between samples; the first one has nothing before it, and neither has one
// that was taken at once after another.
func (c chart) change(name string, of func(before, after *reading) float64) series {
	s := series{name: name, values: make([]float64, len(c.all))}
	for i := range c.all {
		s.values[i] = math.NaN()
		switch {
		case i == 0:
		case c.at[i].Sub(c.at[i-1]) >= time.Second:
			s.values[i] = of(&c.all[i-1], &c.all[i])
		case i > 1: // what the page itself takes says little about so short a time
			s.values[i] = s.values[i-1]
		}
	}
	return s
}

// rate is a series of a total's growth per second.
func (c chart) rate(name string, of func(*reading) float64) series {
	return c.change(name, func(before, after *reading) float64 {
		return max(0, of(after)-of(before)) / after.at.Sub(before.at).Seconds()
	})
}

func (c chart) plot(name string, show func(float64) string, all ...series) plot {
	return newPlot(name, c.at, show, all...)
}

func (c chart) runtime() []plot {
	return []plot{
		c.plot("Memory", mebibytes, c.gauge("from the system", func(s *reading) float64 { return float64(s.process.memory) }), c.gauge("objects", func(s *reading) float64 { return float64(s.process.heap) })),
		c.plot("Threads", whole, c.gauge("", func(s *reading) float64 { return float64(s.process.threads) })),
		c.plot("Goroutines", whole, c.gauge("", func(s *reading) float64 { return float64(s.process.goroutines) })),
	}
}

func (c chart) lanes() []laneRow {
	var rows []laneRow
	for _, l := range []struct {
		name string
		of   func(product.Stats) product.LaneStats
	}{
		{"Reads", func(s product.Stats) product.LaneStats { return s.Reads }},
		{"Stocks", func(s product.Stats) product.LaneStats { return s.Stocks }},
		{"Lists", func(s product.Stats) product.LaneStats { return s.Lists }},
		{"Categories", func(s product.Stats) product.LaneStats { return s.Trees }},
		{"Writes", func(s product.Stats) product.LaneStats { return s.Writes }},
		{"Imports", func(s product.Stats) product.LaneStats { return s.Merges }},
		{"Atomic writes", func(s product.Stats) product.LaneStats { return s.Alone }},
		{"Reservations", func(s product.Stats) product.LaneStats { return s.Reservations }},
	} {
		now, before := l.of(c.last().lanes), l.of(c.first().lanes)
		row := laneRow{Name: l.name, Waiting: now.Waiting, Running: now.Running, PerBatch: "–", Refused: grouped(strconv.FormatUint(now.Refused-before.Refused, 10))}
		if n := now.Batches - before.Batches; n > 0 {
			row.PerBatch = brief(float64(now.Calls-before.Calls) / float64(n))
		}
		row.Plot = c.plot(l.name+", calls", perSecond, c.rate("", func(s *reading) float64 { return float64(l.of(s.lanes).Calls) }))
		rows = append(rows, row)
	}
	return rows
}

func (h *Handler) checks(c chart) (ready string, rows []checkRow) {
	report := h.opts.Health.Report()
	switch {
	case report.Ready:
		ready = "ready"
	case report.Draining:
		ready = "draining"
	default:
		ready = "not ready"
	}
	for _, check := range report.Checks {
		name := check.Check.Name
		row := checkRow{Name: name, Status: string(check.Status), Age: duration(check.Age), Weight: map[health.Weight]string{health.Required: "required", health.Degrading: "degrading", health.Informational: "informational"}[check.Check.Weight]}
		if check.Err != nil {
			row.Err = check.Err.Error()
		}
		row.Plot = c.plot(name+", latency", lasting, c.gauge("", func(s *reading) float64 {
			if r, ok := s.checks[name]; ok {
				return float64(r.Latency)
			}
			return math.NaN()
		}))
		rows = append(rows, row)
	}
	return ready, rows
}

// traffic is that of all routes together, and a row for each that was used, the busiest first.
func (c chart) traffic() ([]plot, []routeRow) {
	between := func(before, after *reading) (sum requestTotals) {
		for route, t := range after.routes {
			sum.add(t.since(before.routes[route]))
		}
		return sum
	}
	quantile := func(name string, q float64) series {
		return c.change(name, func(before, after *reading) float64 {
			if t := between(before, after); t.count() > 0 {
				return float64(t.quantile(q))
			}
			return math.NaN()
		})
	}
	plots := []plot{
		c.plot("Requests", perSecond, c.change("", func(before, after *reading) float64 {
			return float64(between(before, after).count()) / after.at.Sub(before.at).Seconds()
		})),
		c.plot("Latency", lasting, quantile("99 %", .99), quantile("95 %", .95), quantile("50 %", .5)),
		c.plot("Answers with 5xx", perSecond, c.change("", func(before, after *reading) float64 {
			return float64(between(before, after).failed) / after.at.Sub(before.at).Seconds()
		})),
	}
	var rows []routeRow
	for route, t := range c.last().routes {
		recent := t.since(c.first().routes[route])
		if recent.count() == 0 {
			continue
		}
		name := cmp.Or(route, "(no route)")
		rows = append(rows, routeRow{
			Route: name, Count: recent.count(), Failed: int64(recent.failed),
			P50: duration(recent.quantile(.5)), P95: duration(recent.quantile(.95)), P99: duration(recent.quantile(.99)),
			Plot: c.plot(name, perSecond, c.change("", func(before, after *reading) float64 {
				t := after.routes[route].since(before.routes[route])
				return float64(t.count()) / after.at.Sub(before.at).Seconds()
			})),
		})
	}
	slices.SortFunc(rows, func(a, b routeRow) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Route, b.Route)) })
	return plots, rows
}

func (c chart) db() []plot {
	return []plot{
		c.plot("Connections", whole, c.gauge("open", func(s *reading) float64 { return float64(s.db.OpenConnections) }), c.gauge("in use", func(s *reading) float64 { return float64(s.db.InUse) })),
		c.plot("Waits for a connection", perSecond, c.rate("", func(s *reading) float64 { return float64(s.db.WaitCount) })),
		c.plot("Mean wait", lasting, c.change("", func(before, after *reading) float64 {
			if n := after.db.WaitCount - before.db.WaitCount; n > 0 {
				return float64(after.db.WaitDuration-before.db.WaitDuration) / float64(n)
			}
			return 0
		})),
	}
}

func (c chart) pool(holders []pool.Holder) *poolPart {
	now, before := c.last().pool, c.first().pool
	high := func(name string, of func(pool.Stats) pool.Histogram) series {
		return c.change(name, func(before, after *reading) float64 {
			if h := less(of(after.pool), of(before.pool)); h.Count > 0 {
				return float64(h.Quantile(.95))
			}
			return math.NaN()
		})
	}
	wait := func(s pool.Stats) pool.Histogram { return s.Wait }
	hold := func(s pool.Stats) pool.Histogram { return s.Hold }
	part := &poolPart{
		Plots: []plot{
			c.plot(fmt.Sprintf("Connections, of at most %d", now.Limit), whole,
				c.gauge("open", func(s *reading) float64 { return float64(s.pool.Open) }), c.gauge("busy", func(s *reading) float64 { return float64(s.pool.Busy) })),
			c.plot("Callers that wait", whole, c.gauge("", func(s *reading) float64 { return float64(s.pool.Waiting) })),
			c.plot("Lendings", perSecond, c.rate("", func(s *reading) float64 { return float64(s.pool.Hold.Count) })),
			c.plot("Wait for a connection, 95 %", lasting, high("", wait)),
			c.plot("Hold, 95 %", lasting, high("", hold)),
		},
		Bars: []bars{
			histogram("Waits", less(now.Wait, before.Wait)),
			histogram("Holds", less(now.Hold, before.Hold)),
		},
		Tallies: []tallies{{ID: "closes", Name: "Closed connections, by reason"}, {ID: "refusals", Name: "Refused callers, by reason", All: []tally{
			{"timeout", now.Refused.Timeout - before.Refused.Timeout, now.Refused.Timeout},
			{"queue full", now.Refused.QueueFull - before.Refused.QueueFull, now.Refused.QueueFull},
			{"overloaded", now.Refused.Overloaded - before.Refused.Overloaded, now.Refused.Overloaded},
			{"canceled", now.Refused.Canceled - before.Refused.Canceled, now.Refused.Canceled},
			{"closed", now.Refused.Closed - before.Refused.Closed, now.Refused.Closed},
			{"dial failed", now.Refused.DialFailed - before.Refused.DialFailed, now.Refused.DialFailed},
		}}, {ID: "others", Name: "Other counts", All: []tally{
			{"connects", now.Dial.Count - before.Dial.Count, now.Dial.Count},
			{"failed connects", now.DialFailures - before.DialFailures, now.DialFailures},
			{"leaks", now.Leaks - before.Leaks, now.Leaks},
			{"slow calls", now.SlowCalls - before.SlowCalls, now.SlowCalls},
			{"abandoned", now.Abandoned - before.Abandoned, now.Abandoned},
		}}},
	}
	for cause := pool.CloseBroken; cause <= pool.CloseShutdown; cause++ {
		part.Tallies[0].All = append(part.Tallies[0].All, tally{cause.String(), now.Closes[cause] - before.Closes[cause], now.Closes[cause]})
	}
	if now.DialErr != nil {
		part.DialErr = now.DialErr.Error()
	}
	for _, held := range holders[:min(len(holders), mostHolders)] {
		part.Holders = append(part.Holders, holderRow{Session: held.Session, Held: duration(held.Held), Borrower: held.Borrower(), Stack: held.Stack})
	}
	part.More = len(holders) - len(part.Holders)
	return part
}

// less is what a histogram has counted since.
func less(after, before pool.Histogram) pool.Histogram {
	after.Count -= before.Count
	after.Sum -= before.Sum
	for i := range after.Counts {
		after.Counts[i] -= before.Counts[i]
	}
	return after
}

func histogram(name string, h pool.Histogram) bars {
	bounds := pool.HistogramBounds()
	facts := "mean " + duration(h.Mean()) + ", 50 % up to " + duration(h.Quantile(.5)) + ", 99 % up to " + duration(h.Quantile(.99))
	return newBars(name, h.Counts[:], func(i int) time.Duration { return bounds[min(i, len(bounds)-1)] }, facts)
}

// doctor asks the pool's doctor, and keeps what he said for a while: he asks the server.
type doctor struct {
	asking sync.Mutex
	mu     sync.Mutex
	last   doctorReport
}

const (
	doctorEvery = 30 * time.Second
	doctorWait  = 5 * time.Second
)

// doctorReport is what he said.
type doctorReport struct {
	pool.Report
	Fault string // why there is none, or only a part
}

// report returns a report that is not old, or the last one while somebody else asks.
func (d *doctor) report(ctx context.Context, p *pool.Pool) doctorReport {
	said := func() doctorReport {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.last
	}
	if last := said(); time.Since(last.At) < doctorEvery || !d.asking.TryLock() {
		if last.At.IsZero() {
			last.Fault = "He is being asked; look again in a moment."
		}
		return last
	}
	defer d.asking.Unlock()
	bound, cancel := context.WithTimeout(ctx, doctorWait)
	defer cancel()
	found, err := p.Doctor(bound, &pool.DoctorOptions{Timeout: doctorWait / 2})
	next := doctorReport{Report: found}
	switch {
	case errors.Is(err, pool.ErrClosed):
		next.Fault = "The pool is shut down."
	case err != nil:
		next.Fault = "He was interrupted before he had looked at everything."
	}
	if next.At.IsZero() {
		next.At = time.Now()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if ctx.Err() == nil { // else the browser has gone, and the next one asks again
		d.last = next
	}
	return next
}
