package health

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Weight says what a failing check means.
type Weight uint8

// The weights.
const (
	Required      Weight = iota // without it no request can be served: not ready, status fail
	Degrading                   // it goes on, but not well: ready, status warn
	Informational               // it is only shown
)

// String returns the weight's name in lower case.
func (w Weight) String() string {
	switch w {
	case Required:
		return "required"
	case Degrading:
		return "degrading"
	}
	return "informational"
}

// Check asks for one thing that the process depends on.
type Check struct {
	// Name stands in answers: 1 to 64 of a–z, 0–9, - and _. Required, and unique.
	Name string

	// Run returns nil if all is well. Its context ends after Timeout and in [Probe.Stop]. It is
	// never called twice at once. Required.
	Run func(ctx context.Context) error

	// Weight says what a failure means. Default [Required].
	Weight Weight

	// Interval is the pause between two runs. Default 5 s: a failure shows within two of them,
	// and one query each costs a database nothing.
	Interval time.Duration

	// Timeout bounds a run. Default 2 s. When a run has not returned one second later, the
	// check fails; the run is waited for, not started anew.
	Timeout time.Duration

	// Failures is how many runs in a row must fail before the check does, so that one lost
	// packet takes no instance out. Default 2. The first run of all decides by itself.
	Failures int

	// Successes is how many runs in a row must succeed before a failed check passes. Default 1.
	Successes int

	// Details, if given, is shown in the report as JSON, to everybody: a pool's statistics, say.
	// It is called for each report and must return at once.
	Details func() any
}

func (c Check) withDefaults() Check {
	if c.Interval <= 0 {
		c.Interval = 5 * time.Second
	}
	if c.Timeout <= 0 {
		c.Timeout = 2 * time.Second
	}
	if c.Failures <= 0 {
		c.Failures = 2
	}
	if c.Successes <= 0 {
		c.Successes = 1
	}
	return c
}

func (c Check) validate() error {
	if c.Run == nil {
		return fmt.Errorf("health: check %q has no Run", c.Name)
	}
	if c.Weight > Informational {
		return fmt.Errorf("health: check %q has the unknown weight %d", c.Name, c.Weight)
	}
	return nil
}

var validName = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// names are those that the lines of one probe have.
type names map[string]bool

func (n names) take(kind, name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("health: a %s's name is %q; use 1 to 64 of a-z, 0-9, - and _", kind, name)
	}
	if n[name] {
		return fmt.Errorf("health: the %s's name %q is taken", kind, name)
	}
	n[name] = true
	return nil
}

// errNotYet is a check's result before its first run has ended.
var errNotYet = errors.New("not checked yet")
