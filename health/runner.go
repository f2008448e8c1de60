package health

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// runner runs one check again and again and keeps what it found.
type runner struct {
	check Check

	mu      sync.Mutex // never held while the check runs
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

// grace is how long a run may outlast its timeout before it counts as failed.
const grace = time.Second

func newRunner(c Check) *runner {
	return &runner{check: c.withDefaults(), result: result{err: errNotYet, last: errNotYet}}
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

func (r *runner) run(ctx context.Context) {
	start := time.Now()
	r.mu.Lock()
	r.started = start
	r.mu.Unlock()

	bounded, cancel := context.WithTimeout(ctx, r.check.Timeout)
	defer cancel()
	err := guard(bounded, r.check.Run)
	if ctx.Err() != nil {
		return // stopping says nothing about what is checked
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	r.record(err, start, time.Now())
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

func (r *runner) record(err error, start, end time.Time) {
	first := r.result.at.IsZero()
	r.started = time.Time{}
	r.result.last, r.result.latency, r.result.at = err, end.Sub(start), end
	if (err == nil) == (r.result.err == nil) {
		r.result.err, r.streak = err, 0
		return
	}
	r.streak++
	needed := r.check.Failures
	if err == nil {
		needed = r.check.Successes
	}
	if first || r.streak >= needed {
		r.result.err, r.streak = err, 0
	}
}

// snapshot returns what is known now.
func (r *runner) snapshot() result {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.result
	if running := time.Since(r.started); !r.started.IsZero() && running > r.check.Timeout+grace {
		s.err = fmt.Errorf("the check has not returned for %v", running.Round(time.Second))
		s.last, s.latency = s.err, running
	}
	return s
}
