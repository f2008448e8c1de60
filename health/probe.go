package health

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Options tunes a [Probe]. The zero value, and nil, mean no checks.
type Options struct {
	// Checks are run in the background. They decide about readiness and the report.
	// [Probe.Add] adds more.
	Checks []Check

	// Heartbeats decide about liveness. Without any the process is alive while it answers.
	Heartbeats []*Heartbeat

	// Startup lists what must be done once before there is readiness, such as migrations.
	// Without any, starting up is done when the process answers.
	Startup []*Step

	// Version is the program's, for the report. Default: left out.
	Version string

	// Trusted reports whether a caller may see the texts of errors, which can name hosts and
	// users. Default: nobody may.
	Trusted func(*http.Request) bool

	// OnChange, for logs, is called when a check's first result is there and whenever it fails,
	// with the reason, or passes again, with nil. The check's own goroutine calls it: calls for
	// one check come one after the other, and while one lasts no further run begins.
	OnChange func(check string, err error)
}

// Probe runs checks and answers probes. It is an [http.Handler] for GET and HEAD of /, /health,
// /livez, /readyz, /startupz and what is below the last three, safe for concurrent use.
type Probe struct {
	opts     Options
	mux      *http.ServeMux
	born     time.Time
	draining atomic.Bool

	mu      sync.Mutex
	names   names           // of readiness
	runners []*runner       // only appended to
	ctx     context.Context // of the runners; nil before Start
	cancel  context.CancelFunc
	stopped bool
	running sync.WaitGroup
}

// New returns a Probe that has not started: it is alive, and not ready if a check is required
// or a step is to be done.
func New(opts *Options) (*Probe, error) {
	if opts == nil {
		opts = &Options{}
	}
	p := &Probe{opts: *opts, mux: http.NewServeMux(), born: time.Now(), names: names{startupLine: true, drainLine: true}}
	if p.opts.Trusted == nil {
		p.opts.Trusted = func(*http.Request) bool { return false }
	}
	if p.opts.OnChange == nil {
		p.opts.OnChange = func(string, error) {}
	}
	errs := []error{p.Add(p.opts.Checks...)}
	heartbeats, steps := make(names), make(names)
	for _, h := range p.opts.Heartbeats {
		errs = append(errs, heartbeats.take("heartbeat", h.name))
	}
	for _, s := range p.opts.Startup {
		errs = append(errs, steps.take("step", s.name))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.mux.HandleFunc("GET /{$}", p.basic)
	p.mux.HandleFunc("GET /health", p.health)
	p.handle("livez", p.liveness)
	p.handle("readyz", p.readiness)
	p.handle("startupz", p.startup)
	return p, nil
}

// Add adds checks, all or none; after Start they run at once. So a process can answer probes
// before the database is open that it will check. Until its checks are added, a [Step] that is
// not done must keep it from being ready.
func (p *Probe) Add(checks ...Check) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := maps.Clone(p.names)
	var errs []error
	var added []*runner
	for _, c := range checks {
		errs = append(errs, taken.take("check", c.Name), c.validate())
		added = append(added, newRunner(c, p.opts.OnChange))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	p.names, p.runners = taken, append(p.runners, added...)
	p.run(added)
	return nil
}

// Start begins to run the checks, once; calling it again, or after Stop, does nothing.
func (p *Probe) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil || p.stopped {
		return
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.run(p.runners)
}

// run needs the lock.
func (p *Probe) run(runners []*runner) {
	if p.ctx == nil || p.stopped {
		return
	}
	for _, r := range runners {
		p.running.Go(func() { r.loop(p.ctx) })
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
