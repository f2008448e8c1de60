package pool

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"
)

const (
	// stackDepth frames reach from the pool through database/sql and a library
	// or two to the borrower.
	stackDepth = 20

	// To take a stack costs 1 to 6 µs, more than the rest of a lending. Up to
	// stacksPerWindow of them every stackWindow, 500 a second, that is at most
	// 0.3 % of a core; beyond, lendings without a stack follow. Transactions
	// always get one.
	stackWindow     = 10 * time.Millisecond
	stacksPerWindow = 5

	// stacksAfterLeak is for how long every lending gets a stack after one
	// without was found to be held: who leaks once leaks again.
	stacksAfterLeak = 10 * time.Minute
)

// stacks decides which lendings get a stack.
type stacks struct {
	window time.Time
	taken  int
	always time.Time // until then
}

func (s *stacks) want(now time.Time) bool {
	if now.Sub(s.window) >= stackWindow {
		s.window, s.taken = now, 0
	}
	s.taken++
	return s.taken <= stacksPerWindow || now.Before(s.always)
}

// borrower is where a connection was borrowed and what was seen of its holder.
// The engine's mutex guards it.
type borrower struct {
	pcs   [stackDepth]uintptr
	depth int

	calls    uint64    // conn.calls when last looked at
	quiet    time.Time // since when it has been that
	reported bool      // as held
	slow     bool      // as a slow call
}

// noteBorrower keeps the caller's stack.
func (e *engine) noteBorrower(c *conn) {
	var pcs [stackDepth]uintptr
	n := runtime.Callers(3, pcs[:]) // without itself, its caller and runtime.Callers
	e.mu.Lock()
	defer e.mu.Unlock()
	c.borrower.pcs, c.borrower.depth = pcs, n
}

// trace returns the borrower's frames, the innermost first, without those of
// database/sql and of the pool.
func (b *borrower) trace() (lines []string) {
	if b.depth == 0 {
		return nil
	}
	frames := runtime.CallersFrames(b.pcs[:b.depth])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if f.File == "" || f.Function == "runtime.goexit" || len(lines) == 0 &&
			(strings.HasPrefix(f.Function, "database/sql.") || strings.HasPrefix(f.Function, ownPrefix)) {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s:%d %s", f.File, f.Line, f.Function))
	}
	return lines
}

const ownPrefix = "github.com/productkit-go/productkit/pool."

// holder describes c in its holder's hands.
func (c *conn) holder(now time.Time) Holder {
	return Holder{Session: c.sessionName(), Held: now.Sub(c.since), Stack: c.borrower.trace()}
}

// notice is what is to be logged once the mutex is free.
type notice struct {
	text  string
	quiet time.Duration
	Holder
}

func (n notice) log(to *slog.Logger) {
	to.Warn(n.text, "for", n.quiet.Round(time.Millisecond), "session", n.Session,
		"held", n.Held.Round(time.Millisecond), "borrower", n.Borrower(), "stack", n.Stack)
}

// watchLocked looks for connections that are held without a call in flight, and
// for calls that take long. It looks ten times within HoldWarning rather than
// have each call read the clock, so it is up to a tenth late.
func (e *engine) watchLocked(now time.Time) (notices []notice, next time.Time) {
	patience := e.cfg.HoldWarning
	if patience <= 0 || len(e.idle) == len(e.conns) {
		return nil, time.Time{}
	}
	for _, c := range e.conns {
		b := &c.borrower
		if !c.busy || c.kept {
			continue
		}
		if calls := c.calls.Load(); b.calls != calls {
			b.calls, b.quiet, b.slow = calls, now, false
		} else if b.quiet.IsZero() {
			b.quiet = c.since
		}
		quiet := now.Sub(b.quiet)
		inCall := b.calls%2 == 1
		switch {
		case quiet < patience:
		case inCall && !b.slow:
			b.slow = true
			e.counts.slowCalls++
			notices = append(notices, notice{"pool: a call takes long", quiet, c.holder(now)})
		case !inCall && !b.reported:
			b.reported = true
			e.counts.leaks++
			if b.depth == 0 {
				e.stacks.always = now.Add(stacksAfterLeak)
			}
			notices = append(notices, notice{"pool: a connection is held and not used; were rows not closed, or a transaction, statement or connection not ended?", quiet, c.holder(now)})
		}
	}
	return notices, now.Add(max(patience/10, time.Millisecond))
}

// keepAlive pings c, which the keeper took off the idle stack, and puts it back
// as idle as it was.
func (e *engine) keepAlive(c *conn, idleSince time.Time) {
	err := c.reset(e.ctx)
	if err == nil {
		if err = c.ping(e.ctx, e.cfg.PingTimeout); err != nil && e.ctx.Err() == nil {
			e.bump("ping failed", err)
		}
	}
	if err != nil {
		e.discard(c, ClosePing)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	c.kept, c.pinged = false, now
	e.placeLocked(c, now)
	if !c.busy && len(e.idle) > 0 && e.idle[len(e.idle)-1] == c {
		c.since = idleSince
		for i := len(e.idle) - 1; i > 0 && e.idle[i-1].since.After(idleSince); i-- {
			e.idle[i], e.idle[i-1] = e.idle[i-1], c
		}
	}
	e.growLocked(now)
}

// lastHeard is when idle c was last known to work.
func (c *conn) lastHeard() time.Time {
	if c.pinged.After(c.since) {
		return c.pinged
	}
	return c.since
}
