package pool

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// CloseCause is why a connection was closed.
type CloseCause int

// The causes.
const (
	CloseBroken     CloseCause = iota // an error, or a call cancelled under way
	CloseIdle                         // MaxIdleTime
	CloseLifetime                     // MaxLifetime
	CloseUses                         // MaxUses
	CloseOverflow                     // came back above MaxConns
	ClosePing                         // did not answer a ping
	CloseGeneration                   // older than a failover, a failed ping or a Reset
	CloseShutdown                     // Shutdown
	closeCauses
)

func (c CloseCause) String() string {
	return [closeCauses]string{"broken", "idle", "lifetime", "uses", "overflow", "ping", "generation", "shutdown"}[c]
}

// refusal is why a caller got no connection.
type refusal int

const (
	refusedTimeout refusal = iota
	refusedQueueFull
	refusedOverloaded
	refusedCanceled
	refusedClosed
	refusedDial
	refusals
)

func refusalOf(err error) refusal {
	switch {
	case errors.Is(err, ErrClosed):
		return refusedClosed
	case errors.Is(err, ErrOverloaded):
		return refusedOverloaded
	case errors.Is(err, ErrDialFailed):
		return refusedDial
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return refusedCanceled
	}
	return refusedTimeout
}

// counts is what the engine counts, under its mutex.
type counts struct {
	queued       uint64
	dialFailures uint64
	ended        uint64
	abandoned    uint64
	leaks        uint64
	slowCalls    uint64
	closes       [closeCauses]uint64
	refused      [refusals]uint64
	wait         Histogram
	dial         Histogram
	hold         Histogram
	statements   StatementStats
}

// tookStatements counts what c's holder did with its statements.
func (n *counts) tookStatements(c *conn) {
	s := &c.statements
	if s.size == 0 {
		return
	}
	n.statements.Hits += s.hits
	n.statements.Misses += s.misses
	n.statements.Prepared += s.prepared
	n.statements.Evicted += s.evicted
	s.hits, s.misses, s.prepared, s.evicted = 0, 0, 0, 0
	c.cached = len(s.byKey)
}

func (c *counts) waited(d time.Duration) { c.wait.add(d) }

// Stats is a snapshot of a Pool: gauges at that moment and totals since Open.
type Stats struct {
	State

	// Overflow is how many of the open connections are above MaxConns.
	Overflow int
	// MinConns, MaxConns and MaxOverflow are the configured sizes, -1 resolved
	// to 0.
	MinConns, MaxConns, MaxOverflow int
	// Generation counts failovers, failed pings and Resets.
	Generation uint64
	// DialErr is the last dial's error, nil if it succeeded.
	DialErr error

	// Queued counts callers that had to wait; Wait.Count those that got a
	// connection.
	Queued uint64
	// Wait is the time from asking for a connection to getting one, Dial that of
	// every connect, Hold that between getting and giving back.
	Wait, Dial, Hold Histogram
	// DialFailures counts failed connects; Dial.Count all of them.
	DialFailures uint64
	// Closes counts closed connections by cause.
	Closes map[CloseCause]uint64
	// Refused counts callers without a connection by reason.
	Refused Refusals
	// Ended counts connections that broke in use, by a cancelled call or
	// otherwise, and whose session is known to be gone from the server;
	// Abandoned those where that could not be told within a second: their
	// statements may still run there, uncounted by the cap.
	Ended, Abandoned uint64
	// Lingering is how many of the abandoned ones the pool is still trying to end,
	// which it does for 10 minutes each, and for the first 1,000.
	Lingering int
	// Leaks counts connections reported as held without a call in flight, SlowCalls
	// calls reported as taking long (see Config.HoldWarning).
	Leaks, SlowCalls uint64
	// Statements is about StatementCache.
	Statements StatementStats
}

// String is one line for a log.
func (s Stats) String() string {
	closed := uint64(0)
	for _, n := range s.Closes {
		closed += n
	}
	return fmt.Sprintf("%v; %d lent, %d queued, %d refused, %d of %d dials failed, %d closed, %d abandoned, %d leaks, %d slow calls",
		s.State, s.Wait.Count, s.Queued, s.Refused.Total(),
		s.DialFailures, s.Dial.Count, closed, s.Abandoned, s.Leaks, s.SlowCalls)
}

// StatementStats counts what the connections' statement caches did, as of when
// each connection last came back.
type StatementStats struct {
	// Cached is how many statements the open connections hold now.
	Cached int
	// Hits ran as a cached statement, Misses had arguments and did not.
	Hits, Misses uint64
	// Prepared were put into a cache, Evicted gave way to others.
	Prepared, Evicted uint64
}

// Refusals counts callers that got no connection.
type Refusals struct {
	Timeout    uint64 // ErrAcquireTimeout
	QueueFull  uint64 // ErrQueueFull
	Overloaded uint64 // ErrOverloaded
	Canceled   uint64 // their context ended
	Closed     uint64 // ErrClosed
	DialFailed uint64 // ErrDialFailed
}

// Total is the sum of them.
func (r Refusals) Total() uint64 {
	return r.Timeout + r.QueueFull + r.Overloaded + r.Canceled + r.Closed + r.DialFailed
}

func (e *engine) stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := &e.counts
	s := Stats{
		State:        e.stateLocked(),
		Overflow:     max(len(e.conns)-e.cfg.MaxConns, 0),
		MinConns:     e.min,
		MaxConns:     e.cfg.MaxConns,
		MaxOverflow:  e.limit - e.cfg.MaxConns,
		Generation:   e.generation,
		DialErr:      e.pace.lastErr,
		Queued:       n.queued,
		Wait:         n.wait,
		Dial:         n.dial,
		Hold:         n.hold,
		DialFailures: n.dialFailures,
		Closes:       make(map[CloseCause]uint64, closeCauses),
		Refused: Refusals{
			Timeout:    n.refused[refusedTimeout],
			QueueFull:  n.refused[refusedQueueFull],
			Overloaded: n.refused[refusedOverloaded],
			Canceled:   n.refused[refusedCanceled],
			Closed:     n.refused[refusedClosed],
			DialFailed: n.refused[refusedDial],
		},
		Ended:     n.ended,
		Abandoned: n.abandoned,
		Lingering: len(e.lingering),
		Leaks:     n.leaks,
		SlowCalls: n.slowCalls,

		Statements: n.statements,
	}
	for _, c := range e.conns {
		s.Statements.Cached += c.cached
	}
	for cause, count := range n.closes {
		s.Closes[CloseCause(cause)] = count
	}
	return s
}

func (e *engine) stateLocked() State {
	s := State{
		Open:    len(e.conns),
		Idle:    len(e.idle),
		Busy:    len(e.conns) - len(e.idle),
		Dialing: e.dialing,
		Closing: e.closing,
		Waiting: e.waiters.n,
		Limit:   e.limit,
	}
	var oldest time.Time
	for _, c := range e.conns {
		if c.busy {
			oldest = earlier(oldest, c.since)
		}
	}
	if !oldest.IsZero() {
		s.OldestHold = time.Since(oldest)
	}
	return s
}

// refuseLocked counts a refusal and makes its error.
func (e *engine) refuseLocked(r refusal, reason error, waited time.Duration) error {
	e.counts.refused[r]++
	return &AcquireError{Reason: reason, DialErr: e.pace.lastErr, Waited: waited, State: e.stateLocked()}
}

func (e *engine) holders(now time.Time) (holders []Holder, opening, closing int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.conns {
		if c.busy {
			holders = append(holders, c.holder(now))
		}
	}
	return holders, e.dialing, e.closing
}
