package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// report is what came back: in all, of each kind, and since the last progress.
type report struct {
	all    vegeta.Metrics
	kinds  map[string]*vegeta.Metrics
	recent *vegeta.Metrics
}

func newReport() *report {
	return &report{kinds: make(map[string]*vegeta.Metrics), recent: new(vegeta.Metrics)}
}

func (r *report) add(result *vegeta.Result) {
	kind := kindOf(result)
	if r.kinds[kind] == nil {
		r.kinds[kind] = new(vegeta.Metrics)
	}
	for _, m := range []*vegeta.Metrics{&r.all, r.kinds[kind], r.recent} {
		m.Add(result)
	}
}

func (r *report) close() {
	r.all.Close()
	for _, m := range r.kinds {
		m.Close()
	}
}

// progress tells of the last second.
func (r *report) progress(w io.Writer) {
	m := r.recent
	r.recent = new(vegeta.Metrics)
	m.Close()
	fmt.Fprintf(w, "%d answers, %.2f %% ok, median %v, p99 %v; %d in all\n", m.Requests, 100*m.Success, short(m.Latencies.P50), short(m.Latencies.P99), r.all.Requests)
}

func short(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// print writes a table with a line for each kind.
func (r *report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "requests\tanswers\tsuccess\t/s\tmedian\tp90\tp95\tp99\tmax\t")
	row := func(name string, m *vegeta.Metrics) {
		l := m.Latencies
		fmt.Fprintf(t, "%s\t%d\t%.2f %%\t%.1f\t%v\t%v\t%v\t%v\t%v\t\n", name, m.Requests, 100*m.Success, m.Throughput, short(l.P50), short(l.P90), short(l.P95), short(l.P99), short(l.Max))
	}
	for _, kind := range kinds {
		if m := r.kinds[kind]; m != nil {
			row(kind, m)
		}
	}
	row("all", &r.all)
	_ = t.Flush() // of a terminal that is gone nobody is told
	for _, code := range slices.Sorted(maps.Keys(r.all.StatusCodes)) {
		if code != "200" {
			fmt.Fprintf(w, "status %s: %d\n", code, r.all.StatusCodes[code])
		}
	}
	for _, text := range r.all.Errors {
		fmt.Fprintln(w, "error:", text)
	}
}
