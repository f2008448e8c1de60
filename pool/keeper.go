package pool

import (
	"math"
	"time"
)

// keep is the engine's one lasting goroutine. It closes connections whose time
// has come while they lie idle, pings the others, looks after those that are held, keeps MinConns open and starts dials that had to
// wait for their time, and refuses callers that have waited for too long.
func (e *engine) keep() {
	defer close(e.kept)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-e.wake:
		case <-timer.C:
		}
		now := time.Now()
		e.mu.Lock()
		next := e.tendLocked(now)
		notices, again := e.watchLocked(now)
		next = earlier(next, again)
		e.keeperNext = next
		e.mu.Unlock()
		for _, n := range notices {
			n.log(e.log)
		}
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(next.Sub(now))
		}
	}
}

// tendLocked does what is due and returns when to come again, zero for not
// before woken.
func (e *engine) tendLocked(now time.Time) time.Time {
	if e.closed {
		return time.Time{}
	}
	kept := e.idle[:0]
	for _, c := range e.idle {
		cause, retire := e.worn(c, now)
		if !retire && e.cfg.MaxIdleTime > 0 && len(e.conns) > e.min && now.Sub(c.since) >= e.cfg.MaxIdleTime {
			cause, retire = CloseIdle, true
		}
		switch {
		case retire:
			e.retireLocked(c, cause, false)
		case e.cfg.KeepaliveInterval > 0 && now.Sub(c.lastHeard()) >= e.cfg.KeepaliveInterval:
			idleSince := c.since
			c.busy, c.kept, c.since = true, true, now
			go e.keepAlive(c, idleSince)
		default:
			kept = append(kept, c)
		}
	}
	clear(e.idle[len(kept):])
	e.idle = kept

	next := earlier(e.dialLocked(now), e.shedLocked(now))
	for _, c := range e.idle {
		next = earlier(next, e.dueLocked(c))
	}
	return next
}

// callKeeperLocked has the keeper come by at next, zero for never.
func (e *engine) callKeeperLocked(next time.Time) {
	if next.IsZero() || !e.keeperNext.IsZero() && !next.Before(e.keeperNext) {
		return
	}
	e.keeperNext = next
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// restedLocked has the keeper look after c, which has just become idle. As a rule
// it comes by before c can be due, and no more is to be worked out.
func (e *engine) restedLocked(c *conn, now time.Time) {
	if next := e.keeperNext; !next.IsZero() && next.Sub(now) < e.rest && (c.expires.IsZero() || next.Before(c.expires)) {
		return
	}
	e.callKeeperLocked(e.dueLocked(c))
}

// shortestRest returns how soon an idle connection may be due at the earliest,
// its lifetime apart.
func shortestRest(cfg Config) time.Duration {
	rest := time.Duration(math.MaxInt64)
	for _, d := range []time.Duration{cfg.MaxIdleTime, cfg.KeepaliveInterval} {
		if d > 0 {
			rest = min(rest, d)
		}
	}
	return rest
}

// dueLocked returns when idle c will have to go or be pinged, zero for never.
func (e *engine) dueLocked(c *conn) time.Time {
	due := c.expires
	if e.cfg.MaxIdleTime > 0 && len(e.conns) > e.min {
		due = earlier(due, c.since.Add(e.cfg.MaxIdleTime))
	}
	if e.cfg.KeepaliveInterval > 0 {
		due = earlier(due, c.lastHeard().Add(e.cfg.KeepaliveInterval))
	}
	return due
}

// earlier ignores zero times.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
