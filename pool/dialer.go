package pool

import (
	"context"
	"math"
	"time"
)

const (
	// overflowAfter is how long the first waiter must have waited before the
	// pool grows above MaxConns: what is done sooner needs no dial, and an
	// overflow connection is closed as it comes back.
	overflowAfter = 20 * time.Millisecond

	// dialGrace is how long past its bound a connector may take to notice.
	dialGrace = 250 * time.Millisecond

	// hungAfter is how old a dial under way must be, and how many times as old
	// as the one that was just answered was, to be taken for one that was
	// accepted by a server which said nothing and will never be greeted.
	hungAfter = 500 * time.Millisecond
	hungTimes = 4
)

// attempt is one dial under way.
type attempt struct {
	started    time.Time
	patience   time.Duration
	generation uint64
	cancel     context.CancelFunc
	hung       bool // given up on, since a later one was answered
}

// growLocked starts the dials that are wanted and possible now, and has the
// keeper start those whose time comes later.
func (e *engine) growLocked(now time.Time) {
	e.callKeeperLocked(e.dialLocked(now))
}

// dialLocked starts dials and returns when it should be asked again, zero if
// nothing but another event can change its mind.
func (e *engine) dialLocked(now time.Time) time.Time {
	for !e.closed {
		used := len(e.conns) + e.dialing + e.closing
		wanted := e.waiters.n > e.dialing || len(e.conns)+e.dialing < e.min
		if !wanted || used >= e.limit {
			return time.Time{}
		}
		if used >= e.cfg.MaxConns {
			if e.waiters.n == 0 {
				return time.Time{} // closing connections still hold the steady places
			}
			if at := e.waiters.head.since.Add(overflowAfter); now.Before(at) {
				return at
			}
		}
		cold := len(e.conns)+e.closing == 0 && e.pace.failures == 0
		if now.Before(e.pace.next) && !(cold && used < e.cfg.MaxConns) {
			return e.pace.next
		}
		e.pace.started(now)
		e.dialing++
		ctx, cancel := context.WithCancel(e.ctx)
		a := &attempt{started: now, patience: e.pace.patience, generation: e.generation, cancel: cancel}
		e.attempts[a] = true
		go e.dial(ctx, a)
	}
	return time.Time{}
}

// dial makes a connection, on a goroutine and a context of its own: a caller
// that gives up must not waste a connect that the next one could use.
func (e *engine) dial(ctx context.Context, a *attempt) {
	defer a.cancel()
	c, err := e.connect(ctx, a.patience)
	e.dialed(a, c, err)
}

// connect opens a connection and prepares it within timeout, even if the
// connector does not heed its context; what that opens late is closed.
func (e *engine) connect(parent context.Context, timeout time.Duration) (*conn, error) {
	type result struct {
		c   *conn
		err error
	}
	ctx, cancel := context.WithTimeout(parent, timeout)
	defer cancel()
	made := make(chan result, 1)
	go func() {
		c, err := e.open(ctx)
		made <- result{c, err}
	}()
	var r result
	select {
	case r = <-made:
	case <-ctx.Done():
		grace := time.NewTimer(dialGrace)
		defer grace.Stop()
		select {
		case r = <-made:
		case <-grace.C:
			r.err = ctx.Err()
			go func() {
				if late := <-made; late.c != nil {
					late.c.ci.Close()
				}
			}()
		}
	}
	if r.err != nil && ctx.Err() != nil && parent.Err() == nil {
		r.err = &connectTimeoutError{timeout}
	}
	return r.c, r.err
}

func (e *engine) open(ctx context.Context) (*conn, error) {
	var n noted
	ci, err := e.connector.Connect(context.WithValue(ctx, sessionKey{}, &n))
	if err != nil {
		return nil, err
	}
	if e.cfg.OnConnect != nil {
		if err := e.cfg.OnConnect(ctx, ci); err != nil {
			ci.Close()
			return nil, err
		}
	}
	c := newConn(ci)
	c.session, c.cut = n.session, n.cut
	c.looksOnly = n.mysql && e.cfg.Wrap == nil
	// Without a session there may be a proxy between, where a prepared statement
	// ties the connection to one server, or is lost on the way to the next.
	if n.session != nil && c.preparer != nil {
		c.statements.size = max(e.cfg.StatementCache, 0)
	}
	return c, nil
}

// dialed counts a dial out: it made a connection or failed.
func (e *engine) dialed(a *attempt, c *conn, err error) {
	now := time.Now()
	e.mu.Lock()
	hung := a.hung
	e.mu.Unlock()
	if err != nil && !hung && e.ctx.Err() == nil {
		e.log.Warn("pool: cannot connect", "error", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dialedLocked(a, c, err, now)
}

func (e *engine) dialedLocked(a *attempt, c *conn, err error, now time.Time) {
	e.dialing--
	delete(e.attempts, a)
	e.counts.dial.add(now.Sub(a.started))
	if err != nil {
		e.dialFailedLocked(a, now, err)
		return
	}
	e.pace.succeeded(now.Sub(a.started))
	e.giveUpHungLocked(now, now.Sub(a.started))
	c.generation = a.generation
	c.expires = e.drawExpiry(now)
	c.index = len(e.conns)
	e.conns = append(e.conns, c)
	c.busy = true
	if c.session != nil {
		e.lane.warm()
	}
	e.placeLocked(c, now)
	e.growLocked(now)
}

// giveUpHungLocked frees the places of dials that began while the server was
// silent, now that it has answered one after took.
func (e *engine) giveUpHungLocked(now time.Time, took time.Duration) {
	for a := range e.attempts {
		if age := now.Sub(a.started); age >= hungAfter && age >= hungTimes*took {
			a.hung = true
			a.cancel()
		}
	}
}

func (e *engine) dialFailedLocked(a *attempt, now time.Time, err error) {
	e.counts.dialFailures++
	if e.closed {
		e.settleLocked()
		return
	}
	if a.hung { // says nothing about the server as it is now
		e.growLocked(now)
		return
	}
	e.pace.failed(now, a.started, a.patience, dialError(err))
	if len(e.conns) == 0 && e.dialing == 0 && (!passing(err) || e.pace.failures >= hopeless) {
		e.failWaitersLocked(ErrDialFailed)
	}
	e.growLocked(now)
}

// drawExpiry spreads the ends of connections over the jitter's range. Steps of
// the golden ratio keep any number of draws apart; independent ones would bunch.
func (e *engine) drawExpiry(now time.Time) time.Time {
	if e.cfg.MaxLifetime <= 0 {
		return time.Time{}
	}
	_, e.jitter = math.Modf(e.jitter + math.Phi - 1)
	short := max(e.cfg.LifetimeJitter, 0) * e.jitter * float64(e.cfg.MaxLifetime)
	return now.Add(e.cfg.MaxLifetime - time.Duration(short))
}
