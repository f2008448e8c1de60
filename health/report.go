package health

import (
	"encoding/json"
	"net/http"
	"runtime/metrics"
	"time"
)

// document is the report, in the shape of draft-inadarei-api-health-check-06: pass, warn or
// fail, and a list of observations by name.
type document struct {
	Status  string                   `json:"status"`
	Version string                   `json:"version,omitempty"`
	Notes   []string                 `json:"notes,omitempty"`
	Checks  map[string][]observation `json:"checks"`
}

type observation struct {
	Status  string     `json:"status,omitempty"`
	Value   *float64   `json:"observedValue,omitempty"`
	Unit    string     `json:"observedUnit,omitempty"`
	Time    *time.Time `json:"time,omitempty"`        // when the check ran last
	Age     *float64   `json:"age_seconds,omitempty"` // since then
	Output  string     `json:"output,omitempty"`      // the error, for trusted callers
	Details any        `json:"details,omitempty"`
}

const (
	pass = "pass"
	warn = "warn"
	fail = "fail"
)

func (p *Probe) report(w http.ResponseWriter, r *http.Request) {
	d := document{Status: pass, Version: p.opts.Version, Checks: p.process()}
	trusted := p.opts.Trusted(r)
	for _, run := range p.runners {
		o := observe(run, trusted)
		d.Checks[run.check.Name] = []observation{o}
		switch {
		case o.Status == fail && run.check.Weight == Required:
			d.Status = fail
		case o.Status == warn && d.Status == pass && run.check.Weight == Degrading:
			d.Status = warn
		}
	}
	if p.draining.Load() {
		d.Notes = append(d.Notes, "draining: no new requests should be sent here")
		if d.Status == pass {
			d.Status = warn
		}
	}
	status := http.StatusOK
	if d.Status == fail {
		status = http.StatusServiceUnavailable
	}
	body, err := json.Marshal(d)
	if err != nil { // only details can fail to encode
		answer(w, http.StatusInternalServerError, "application/health+json", `{"status":"fail"}`+"\n")
		return
	}
	answer(w, status, "application/health+json", string(body)+"\n")
}

func observe(r *runner, trusted bool) observation {
	s := r.snapshot()
	o := observation{Status: pass}
	if s.err != nil {
		o.Status = warn
		if r.check.Weight == Required {
			o.Status = fail
		}
	}
	if !s.at.IsZero() {
		at, age := s.at.UTC(), seconds(time.Since(s.at))
		latency := seconds(s.latency) * 1000
		o.Time, o.Age, o.Value, o.Unit = &at, &age, &latency, "ms"
	}
	if trusted && s.last != nil {
		o.Output = s.last.Error()
	}
	if r.check.Details != nil {
		o.Details = r.check.Details()
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
