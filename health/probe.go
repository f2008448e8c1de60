package health

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Options tunes a [Probe]. The zero value, and nil, mean no checks.
type Options struct {
	// Checks are run in the background. They decide about readiness and the report.
	Checks []Check

	// Heartbeats decide about liveness. Without any the process is alive while it answers.
	Heartbeats []*Heartbeat

	// Version is the program's, for the report. Default: left out.
	Version string

	// Trusted reports whether a caller may see the texts of errors, which can name hosts and
	// users. Default: nobody may.
	Trusted func(*http.Request) bool
}

// Probe runs checks and answers probes. It is an [http.Handler] for GET and HEAD of /, /livez,
// /readyz and /health, safe for concurrent use.
type Probe struct {
	opts     Options
	runners  []*runner
	mux      *http.ServeMux
	born     time.Time
	draining atomic.Bool

	mu      sync.Mutex
	cancel  context.CancelFunc // of the runners; nil before Start
	stopped bool
	running sync.WaitGroup
}

// New returns a Probe that has not started: it is alive, and not ready if a check is required.
func New(opts *Options) (*Probe, error) {
	if opts == nil {
		opts = &Options{}
	}
	p := &Probe{opts: *opts, mux: http.NewServeMux(), born: time.Now()}
	if p.opts.Trusted == nil {
		p.opts.Trusted = func(*http.Request) bool { return false }
	}
	var errs []error
	names := make(map[string]bool)
	for _, c := range p.opts.Checks {
		if err := c.validate(); err != nil {
			errs = append(errs, err)
		} else if names[c.Name] {
			errs = append(errs, fmt.Errorf("health: two checks are named %q", c.Name))
		}
		names[c.Name] = true
		p.runners = append(p.runners, newRunner(c))
	}
	p.mux.HandleFunc("GET /{$}", p.basic)
	p.mux.HandleFunc("GET /livez", p.live)
	p.mux.HandleFunc("GET /readyz", p.ready)
	p.mux.HandleFunc("GET /health", p.report)
	return p, errors.Join(errs...)
}

// Start begins to run the checks, once; calling it again, or after Stop, does nothing.
func (p *Probe) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil || p.stopped {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	for _, r := range p.runners {
		p.running.Go(func() { r.loop(ctx) })
	}
}

// Drain makes readiness fail from now on, so that no new requests are sent here while the ones
// that are come to their end. Liveness goes on as before.
func (p *Probe) Drain() { p.draining.Store(true) }

// Stop ends the checks and waits for the goroutines that run them. Its error is the context's,
// if a check that does not heed its own context outlasts it. Answers go on from what was found
// last.
func (p *Probe) Stop(ctx context.Context) error {
	p.mu.Lock()
	p.stopped = true
	if p.cancel != nil {
		p.cancel()
	}
	p.mu.Unlock()
	done := make(chan struct{})
	go func() { p.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("health: a check still runs: %w", ctx.Err())
	}
}

// ServeHTTP answers from what is known. It never waits for a check.
func (p *Probe) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }
