package health

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// runner runs one check again and again and keeps what it found.
type runner struct {
	check   Check
	changed func(check string, err error)

	mu      sync.Mutex // never held while the host's functions run
	started time.Time  // of the run under way; zero between runs
	result  result
	streak  int // runs in a row whose outcome differs from result.err == nil
}

// result is what a check's runs have come to.
type result struct {
	err     error // nil: the check passes
	last    error // of the last run, which may not have counted yet
	latency time.Duration
	at      time.Time // when the last run ended; zero before
}

// grace is how long a run may outlast its timeout before the check fails.
const grace = time.Second

func newRunner(c Check, changed func(string, error)) *runner {
	return &runner{check: c.withDefaults(), changed: changed, result: result{err: errNotYet, last: errNotYet}}
}

// loop runs the check until ctx ends.
func (r *runner) loop(ctx context.Context) {
	for ctx.Err() == nil {
		r.run(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(r.check.Interval):
		}
	}
}

// run runs the check once, beside this goroutine, which so can tell of one that hangs.
func (r *runner) run(ctx context.Context) {
	start := time.Now()
	r.mu.Lock()
	r.started = start
	r.mu.Unlock()

	bounded, cancel := context.WithTimeout(ctx, r.check.Timeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- guard(bounded, r.check.Run) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = <-done
	case <-time.After(r.check.Timeout + grace):
		r.hang()
		err = <-done
	}
	if ctx.Err() != nil {
		return // stopping says nothing about what is checked
	}
	r.record(err, start)
}

// guard turns a panic into an error: a check must not take down what it checks.
func guard(ctx context.Context, run func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the check panicked: %v", p)
		}
	}()
	return run(ctx)
}

// hang fails the check while its run is still under way.
func (r *runner) hang() {
	err := fmt.Errorf("the check has not returned for %v", r.check.Timeout+grace)
	r.mu.Lock()
	changed := r.result.err == nil || r.result.at.IsZero()
	r.result.err, r.result.last, r.streak = err, err, 0
	r.mu.Unlock()
	if changed {
		r.changed(r.check.Name, err)
	}
}

func (r *runner) record(err error, start time.Time) {
	r.mu.Lock()
	first := r.result.at.IsZero()
	r.started = time.Time{}
	r.result.last, r.result.at = err, time.Now()
	r.result.latency = r.result.at.Sub(start)
	r.streak++
	needed := r.check.Failures
	if err == nil {
		needed = r.check.Successes
	}
	same := (err == nil) == (r.result.err == nil)
	changed := first || !same && r.streak >= needed
	if same || changed {
		r.result.err, r.streak = err, 0
	}
	r.mu.Unlock()
	if changed {
		r.changed(r.check.Name, err)
	}
}

// snapshot returns what is known now.
func (r *runner) snapshot() result {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.result
	if running := time.Since(r.started); !r.started.IsZero() && running >= r.check.Timeout+grace {
		s.latency = running
	}
	return s
}
