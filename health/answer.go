package health

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

func (p *Probe) basic(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "application/json", `{"status":"ok"}`+"\n")
}

func (p *Probe) live(w http.ResponseWriter, _ *http.Request) {
	var lines list
	for _, h := range p.opts.Heartbeats {
		lines.add(h.name, h.alive())
	}
	lines.answer(w, "livez")
}

func (p *Probe) ready(w http.ResponseWriter, _ *http.Request) {
	var lines list
	for _, r := range p.runners {
		if r.check.Weight == Required {
			lines.add(r.check.Name, r.snapshot().err == nil)
		}
	}
	if p.draining.Load() {
		lines.add("drain", false)
	}
	lines.answer(w, "readyz")
}

// list is an answer in the manner of Kubernetes' own probes: ok, or which check failed.
type list struct {
	text   strings.Builder
	failed bool
}

func (l *list) add(name string, ok bool) {
	if ok {
		fmt.Fprintf(&l.text, "[+]%s ok\n", name)
		return
	}
	l.failed = true
	fmt.Fprintf(&l.text, "[-]%s failed\n", name)
}

func (l *list) answer(w http.ResponseWriter, probe string) {
	if l.failed {
		answer(w, http.StatusServiceUnavailable, "text/plain; charset=utf-8", l.text.String()+probe+" check failed\n")
		return
	}
	answer(w, http.StatusOK, "text/plain; charset=utf-8", "ok\n")
}

func answer(w http.ResponseWriter, status int, media, body string) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // a client that has gone needs no answer
}
