package health

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (p *Probe) basic(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "application/json", `{"status":"ok"}`+"\n")
}

// line is one condition of a probe.
type line struct {
	name string
	err  error // nil: it holds
}

var (
	errNotDone  = errors.New("not done yet")
	errDraining = errors.New("no new requests should be sent here")
)

func (p *Probe) liveness() []line {
	var lines []line
	for _, h := range p.opts.Heartbeats {
		lines = append(lines, line{h.name, h.late()})
	}
	return lines
}

func (p *Probe) startup() []line {
	var lines []line
	for _, s := range p.opts.Startup {
		lines = append(lines, line{s.name, unless(s.done.Load(), errNotDone)})
	}
	return lines
}

// The names of the lines of readiness that are no checks.
const (
	startupLine = "startup"
	drainLine   = "drain"
)

func (p *Probe) readiness() []line {
	r := p.Report()
	lines := []line{{startupLine, unless(r.Started, errNotDone)}}
	for _, c := range r.Checks {
		if c.Check.Weight == Required {
			lines = append(lines, line{c.Check.Name, c.Err})
		}
	}
	return append(lines, line{drainLine, unless(!r.Draining, errDraining)})
}

func unless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

func pass(lines []line) bool {
	return !slices.ContainsFunc(lines, func(l line) bool { return l.err != nil })
}

// handle answers at /probe and /probe/{name} in the manner of Kubernetes' own probes
// (https://kubernetes.io/docs/reference/using-api/health-checks/): ok, or what failed.
func (p *Probe) handle(probe string, lines func() []line) {
	p.mux.HandleFunc("GET /"+probe, func(w http.ResponseWriter, r *http.Request) {
		p.list(w, r, probe, lines())
	})
	p.mux.HandleFunc("GET /"+probe+"/{name}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		one := slices.DeleteFunc(lines(), func(l line) bool { return l.name != name })
		if len(one) == 0 {
			answer(w, http.StatusNotFound, text, fmt.Sprintf("%s has no check %q; /%[1]s?verbose lists them\n", probe, name))
			return
		}
		p.list(w, r, probe, one)
	})
}

const text = "text/plain; charset=utf-8"

func (p *Probe) list(w http.ResponseWriter, r *http.Request, probe string, lines []line) {
	query := r.URL.Query()
	unknown := make(map[string]bool)
	for _, name := range query["exclude"] {
		unknown[name] = true
	}
	excluded, trusted := maps.Clone(unknown), p.opts.Trusted(r)
	var b strings.Builder
	failed := false
	for _, l := range lines {
		delete(unknown, l.name)
		switch {
		case excluded[l.name]:
			fmt.Fprintf(&b, "[+]%s excluded: ok\n", l.name)
		case l.err == nil:
			fmt.Fprintf(&b, "[+]%s ok\n", l.name)
		default:
			failed = true
			reason := "reason withheld"
			if trusted {
				reason = oneLine(l.err.Error())
			}
			fmt.Fprintf(&b, "[-]%s failed: %s\n", l.name, reason)
		}
	}
	if len(unknown) > 0 {
		var quoted []string
		for name := range unknown {
			quoted = append(quoted, strconv.Quote(name))
		}
		slices.Sort(quoted)
		fmt.Fprintf(&b, "warn: some health checks cannot be excluded: no matches for %s\n", strings.Join(quoted, ","))
	}
	switch {
	case failed:
		answer(w, http.StatusServiceUnavailable, text, b.String()+probe+" check failed\n")
	case query.Has("verbose"):
		answer(w, http.StatusOK, text, b.String()+probe+" check passed\n")
	default:
		answer(w, http.StatusOK, text, "ok\n")
	}
}

func answer(w http.ResponseWriter, status int, media, body string) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // a client that has gone needs no answer
}
