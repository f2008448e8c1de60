package health

import "sync/atomic"

// Step is a part of starting up: the host says when it is done, and nothing undoes it. Until
// then neither start-up nor readiness passes. It is safe for concurrent use.
type Step struct {
	name string
	done atomic.Bool
}

// NewStep returns a step that is not done. For its name see [Check].
func NewStep(name string) *Step { return &Step{name: name} }

// Done says that the step is done.
func (s *Step) Done() { s.done.Store(true) }
