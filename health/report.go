package health

import (
	"encoding/json"
	"net/http"
	"runtime/metrics"
	"time"
)

// Status is the state of a check or of the process.
type Status string

// The statuses.
const (
	Pass Status = "pass"
	Warn Status = "warn" // it goes on, but not well
	Fail Status = "fail"
)

// Report is what is known at one moment, for the host's own metrics.
type Report struct {
	Status   Status
	Live     bool // what /livez answers
	Started  bool // what /startupz answers
	Ready    bool // what /readyz answers
	Draining bool
	Checks   []Result // in the order in which they were added
}

// Result is what a check's runs have come to.
type Result struct {
	Check   Check // with its defaults
	Status  Status
	Err     error         // why it fails; nil if it passes
	Last    error         // of the last run, which may not have counted yet
	Latency time.Duration // of the last run, or of the one under way if that is overdue
	At      time.Time     // when the last run ended; zero before
	Age     time.Duration // since then
}

// Report returns what is known now. Like every answer it waits for no check.
func (p *Probe) Report() Report {
	r := Report{Status: Pass, Live: pass(p.liveness()), Started: pass(p.startup()), Draining: p.draining.Load()}
	if r.Draining {
		r.Status = Warn
	}
	p.mu.Lock()
	runners := p.runners
	p.mu.Unlock()
	able := r.Started
	for _, run := range runners {
		c := run.report()
		switch {
		case c.Status == Fail:
			able = false
		case c.Status == Warn && c.Check.Weight == Degrading:
			r.Status = Warn
		}
		r.Checks = append(r.Checks, c)
	}
	if !able || !r.Live {
		r.Status = Fail
	}
	r.Ready = able && !r.Draining
	return r
}

func (r *runner) report() Result {
	s := r.snapshot()
	c := Result{Check: r.check, Status: Pass, Err: s.err, Last: s.last, Latency: s.latency, At: s.at}
	if s.err != nil {
		c.Status = Warn
		if r.check.Weight == Required {
			c.Status = Fail
		}
	}
	if !s.at.IsZero() {
		c.Age = time.Since(s.at)
	}
	return c
}

// document is the report, in the shape of draft-inadarei-api-health-check-06: pass, warn or
// fail, and a list of observations by name.
type document struct {
	Status  Status                   `json:"status"`
	Version string                   `json:"version,omitempty"`
	Notes   []string                 `json:"notes,omitempty"`
	Checks  map[string][]observation `json:"checks"`
}

type observation struct {
	Status  Status     `json:"status,omitempty"`
	Value   *float64   `json:"observedValue,omitempty"`
	Unit    string     `json:"observedUnit,omitempty"`
	Time    *time.Time `json:"time,omitempty"`        // when the check ran last
	Age     *float64   `json:"age_seconds,omitempty"` // since then
	Output  string     `json:"output,omitempty"`      // the error, for trusted callers
	Details any        `json:"details,omitempty"`
}

func (p *Probe) health(w http.ResponseWriter, r *http.Request) {
	report, trusted := p.Report(), p.opts.Trusted(r)
	d := document{Status: report.Status, Version: p.opts.Version, Checks: p.process()}
	for _, c := range report.Checks {
		d.Checks[c.Check.Name] = []observation{observe(c, trusted)}
	}
	for kind, lines := range map[string][]line{"heartbeat:": p.liveness(), "startup:": p.startup()} {
		for _, l := range lines {
			o := observation{Status: Pass}
			if l.err != nil {
				o.Status, o.Output = Fail, told(l.err, trusted)
			}
			d.Checks[kind+l.name] = []observation{o}
		}
	}
	if report.Draining {
		d.Notes = append(d.Notes, "draining: "+errDraining.Error())
	}
	status := http.StatusOK
	if d.Status == Fail {
		status = http.StatusServiceUnavailable
	}
	body, err := json.Marshal(d)
	if err != nil { // only details can fail to encode
		answer(w, http.StatusInternalServerError, "application/health+json", `{"status":"fail"}`+"\n")
		return
	}
	answer(w, status, "application/health+json", string(body)+"\n")
}

// told is an error's text for those who may see it.
func told(err error, trusted bool) string {
	if err == nil || !trusted {
		return ""
	}
	return err.Error()
}

func observe(c Result, trusted bool) observation {
	o := observation{Status: c.Status, Output: told(c.Last, trusted)}
	if !c.At.IsZero() {
		at, age := c.At.UTC(), seconds(c.Age)
		latency := float64(c.Latency.Microseconds()) / 1e3
		o.Time, o.Age, o.Value, o.Unit = &at, &age, &latency, "ms"
	}
	if c.Check.Details != nil {
		o.Details = c.Check.Details()
	}
	return o
}

// process observes this process. It reads runtime/metrics, which stops nothing, unlike
// runtime.ReadMemStats.
func (p *Probe) process() map[string][]observation {
	samples := []metrics.Sample{
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/sched/threads/total:threads"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
	}
	names := []struct{ name, unit string }{
		{"process:goroutines", "goroutines"}, {"process:threads", "threads"}, {"process:memory", "bytes"}, {"process:heap", "bytes"},
	}
	metrics.Read(samples)
	uptime := seconds(time.Since(p.born))
	checks := map[string][]observation{"process:uptime": {{Value: &uptime, Unit: "s"}}}
	for i, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 { // an older runtime may not know it
			v := float64(s.Value.Uint64())
			checks[names[i].name] = []observation{{Value: &v, Unit: names[i].unit}}
		}
	}
	return checks
}

func seconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e6 }
